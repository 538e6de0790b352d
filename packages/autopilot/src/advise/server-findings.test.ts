import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActiveBackend, ConnectionsView, DatabaseServer } from '../contract/database.ts';
import type { ServerSetting, SettingsReading } from '../postgres/read-settings.ts';
import {
  blockerFindings,
  connectionFindings,
  sequenceFindings,
  slotFindings,
  transactionFindings,
  wraparoundFindings,
} from './server-findings.ts';
import { settingsAdvice } from './settings-advice.ts';

const quiet: ActiveBackend = {
  pid: 1,
  application: 'orders',
  role: 'app',
  state: 'active',
  waitsFor: null,
  transactionMs: 100,
  statementMs: 100,
  inStateMs: 100,
  blockedBy: [],
  text: 'select ?',
};

function viewOf(backends: readonly ActiveBackend[], more: Partial<ConnectionsView> = {}): ConnectionsView {
  return {
    maxConnections: 100,
    reservedConnections: 3,
    connections: 10,
    active: 1,
    idle: 9,
    idleInTransaction: 0,
    waitingForLocks: 0,
    groups: [],
    backends,
    ...more,
  };
}

const kindsOf = (findings: readonly { readonly kind: string }[]): readonly string[] => findings.map(({ kind }) => kind);

test('backends are named when they idle in a transaction, wait for a lock or go on for long, and not before', () => {
  assert.deepEqual(connectionFindings(viewOf([quiet])), []);
  const idle = { ...quiet, state: 'idle in transaction', inStateMs: 90_000 };
  assert.deepEqual(kindsOf(connectionFindings(viewOf([idle]))), ['idle-in-transaction']);
  const waiting = { ...quiet, blockedBy: [7], inStateMs: 8_000, statementMs: 8_000 };
  const [wait] = connectionFindings(viewOf([waiting]));
  assert.equal(wait?.sql, 'SELECT pg_terminate_backend(7);');
  assert.deepEqual(kindsOf(connectionFindings(viewOf([{ ...quiet, transactionMs: 3_600_000 }]))), ['long-transaction']);
});

test('connections are near their limit from four fifths of the usable ones on', () => {
  assert.deepEqual(connectionFindings(viewOf([], { connections: 77 })), []);
  assert.deepEqual(kindsOf(connectionFindings(viewOf([], { connections: 78 }))), ['connections-near-limit']);
  assert.equal(connectionFindings(viewOf([], { connections: 95 }))[0]?.severity, 'critical');
});

test('identifiers, sequences, slots and prepared transactions are named before they are at their end', () => {
  const state = { database: 'app', transactionAge: 1.2e9, multixactAge: 0, freezeMaxAge: 2e8 };
  assert.deepEqual(wraparoundFindings([{ ...state, usedRatio: 0.4 }]), []);
  assert.deepEqual(kindsOf(wraparoundFindings([{ ...state, usedRatio: 0.56 }])), ['database-wraparound']);
  const sequence = { schema: 'public', sequence: 's', column: null, lastValue: 95, maxValue: 100, usedRatio: 0.95 };
  assert.equal(sequenceFindings([sequence])[0]?.severity, 'critical');
  assert.deepEqual(sequenceFindings([{ ...sequence, usedRatio: 0.6 }]), []);
  const slot = { ...readingOf({}), inactiveSlots: [{ name: "it's", retainedBytes: 5e9 }] };
  assert.equal(slotFindings(slot)[0]?.sql, "SELECT pg_drop_replication_slot('it''s');");
  const now = Date.parse('2026-01-01T01:00:00Z');
  const prepared = { kind: 'prepared transaction', name: 'x', age: 5, sinceAt: '2026-01-01T00:00:00Z' } as const;
  assert.deepEqual(kindsOf(blockerFindings([prepared], now)), ['prepared-transaction']);
  assert.deepEqual(blockerFindings([{ ...prepared, sinceAt: '2026-01-01T00:59:00Z' }], now), []);
  assert.deepEqual(kindsOf(blockerFindings([{ ...prepared, kind: 'transaction', age: 200_000 }], now)), [
    'vacuum-held-back',
  ]);
});

