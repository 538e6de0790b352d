/** What every AccessStore does, and what a fleet makes of one in PostgreSQL. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it, test } from 'node:test';
import { makeToken, TokenVerifier, tokenDigest } from '../../packages/autopilot/src/access/token.ts';
import type { AuditEntry, AuditList, CreatedAccessToken } from '../../packages/autopilot/src/contract/access.ts';
import type { Problem } from '../../packages/autopilot/src/contract/error-table.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { MemoryAccessStore } from '../../packages/autopilot/src/storage/memory/memory-access-store.ts';
import type { AccessStore, StoredTokenDraft } from '../../packages/autopilot/src/storage/ports.ts';
import { PostgresAccessStore } from '../../packages/autopilot/src/storage/postgres/postgres-access-store.ts';
import { type ControlWorld, controlWorld } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { metricDatabase } from '../support/metric-store.ts';
import { olderServer, olderServerSkip, type TestScope, throwawayCluster } from '../support/postgres.ts';
import { storeDoor } from '../support/store-door.ts';
import { until } from '../support/until.ts';

leakCheck(after);

async function postgres(t: TestScope, server: () => ReturnType<typeof throwawayCluster>): Promise<AccessStore> {
  const { url } = await metricDatabase(t, await server());
  const store = new PostgresAccessStore(url);
  t.after(() => store.close());
  return store;
}

const implementations: Readonly<
  Record<string, { readonly open: (t: TestScope) => Promise<AccessStore>; readonly skip?: string | false }>
> = {
  MemoryAccessStore: { open: async () => new MemoryAccessStore() },
  PostgresAccessStore: { open: (t) => postgres(t, throwawayCluster) },
  'PostgresAccessStore on PostgreSQL 15': { open: (t) => postgres(t, olderServer), skip: olderServerSkip() },
};

function draftOf(id: string, more: Partial<StoredTokenDraft> = {}): StoredTokenDraft {
  const sha256 = tokenDigest(makeToken());
  return { id, name: `token ${id}`, scope: 'read', sha256, createdBy: 'ann', expiresAt: null, ...more };
}

function entryOf(operation: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: randomUUID(),
    at: '2026-01-02T03:04:05.678Z',
    actor: 'ann',
    by: 'session',
    operation,
    target: `/api/v1/${operation}`,
    outcome: 'done',
    status: 200,
    code: null,
    requestId: 'r-1',
    skipped: 0,
    ...more,
  };
}

for (const [name, { open, skip }] of Object.entries(implementations)) {
  describe(name, { skip: skip ?? false }, () => {
    it('keeps tokens, ends them once, notes their uses, and lists both ways', async (t) => {
      const store = await open(t);
      const now = Date.now();
      const draft = draftOf('a', { scope: 'operate', expiresAt: now + 60_000 });
      const made = await store.addToken(draft);
      assert.deepEqual(
        { ...made, number: 0, createdAt: 0 },
        {
          ...draft,
          number: 0,
          createdAt: 0,
          lastUsedAt: null,
          revokedAt: null,
          revokedBy: null,
        },
      );
      for (const id of ['b', 'c', 'd']) await store.addToken(draftOf(id));
      await store.addToken(draftOf('old', { expiresAt: now - 60_000 }));
      const revoked = await store.revokeToken('c', 'bob');
      assert.equal(revoked?.revokedBy, 'bob');
      assert.deepEqual(await store.revokeToken('c', 'eve'), revoked);
      assert.equal(await store.revokeToken('none', 'eve'), null);
      assert.deepEqual(
        (await store.liveTokens()).map(({ id }) => id),
        ['a', 'b', 'd'],
      );
      await store.noteUses(new Map([['a', now]]));
      await store.noteUses(
        new Map([
          ['a', now - 5_000],
          ['none', now],
        ]),
      );
      assert.equal((await store.liveTokens())[0]?.lastUsedAt, now);
      const ids = async (edge: number | null, toward: 'older' | 'newer'): Promise<readonly string[]> =>
        (await store.tokens({ edge, toward, limit: 2 })).map(({ id }) => id);
      const [, second] = await store.tokens({ edge: null, toward: 'older', limit: 2 });
      assert.deepEqual(await ids(null, 'older'), ['old', 'd']);
      assert.deepEqual(await ids(second?.number ?? 0, 'older'), ['c', 'b']);
      assert.deepEqual(await ids(made.number, 'newer'), ['b', 'c']);
      await store.prune();
      assert.equal((await store.tokens({ edge: null, toward: 'older', limit: 9 })).length, 5);
    });

    it('writes an entry of the audit log once, and finds by caller and operation', async (t) => {
      const store = await open(t);
      const at = new Date().toISOString();
      const [one, two, three] = [
        entryOf('patchConfig', { at }),
        entryOf('createAccessToken', {
          at,
          actor: null,
          by: null,
          outcome: 'refused',
          status: 401,
          code: 'AP_X',
          skipped: 7,
        }),
        entryOf('patchConfig', { at, actor: 'bob' }),
      ];
      await store.record([one, two]);
      await store.record([two, three]);
      const read = async (only: { actor?: string; operation?: string }): Promise<readonly AuditEntry[]> =>
        (await store.audit({ edge: null, toward: 'older', limit: 10 }, only)).map(
          ({ number: _number, ...entry }) => entry,
        );
      assert.deepEqual(await read({}), [three, two, one]);
      assert.deepEqual(await read({ operation: 'patchConfig' }), [three, one]);
      assert.deepEqual(await read({ operation: 'patchConfig', actor: 'bob' }), [three]);
      await store.record([entryOf('patchConfig', { at: '2020-01-01T00:00:00.000Z' })]);
      await store.prune();
      const kept = await read({});
      assert.ok(kept.length >= 3 && kept.some(({ id }) => id === one.id), 'nothing young is dropped');
      assert.equal(new TokenVerifier([]).verify('x'), null);
    });
  });
}

async function made(world: ControlWorld, name: string): Promise<CreatedAccessToken> {
  const answer = await world.send('POST', '/api/v1/access/tokens', { name, scope: 'read', expiresAt: null });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as CreatedAccessToken; // as the operation table declares
}

test('a token opens every control plane of a fleet, also while the database is away, until it is revoked', async (t) => {
  const database = await metricDatabase(t, await throwawayCluster());
  const door = await storeDoor(t, database);
  const options = { databaseUrl: door.url, clock: systemClock, service: 'orders' };
  await using one = await controlWorld(options);
  await using two = await controlWorld({ ...options, token: 'another-administrator-0123456789abcdef' });
  const worlds = [one, two];
  const opens = (secret: string, status: number): Promise<unknown> =>
    until(
      20_000,
      () => Promise.all(worlds.map((world) => world.get('/api/v1/config', { authorization: `Bearer ${secret}` }))),
      (answers) => answers.every((answer) => answer.status === status),
    );
  const agent = one.link('web-1');
  const { token, secret } = await made(one, 'ci deploys');
  assert.match(secret, /^autopilot_/);
  await opens(secret, 200);
  const told = (): string => JSON.stringify(agent.heard.findLast((message) => message.kind === 'tokens') ?? null);
  await until(
    10_000,
    async () => told(),
    (said) => said.includes(tokenDigest(secret)),
  );
  assert.ok(!JSON.stringify(agent.heard).includes(secret));

  await door.shut();
  await opens(secret, 200);
  const refused = await until(
    10_000,
    () => one.send('POST', '/api/v1/access/tokens', { name: 'x', scope: 'read' }),
    ({ status }) => status === 503,
  );
  assert.equal(((await refused.json()) as Problem).code, 'AP_ACCESS_STORE_UNAVAILABLE');
  assert.ok(refused.headers.has('retry-after'));
  await door.open();

  await until(
    20_000,
    () => one.send('POST', `/api/v1/access/tokens/${token.id}/revoke`),
    ({ status }) => status === 200,
  );
  await opens(secret, 401);
  await until(
    10_000,
    async () => told(),
    (said) => !said.includes(tokenDigest(secret)),
  );
  // What was refused while the database was away is in the log too.
  const log = await until(
    20_000,
    async () => (await (await one.get('/api/v1/access/audit')).json()) as AuditList,
    ({ entries }) => entries.some(({ code }) => code === 'AP_ACCESS_STORE_UNAVAILABLE'),
  );
  assert.ok(log.entries.some(({ operation, outcome }) => operation === 'revokeAccessToken' && outcome === 'done'));
  assert.ok(!JSON.stringify(log).includes(secret));
});
