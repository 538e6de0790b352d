import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveSettings } from '../config/live-settings.ts';
import type { SettingValues } from '../contract/configuration.ts';
import { refusalsOf, type TrialFacts, trialGuard } from './trial-guards.ts';

const quiet: TrialFacts = {
  origin: 'autopilot',
  mode: 'automatic',
  stopped: null,
  openInScope: null,
  sinceRevertMs: null,
  changesToday: 0,
  minuteOfDay: 12 * 60,
  busyRatio: 0.3,
  ioRatio: 0.2,
  incident: null,
  lacksRight: null,
  outOfBounds: null,
  isStandby: false,
  lagSeconds: null,
  oldestTransactionSeconds: 2,
  needsBytes: 1e6,
  freeBytes: 1e9,
  diskBytes: 2e9,
};

function refused(facts: Partial<TrialFacts>, values: SettingValues = {}): string {
  const live = new LiveSettings();
  live.swap({ 'optimization.indexes': 'automatic', ...values });
  const { optimization } = live.current;
  return refusalsOf({ ...quiet, mode: optimization.indexes, ...facts }, optimization).join('\n');
}

test('nothing speaks against a quiet database', () => {
  assert.equal(refused({}), '');
});

test('optimization.indexes says who may begin', () => {
  const all = (mode: string): readonly boolean[] =>
    (['person', 'auto-tune', 'autopilot'] as const).map(
      (origin) => refused({ origin }, { 'optimization.indexes': mode }) === '',
    );
  assert.deepEqual(all('off'), [false, false, false]);
  assert.deepEqual(all('recommend'), [true, false, false]);
  assert.deepEqual(all('ask'), [true, true, false]);
  assert.deepEqual(all('automatic'), [true, true, true]);
});

test('optimization.changesPerDay, coolDownMs, maxBusyRatio and window hold for what nobody asked for', () => {
  const cases: readonly (readonly [Partial<TrialFacts>, SettingValues, RegExp])[] = [
    [{ changesToday: 2 }, { 'optimization.changesPerDay': 2 }, /^budget: 2 trials .* at most 2/],
    [{ sinceRevertMs: 60_000 }, { 'optimization.coolDownMs': 120_000 }, /^cool-down: .* 1 minutes ago/],
    [{ busyRatio: 0.6 }, { 'optimization.maxBusyRatio': 0.5 }, /^load: .* 60 % busy .* 50 %/],
    [{ ioRatio: 0.6 }, { 'optimization.maxBusyRatio': 0.5 }, /^disk load: in 60 % .* 50 %/],
    [{ incident: '5.0 % of the requests failed.' }, {}, /^incident: 5\.0 % of the requests failed/],
    [{}, { 'optimization.window': '22:00-05:00' }, /^window: it is not within 22:00-05:00 UTC/],
    [{}, { 'optimization.window': 'at night' }, /^window: /],
    [{ stopped: 'The switch is on.' }, {}, /^kill switch: The switch is on/],
  ];
  for (const [facts, values, expected] of cases) {
    assert.match(refused(facts, values), expected);
    assert.equal(refused({ ...facts, origin: 'person' }, values), '');
  }
  assert.equal(refused({ minuteOfDay: 23 * 60 }, { 'optimization.window': '22:00-05:00' }), '');
  assert.equal(refused({ changesToday: 2, sinceRevertMs: 60_000 }, { 'optimization.coolDownMs': 1_000 }), '');
  assert.equal(refused({ busyRatio: 1 }, { 'optimization.maxBusyRatio': 1 }), '');
});

test('while something fails nothing is begun but what somebody applies by its id', () => {
  const incident = 'A caller got no connection.';
  assert.match(refused({ origin: 'auto-tune', incident }), /^incident: A caller got no connection/);
  assert.equal(refused({ origin: 'person', incident }), '');
});

test('what would harm is refused whoever asks', () => {
  const cases: readonly (readonly [Partial<TrialFacts>, RegExp])[] = [
    [{ openInScope: 'An index on task' }, /^scope: a trial of An index on task/],
    [{ lacksRight: 'the role owns nothing.' }, /^rights: /],
    [{ outOfBounds: 'work_mem = 9GB is beyond 1MB to 256MB.' }, /^bounds: work_mem = 9GB/],
    [{ isStandby: true }, /^standby: /],
    [{ lagSeconds: 61 }, /^replication lag: .* 61 s behind/],
    [{ oldestTransactionSeconds: 700 }, /^long transaction: .* 700 s/],
    [{ needsBytes: 6e8 }, /^disk: 1000 MB are free, and twice 600 MB/],
    [{ needsBytes: 3e8, freeBytes: 6.5e8, diskBytes: 5e9 }, /^disk: the disk would be 93 % full/],
  ];
  for (const [facts, expected] of cases) assert.match(refused({ ...facts, origin: 'person' }), expected);
});

test('a category that was switched off, or a window that has closed, stops a trial before its change is made', async () => {
  const live = new LiveSettings();
  const ask = async (
    mode: 'off' | 'recommend' | 'ask' | 'automatic',
    origin: 'person' | 'autopilot',
    kind = 'indexes',
  ): Promise<boolean> => {
    const guard = trialGuard(
      () => ({ ...live.current.optimization, indexes: mode, window: '22:00-04:00' }),
      () => 12 * 60,
    );
    return (await guard.check({ service: 'orders', kind, subject: 'It', author: 'ann', origin })).ok;
  };
  assert.deepEqual(
    await Promise.all([ask('recommend', 'person'), ask('off', 'person'), ask('off', 'person', 'configuration')]),
    [true, false, true],
  );
  assert.deepEqual(await Promise.all([ask('ask', 'autopilot'), ask('automatic', 'autopilot')]), [false, false]);
  // Each kind of change has the mode of its own category.
  const kinds = ['server-settings', 'table-options'] as const;
  const all = (): Promise<readonly boolean[]> => Promise.all(kinds.map((kind) => ask('off', 'person', kind)));
  assert.deepEqual(await all(), [true, true]);
  live.swap({ 'optimization.settings': 'off', 'optimization.tables': 'recommend' });
  assert.deepEqual(await all(), [false, true]);
  live.swap({ 'optimization.tables': 'off' });
  assert.deepEqual(await all(), [true, false]);
});
