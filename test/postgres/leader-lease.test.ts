/** The lease of the control planes in PostgreSQL, and the keys of their fleet. */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../packages/autopilot/src/storage/migrate.ts';
import type { Candidate } from '../../packages/autopilot/src/storage/ports.ts';
import { PostgresLeaderLease } from '../../packages/autopilot/src/storage/postgres/leader-lease.ts';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor, throwawayCluster } from '../support/postgres.ts';

leakCheck(after);

interface Place {
  readonly pool: pg.Pool;
  readonly lease: () => PostgresLeaderLease;
}

async function place(t: TestContext): Promise<Place> {
  const { url } = await databaseFor(t, { server: await throwawayCluster() });
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  t.after(() => pool.end());
  const client = await pool.connect();
  await migrate(client);
  client.release();
  return {
    pool,
    lease: () => {
      const made = new PostgresLeaderLease(url);
      t.after(() => made.close());
      return made;
    },
  };
}

const candidate = (holder: string): Candidate => ({ holder, host: 'h', address: `http://${holder}:1` });

test('of many that try at once one leads; the next one has a higher epoch', async (t) => {
  const { lease } = await place(t);
  const names = ['a', 'b', 'c', 'd'];
  const leases = names.map(() => lease());
  const answers = await Promise.all(leases.map((one, at) => one.take(candidate(names[at] ?? ''), 600)));
  const at = answers.findIndex(({ held }) => held);
  assert.deepEqual(
    answers.filter(({ held }) => held),
    [{ held: true, epoch: 1 }],
  );
  const others = answers.filter(({ held }) => !held);
  assert.ok(others.every((answer) => !answer.held && answer.leader.holder === names[at]));
  assert.deepEqual(await leases[at]?.take(candidate(names[at] ?? ''), 600), { held: true, epoch: 1 });
  await sleep(700);
  const next = (at + 1) % names.length;
  assert.deepEqual(await leases[next]?.take(candidate(names[next] ?? ''), 60_000), { held: true, epoch: 2 });
  // Who led before finds out, and can't give up what is another's.
  const late = await leases[at]?.take(candidate(names[at] ?? ''), 60_000);
  assert.deepEqual(late, { held: false, epoch: 2, leader: candidate(names[next] ?? '') });
  await leases[at]?.resign(names[at] ?? '');
  assert.equal((await leases[at]?.take(candidate(names[at] ?? ''), 60_000))?.held, false);
  await leases[next]?.resign(names[next] ?? '');
  assert.deepEqual(await leases[at]?.take(candidate(names[at] ?? ''), 60_000), { held: true, epoch: 3 });
});

test('the fleet has one key however many ask first, and two while it is renewed; nobody else reads them', async (t) => {
  const { pool, lease } = await place(t);
  const found = await Promise.all([lease(), lease(), lease()].map((one) => one.keys()));
  assert.deepEqual(new Set(found.map((keys) => keys.join())).size, 1);
  const [first] = found[0] ?? [];
  assert.match(first ?? '', /^[0-9a-f]{64}$/);
  const one = lease();
  await one.rotateKeys(60_000);
  assert.deepEqual(await one.keys(), [first]);
  await one.rotateKeys(0);
  const [second, ...older] = await one.keys();
  assert.deepEqual([second === first, older], [false, [first]]);
  await one.rotateKeys(0);
  assert.equal((await one.keys()).at(-1), second);
  await pool.query('CREATE ROLE fleet_agent; GRANT USAGE ON SCHEMA autopilot TO fleet_agent');
  for (const table of ['link_keys', 'leader']) {
    const read = pool.query(`BEGIN; SET LOCAL ROLE fleet_agent; SELECT * FROM autopilot.${table}`);
    await assert.rejects(read, { code: '42501' });
    await pool.query('ROLLBACK');
  }
  await pool.query('DROP OWNED BY fleet_agent; DROP ROLE fleet_agent');
});
