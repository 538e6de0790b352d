/** Migrations: each once, whole or not at all, and beside an agent of the release before. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { migrate, migrationDirectory, schemaVersion } from '../../packages/autopilot/src/storage/migrate.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { withClient } from '../support/history-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, olderServer, olderServerSkip, type TestScope, throwawayCluster } from '../support/postgres.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const T0 = 1_700_006_400_000;

/** The published migrations and more after them, in a folder of the test's own. */
function withMore(t: TestScope, ...more: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'migrations-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  cpSync(migrationDirectory, directory, { recursive: true });
  const published = readdirSync(directory).length;
  more.forEach((sql, i) => {
    writeFileSync(join(directory, `${String(published + i + 1).padStart(4, '0')}_more.sql`), sql);
  });
  return directory;
}

const published = readdirSync(migrationDirectory).filter((name) => name.endsWith('.sql')).length;

for (const [name, { server, skip }] of Object.entries({
  'the embedded server': { server: throwawayCluster, skip: false },
  'PostgreSQL 15': { server: olderServer, skip: olderServerSkip() },
})) {
  describe(`migrations on ${name}`, { skip }, () => {
    test('are applied once, also by ten that start together', async (t) => {
      const { url } = await databaseFor(t, { server: await server() });
      const results = await Promise.all(
        Array.from({ length: 10 }, () => withClient(url, async (client) => await migrate(client))),
      );
      assert.deepEqual(
        results.flatMap(({ applied }) => applied).sort((a, b) => a - b),
        Array.from({ length: published }, (_, i) => i + 1),
      );
      assert.ok(results.every(({ version }) => version === published));
      assert.deepEqual((await withClient(url, async (client) => await migrate(client))).applied, []);
    });

    test('leave nothing half when one of them fails', async (t) => {
      const { url } = await databaseFor(t, { server: await server() });
      const directory = withMore(t, 'CREATE TABLE autopilot.half (x integer); SELECT 1 / 0;');
      await assert.rejects(
        withClient(url, async (client) => await migrate(client, directory)),
        { code: '22012' },
      );
      await withClient(url, async (client) => {
        assert.equal(await schemaVersion(client), published);
        const { rows } = await client.query(`SELECT to_regclass('autopilot.half') AS half`);
        assert.equal(rows[0].half, null);
      });
    });
  });
}

