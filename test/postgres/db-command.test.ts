/** `autopilot db` against a server with pg_stat_statements in the database, and one without. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readArguments } from '../../packages/autopilot/src/cli/command.ts';
import { db } from '../../packages/autopilot/src/cli/commands/db.ts';
import { leakCheck } from '../support/leak-check.ts';
import { observedWorld } from '../support/observed-world.ts';
import { throwawayCluster } from '../support/postgres.ts';

leakCheck(after);

async function run(...args: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const out: string[] = [];
  const error: string[] = [];
  const { values, operands } = readArguments(db, args, {});
  const terminal = {
    environment: {},
    out: (line: string) => out.push(line),
    error: (line: string) => error.push(line),
  };
  const code = await db.run(values, terminal, operands);
  return { code, out: out.join('\n'), error: error.join('\n') };
}

test('every view answers as text and as JSON, and what is missing is named with its remedy', async (t) => {
  const world = await observedWorld(t, await throwawayCluster());
  const { superuser, monitor, nobody } = world.urls;
  await world.run(
    `CREATE TABLE task (id int PRIMARY KEY, title text); INSERT INTO task SELECT i, 'secret' FROM generate_series(1, 500) i`,
  );
  const without = await run('slow', '--url', superuser);
  assert.match(
    without.out,
    /statements: The extension pg_stat_statements is not in the database .*CREATE EXTENSION pg_stat_statements;/,
  );
  await world.run('CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()');
  for (let at = 0; at < 7; at++) await world.run(`SELECT title FROM task WHERE title = 'secret${at}'`);
  for (const url of [superuser, monitor, nobody]) {
    for (const view of ['analyze', 'slow', 'tables', 'indexes', 'connections']) {
      const text = await run(view, '--url', url);
      assert.equal(text.code, 0, text.error);
      assert.ok(!text.out.includes('secret'), 'literals of statements are nobody’s to see');
      const { code, out } = await run(view, '--url', url, '--json');
      assert.equal(code, 0);
      assert.ok(Object.keys(JSON.parse(out) as object).length > 1);
    }
  }
  const slow = await run('slow', '--url', monitor);
  assert.match(slow.out, /^ +.* 7 .* SELECT title FROM task WHERE title = \$1$/m);
  assert.ok(!slow.out.includes('autopilot'), 'its own statements never appear');
  const hidden = await run('slow', '--url', nobody);
  assert.match(hidden.out, /statements: The texts of \d+ statements are those of other roles.*GRANT pg_monitor TO/);
  assert.match((await run('tables', '--url', superuser)).out, /^public\.task +/m);
  const exact = (url: string) => run('tables', '--url', url, '--exact', 'public.task', '--json');
  assert.match((await exact(superuser)).out, /CREATE EXTENSION pgstattuple/);
  await world.run('DELETE FROM task WHERE id % 2 = 0; CREATE EXTENSION pgstattuple');
  // pg_monitor is enough to count; who may not is told.
  for (const url of [superuser, monitor]) {
    const { tables } = JSON.parse((await exact(url)).out) as { tables: { bloat: { ratio: number; method: string } }[] };
    assert.match(tables[0]?.bloat.method ?? '', /^counted/);
    assert.ok((tables[0]?.bloat.ratio ?? 0) > 0.3, JSON.stringify(tables));
  }
  assert.match((await exact(nobody)).out, /GRANT pg_stat_scan_tables/);
  await assert.rejects(run('tables', '--url', superuser, '--exact', 'public.tusk'), /no table public\.tusk/);
  assert.match((await run('indexes', '--url', superuser)).out, /^public\.task_pkey +task .* primary +id$/m);
  assert.match((await run('connections', '--url', superuser)).out, /^observed-world +.* idle +1 /m);
});

test('a server that does not answer is exit code 3, what is written wrongly what was meant', async () => {
  const away = await run('analyze', '--url', 'postgres://nobody@127.0.0.1:1/none');
  assert.equal(away.code, 3);
  assert.match(away.error, /can not be reached.*Check that the server runs/);
  await assert.rejects(run('analyse', '--url', 'postgres://x'), { remedy: '"analyze" was probably meant.' });
  await assert.rejects(run('tables'), /No database was named/);
  await assert.rejects(run('tables', '--url', 'http://x'), /no PostgreSQL URL/);
  await assert.rejects(run('tables', '--url', 'postgres://x', '--limit', 'ten'), /--limit is "ten"/);
});