const server: DatabaseServer = {
  database: 'app',
  version: '15.8',
  versionNumber: 150_008,
  role: 'app',
  isSuperuser: false,
  readsAllStatistics: true,
  readsAllSettings: true,
  isStandby: false,
  startedAt: '2026-01-01T00:00:00Z',
  countedSince: null,
  sizeBytes: 50e9,
  cacheHitRatio: 0.999,
  commits: 0,
  rollbacks: 0,
  deadlocks: 0,
  tempFiles: 0,
  tempBytes: 0,
  extensions: {},
};

function readingOf(
  values: Readonly<Record<string, readonly [value: string, unit: string | null]>>,
  checkpoints = { timed: 100, requested: 1, resetAt: null },
): SettingsReading {
  const sound = {
    fsync: ['on', null],
    full_page_writes: ['on', null],
    autovacuum: ['on', null],
    shared_buffers: ['1048576', '8kB'],
    effective_cache_size: ['3145728', '8kB'],
    work_mem: ['4096', 'kB'],
    max_wal_size: ['1024', 'MB'],
    checkpoint_completion_target: ['0.9', null],
    random_page_cost: ['1.1', null],
    ...values,
  } as const;
  const settings = Object.entries(sound).map(([name, [value, unit]]): [string, ServerSetting] => [
    name,
    { name, value, unit, context: name === 'shared_buffers' ? 'postmaster' : 'sighup', isDefault: true },
  ]);
  return { settings: new Map(settings), checkpoints, readMsAPage: 0.1, inactiveSlots: [] };
}

test('settings are advised on evidence alone, each with what it needs', () => {
  const machine = { memoryBytes: 32 * 1024 ** 3, cores: 8 };
  const evidence = { reading: readingOf({}), server, observedMs: 3_600_000, machine };
  assert.deepEqual(settingsAdvice(evidence), []);
  const advised = settingsAdvice({
    ...evidence,
    server: { ...server, cacheHitRatio: 0.9, tempFiles: 1_000, tempBytes: 20e9 },
    reading: readingOf(
      {
        fsync: ['off', null],
        full_page_writes: ['off', null],
        autovacuum: ['off', null],
        shared_buffers: ['16384', '8kB'],
        effective_cache_size: ['131072', '8kB'],
        checkpoint_completion_target: ['0.5', null],
        random_page_cost: ['4', null],
      },
      { timed: 10, requested: 90, resetAt: null },
    ),
  });
  assert.deepEqual(
    advised.map(({ setting, current, advised: value, needs }) => [setting, current, value, needs]),
    [
      ['fsync', 'off', 'on', 'reload'],
      ['full_page_writes', 'off', 'on', 'reload'],
      ['autovacuum', 'off', 'on', 'reload'],
      ['shared_buffers', '128MB', '8192MB', 'restart'],
      ['work_mem', '4MB', '38MB', 'reload'],
      ['max_wal_size', '1024MB', '2048MB', 'reload'],
      ['effective_cache_size', '1024MB', '22938MB', 'reload'],
      ['checkpoint_completion_target', '0.5', '0.9', 'reload'],
      ['random_page_cost', '4', '1.1', 'reload'],
    ],
  );
});

test('transactions that are thrown away are told where they are many', () => {
  const server = (more: Partial<DatabaseServer>): DatabaseServer =>
    // The rule reads nothing else of it.
    ({ database: 'app', commits: 90_000, rollbacks: 0, deadlocks: 0, ...more }) as DatabaseServer;
  const day = 86_400_000;
  assert.deepEqual(transactionFindings(server({ rollbacks: 5_000, deadlocks: 4 }), day), []);
  assert.deepEqual(kindsOf(transactionFindings(server({ rollbacks: 40_000, deadlocks: 30 }), 2 * day)), [
    'many-rollbacks',
    'deadlocks',
  ]);
  assert.deepEqual(kindsOf(transactionFindings(server({ deadlocks: 30 }), 30 * day)), []);
});