test('a process that is killed while it migrates leaves nothing half, and does not stand in the way', async (t) => {
  const { url } = await databaseFor(t);
  // Long enough to be killed in the middle of the last one.
  const directory = withMore(t, 'CREATE TABLE autopilot.slow (x integer); SELECT pg_sleep(20);');
  const script = `
    import pg from 'pg';
    import { migrate } from ${JSON.stringify(new URL('../../packages/autopilot/src/storage/migrate.ts', import.meta.url).href)};
    const client = new pg.Client({ connectionString: ${JSON.stringify(url)} });
    await client.connect();
    await migrate(client, ${JSON.stringify(directory)});`;
  const child = spawn(process.execPath, ['-C', 'source', '--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const gone = once(child, 'exit');
  await withClient(url, async (client) => {
    for (;;) {
      const { rows } = await client.query(
        `SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()`,
      );
      if (rows.length > 0) break;
      await delay(20);
    }
    child.kill('SIGKILL');
    await gone;
    // The server notices a vanished client when it next writes to it; an administrator, or keepalive, helps.
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()`,
    );
    assert.equal((await migrate(client)).version, published);
    assert.equal(await schemaVersion(client), published);
    const { rows } = await client.query(`SELECT to_regclass('autopilot.slow') AS slow`);
    assert.equal(rows[0].slow, null);
  });
});

test('a schema of a later release is reported as such', async (t) => {
  const { url } = await databaseFor(t);
  const later = withMore(t, 'CREATE TABLE autopilot.later (x integer)');
  await withClient(url, async (client) => {
    assert.equal((await migrate(client, later)).version, published + 1);
    await assert.rejects(migrate(client), {
      code: 'AP_STORE_SCHEMA_NEWER',
      message: new RegExp(`version ${published + 1}; .* up to ${published}`),
    });
  });
  // An agent of this release goes on writing; compaction is left to the later one.
  await using store = new PostgresMetricStore({ connectionString: url, clock: new FakeClock(T0) });
  assert.equal((await store.append(originOf('a'), [windowOf(T0, [routeOf('GET /a', [1])])])).taken, 1);
  await assert.rejects(store.compact(T0), { code: 'AP_STORE_SCHEMA_NEWER' });
});

test('a migration that was changed after it was applied is reported', async (t) => {
  const { url } = await databaseFor(t);
  await withClient(url, async (client) => {
    await migrate(client, withMore(t, 'CREATE TABLE autopilot.more (x integer)'));
    await assert.rejects(migrate(client, withMore(t, 'CREATE TABLE autopilot.more (y integer)')), {
      code: 'AP_STORE_MIGRATION_CHANGED',
      message: /_more\.sql/,
    });
  });
});

test('a database that is not in UTF-8 is refused', async (t) => {
  const server = await throwawayCluster();
  await withClient(server.url('postgres'), async (client) => {
    await client.query(`CREATE DATABASE in_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    t.after(async () => {
      await withClient(server.url('postgres'), async (again) => await again.query('DROP DATABASE in_latin'));
    });
  });
  await assert.rejects(
    withClient(server.url('in_latin'), async (client) => await migrate(client)),
    { code: 'AP_STORE_ENCODING' },
  );
});

test('an agent of the release before goes on writing while and after the schema grows', async (t) => {
  const { url } = await databaseFor(t);
  await withClient(url, async (client) => await migrate(client));
  const clock = new FakeClock(T0);
  const store = new PostgresMetricStore({ connectionString: url, clock });
  t.after(() => store.close());
  await store.compact(T0);
  let second = 0;
  let go = true;
  const agent = (async () => {
    while (go) {
      clock.advance(1000);
      const answer = await store.append(originOf('a'), [windowOf(T0 + second++ * 1000, [routeOf('GET /a', [5])])]);
      assert.equal(answer.taken, 1);
    }
  })();
  await delay(200);
  // What a migration may do: columns that are nullable or have a default, tables, indexes, functions beside the old ones.
  const grown = withMore(
    t,
    `ALTER TABLE autopilot.scopes ADD COLUMN region text;
     ALTER TABLE autopilot.series ADD COLUMN hidden boolean NOT NULL DEFAULT false;
     ALTER TABLE autopilot.windows ADD COLUMN note text;
     CREATE INDEX windows_note ON autopilot.windows (note);
     ALTER TABLE autopilot.window_blocks ADD COLUMN format smallint NOT NULL DEFAULT 1;
     CREATE TABLE autopilot.notes (id bigint PRIMARY KEY);
     CREATE FUNCTION autopilot.append_windows_v2(scope bigint, note text) RETURNS integer LANGUAGE sql AS 'SELECT 1';`,
  );
  await withClient(url, async (client) => {
    assert.deepEqual((await migrate(client, grown)).applied, [published + 1]);
  });
  await delay(200);
  go = false;
  await agent;
  await withClient(url, async (client) => {
    const { rows } = await client.query('SELECT count(*)::integer AS count FROM autopilot.windows');
    assert.equal(rows[0].count, second);
  });
  t.diagnostic(`${second} windows written`);
});

test('migrations only add', () => {
  for (const name of readdirSync(migrationDirectory)) {
    const sql = readFileSync(join(migrationDirectory, name), 'utf8').replaceAll(/--.*$/gm, '');
    assert.doesNotMatch(
      sql,
      /\b(?:DROP\s+(?:TABLE|COLUMN|FUNCTION|SCHEMA|TYPE|INDEX|CONSTRAINT)|RENAME|ALTER\s+COLUMN\s+\w+\s+(?:SET\s+DATA\s+)?TYPE|SET\s+NOT\s+NULL|TRUNCATE)\b/i,
      `${name}: agents of the release before would fail; see the head of 0001_metric_store.sql`,
    );
    for (const [column] of sql.matchAll(/ADD\s+COLUMN[^,;]*NOT\s+NULL[^,;]*/gi))
      assert.match(column, /DEFAULT/i, `${name}: ${column}`);
  }
});
