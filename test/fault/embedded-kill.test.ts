/**
 * The process that holds an embedded server is killed with -9 at points spread over its life: while it initialises the
 * cluster, while the server starts or recovers, while it writes. Each time nothing may stay behind, and the next start must
 * bring back what was committed.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { leakCheck } from '../support/leak-check.ts';
import { holdPostgres, nothingRunsOn } from '../support/postgres-process.ts';

leakCheck(after);

// A server shuts down by itself when its parent is gone; what it may take with few dirty pages and a busy disk.
const endedWithinMs = 5_000;

/** Points between two times, the first and last included, each moved a little: another run tries others. */
function spread(count: number, fromMs: number, toMs: number): readonly number[] {
  const stepMs = (toMs - fromMs) / (count - 1);
  return Array.from({ length: count }, (_, i) => Math.max(0, fromMs + (i + Math.random() - 0.5) * stepMs));
}

test('killed while it initialises: nothing stays behind, nothing blocks the next start', async (t) => {
  const directory = temporary(t);
  const data = join(directory, 'data');
  const seen: string[] = [];
  for (const afterMs of spread(8, 60, 900)) {
    const holder = holdPostgres({ scope: t, orders: { options: { dataDirectory: data }, writes: true } });
    await Promise.race([delay(afterMs), holder.outcome]);
    await holder.kill();
    const goneMs = await nothingRunsOn(data, endedWithinMs);
    seen.push(`${Math.round(afterMs)}/${Math.round(goneMs)}`);
  }
  t.diagnostic(`killed after / all gone after (ms): ${seen.join(' ')}`);
  const holder = holdPostgres({ scope: t, orders: { options: { dataDirectory: data } } });
  const outcome = await holder.outcome;
  assert.equal(outcome?.state, 'ready', JSON.stringify(outcome));
  await holder.terminate();
});

test('killed while it works: what was committed is there after the next start', async (t) => {
  const directory = temporary(t);
  const data = join(directory, 'data');
  const first = holdPostgres({ scope: t, orders: { options: { dataDirectory: data } } });
  assert.equal((await first.outcome)?.state, 'ready');
  await first.terminate();
  const startedMs = performance.now();
  const second = holdPostgres({ scope: t, orders: { options: { dataDirectory: data } } });
  await second.outcome;
  const startMs = performance.now() - startedMs;
  await second.terminate();

  let committed = 0;
  let ready = 0;
  const seen: string[] = [];
  for (const afterMs of spread(12, 80, 2 * startMs + 300)) {
    // At once: half of the rounds don't wait for the former server, which may still be shutting down.
    const holder = holdPostgres({ scope: t, orders: { options: { dataDirectory: data }, writes: true } });
    await delay(afterMs);
    await holder.kill();
    const outcome = await holder.outcome;
    if (outcome !== null) {
      assert.equal(outcome.state, 'ready', JSON.stringify(outcome));
      ready += 1;
      if (outcome.state === 'ready') assert.ok(outcome.rows >= committed, `${outcome.rows} of ${committed} came back`);
    }
    committed = Math.max(committed, holder.lastWritten());
    if (seen.length % 2 === 0) await nothingRunsOn(data, endedWithinMs);
    seen.push(`${Math.round(afterMs)}/${holder.lastWritten()}`);
  }
  t.diagnostic(`killed after ms / last number written: ${seen.join(' ')}`);
  assert.ok(ready >= 4 && committed > 0, `only ${ready} of 12 starts came far enough to write`);

  const last = holdPostgres({ scope: t, orders: { options: { dataDirectory: data } } });
  const outcome = await last.outcome;
  assert.ok(outcome?.state === 'ready', JSON.stringify(outcome));
  const client = new pg.Client({ connectionString: outcome.url });
  await client.connect();
  const { rows } = await client.query('SELECT count(*)::int AS count, max(number) AS last FROM written');
  await client.end();
  assert.equal(rows[0].count, rows[0].last, 'no hole');
  assert.ok(rows[0].last >= committed);
  await last.terminate();
  await nothingRunsOn(data, endedWithinMs);
});

test('the server itself killed: the process learns it, and the next start recovers', async (t) => {
  const directory = temporary(t);
  const data = join(directory, 'data');
  const { startEmbeddedPostgres } = await import('@teamflow/autopilot/embedded');
  const server = await startEmbeddedPostgres({ dataDirectory: data });
  process.kill(server.pid, 'SIGKILL');
  const report = await server.exited;
  assert.deepEqual([report.signal, report.expected], ['SIGKILL', false]);
  await server.stop();
  const next = await startEmbeddedPostgres({ dataDirectory: data });
  await next.stop('immediate');
  const last = await startEmbeddedPostgres({ dataDirectory: data });
  await last.stop();
});

function temporary(t: { after(fn: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-kill-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}
