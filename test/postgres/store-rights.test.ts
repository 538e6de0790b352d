/** What the roles of docs/guides/storage.md may do, and what they may not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { type TestDatabase, throwawayCluster } from '../support/postgres.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const T0 = 1_700_006_400_000;

/** The statements of the guide, which the reader is told to run. */
function guideStatements(): string {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/storage.md'), 'utf8');
  const [, sql] = /```sql\n-- The agent's role[^\n]*\n([\s\S]*?)```/.exec(guide) ?? [];
  assert.ok(sql !== undefined, 'docs/guides/storage.md has the statements of the agent’s role');
  return sql;
}

async function administer(database: TestDatabase, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

test('an agent’s role may insert windows and nothing else', async (t) => {
  const database = await metricDatabase(t, await throwawayCluster());
  await administer(database, guideStatements());
  t.after(async () => {
    await administer(database, 'DROP OWNED BY autopilot_agent; DROP ROLE autopilot_agent');
  });
  const url = new URL(database.url);
  url.username = 'autopilot_agent';
  const agentUrl = url.href;
  await using store = new PostgresMetricStore({
    connectionString: agentUrl,
    maxConnections: 1,
    clock: new FakeClock(T0),
  });
  const window = windowOf(T0, [routeOf('GET /a', [1, 2])], { overflow: { tenant: 1 } });
  assert.equal((await store.append(originOf('a'), [window])).taken, 1);
  assert.equal((await store.append(originOf('a'), [window])).duplicates, 1);
  await assert.rejects(store.compact(T0), { code: 'AP_STORE_PERMISSION' });
  await assert.rejects(store.migrate(), { code: 'AP_STORE_PERMISSION' });
  await assert.rejects(
    (async () => {
      for await (const _ of store.read({
        service: 'orders',
        family: 'route',
        select: { kind: 'each' },
        from: T0,
        to: T0 + 1,
        resolutionMs: 1,
      }));
    })(),
    { code: 'AP_STORE_PERMISSION' },
  );
  const client = new pg.Client({ connectionString: agentUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ relname: string }>(
      `SELECT relname FROM pg_class WHERE relnamespace = 'autopilot'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`,
    );
    assert.ok(rows.length > 10);
    for (const { relname } of rows) {
      for (const statement of [
        `SELECT FROM autopilot.${relname}`,
        `INSERT INTO autopilot.${relname} DEFAULT VALUES`,
        `DELETE FROM autopilot.${relname}`,
        `TRUNCATE autopilot.${relname}`,
      ]) {
        await assert.rejects(client.query(statement), { code: '42501' }, statement);
      }
    }
    await assert.rejects(client.query('CREATE TABLE autopilot.mine ()'), { code: '42501' });
  } finally {
    await client.end();
  }
});
