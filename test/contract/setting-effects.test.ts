/** Settings change what their readers do, live and back again. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EventStreams } from '../../packages/autopilot/src/api/event-streams.ts';
import { Strain } from '../../packages/autopilot/src/compress/strain.ts';
import { LiveSettings } from '../../packages/autopilot/src/config/live-settings.ts';
import { registry, settingsOf } from '../../packages/autopilot/src/config/registry.ts';
import type { SettingValue } from '../../packages/autopilot/src/contract/configuration.ts';
import { judgeHealth } from '../../packages/autopilot/src/health/health.ts';
import { databaseRules, trafficRules } from '../../packages/autopilot/src/health/health-rules.ts';
import { poolSettings } from '../../packages/autopilot/src/host/pool-settings.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { Pager, type PageStep, readWithin } from '../../packages/autopilot/src/page/page.ts';
import { QueryEngine } from '../../packages/autopilot/src/query/query-engine.ts';
import { backlogSettings, WindowBacklog } from '../../packages/autopilot/src/rollup/window-backlog.ts';
import { MemoryMetricStore } from '../../packages/autopilot/src/storage/memory/memory-metric-store.ts';
import { Collector } from '../../packages/autopilot/src/track/collector.ts';
import { followJobConcurrency } from '../../packages/autopilot/src/track/job-concurrency.ts';
import { sampledShareOf } from '../../packages/autopilot/src/track/loop-slices.ts';
import type { Recorder } from '../../packages/autopilot/src/track/observation.ts';
import { PageCounts } from '../../packages/autopilot/src/track/page-counts.ts';
import { RecorderSwitch } from '../../packages/autopilot/src/track/recorder-switch.ts';
import { seriesSettings } from '../../packages/autopilot/src/track/series-settings.ts';
import { StatementRegistry } from '../../packages/autopilot/src/track/statement-registry.ts';
import { killSwitch } from '../../packages/autopilot/src/tune/kill-switch.ts';
import { settingProofs } from '../support/setting-proofs.ts';
import { histogramOf, originOf, routeOf, seriesOf, windowOf } from '../support/windows.ts';

const root = join(import.meta.dirname, '../..');
const NOON = 1_700_000_000_000;

test('each setting there is has its proof, in a test that names it', () => {
  const proven = Object.values(settingProofs).flat();
  assert.deepEqual(
    [...registry.keys()].filter((key) => !proven.includes(key)),
    [],
    'no test is said to prove the effect of these: write one, and say above where it is',
  );
  assert.deepEqual([...proven].toSorted(), [...registry.keys()].toSorted());
  // That the test fails when a setting is kept from having an effect is shown by `npm run torture -- settings`.
  for (const [file, keys] of Object.entries(settingProofs)) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const key of keys) {
      const [group = '', name = ''] = key.split('.');
      const isNamed = text.includes(key) || new RegExp(`\\b${group}\\b[^]*\\b${name}\\b`).test(text);
      assert.ok(isNamed, `${file} does not change ${key}`);
    }
  }
});

test('a setting that needs a restart waits for it: it is said to, and nothing else waits with it', () => {
  const waiting = [...registry].filter(([, { apply }]) => apply === 'restart');
  assert.ok(waiting.length > 0);
  for (const [key, declaration] of waiting) {
    const live = new LiveSettings({}, declaration.on);
    const values = { [key]: anotherValue(declaration), 'monitoring.maxRoutes': 77 };
    assert.deepEqual(live.check(values), { refusal: null, pendingRestart: [key] });
    assert.deepEqual(live.swap(values), { state: 'applied', changed: ['monitoring.maxRoutes'], pendingRestart: [key] });
    assert.deepEqual(live.current, settingsOf({ 'monitoring.maxRoutes': 77 }));
    assert.deepEqual(new LiveSettings(values).swap(values), { state: 'unchanged', pendingRestart: [] });
    assert.deepEqual(live.swap({}), { state: 'applied', changed: ['monitoring.maxRoutes'], pendingRestart: [] });
  }
});

test('jobs.concurrency says how many jobs run at once, and null leaves it to the application', () => {
  const live = new LiveSettings();
  const applied: number[] = [];
  const following = followJobConcurrency(live, 4, (concurrency) => applied.push(concurrency));
  for (const concurrency of [9, 9, 2, null]) live.swap({ 'jobs.concurrency': concurrency });
  following[Symbol.dispose]();
  live.swap({ 'jobs.concurrency': 7 });
  assert.deepEqual(applied, [4, 9, 2, 4]);
});

test('resources.enabled and resources.sampledShare say how much of the time is sampled', () => {
  const live = new LiveSettings();
  const shares = [{}, { 'resources.enabled': false }, { 'resources.sampledShare': 0.5 }, {}].map((values) => {
    live.swap(values);
    return sampledShareOf(live.current);
  });
  assert.deepEqual(shares, [0.1, 0, 0.5, 0.1]);
});

test('compression.lateMs says how late the loop may be before it tries less', () => {
  const live = new LiveSettings();
  const judged = (values: Readonly<Record<string, SettingValue>>): string => {
    live.swap(values);
    const strain = new Strain();
    strain.judge({ lateMs: 30, utilization: 0.5, cpuShare: 1 }, live.current.compression.lateMs);
    return strain.name;
  };
  assert.deepEqual([judged({}), judged({ 'compression.lateMs': 100 }), judged({})], ['busy', 'normal', 'busy']);
});

test('optimization.stopped stops what nobody asked for, at once', async () => {
  const live = new LiveSettings();
  const guard = killSwitch(() => ({ stopped: live.current.optimization.stopped, because: 'It is on.' }));
  const asked = async (origin: 'person' | 'autopilot'): Promise<boolean> =>
    (await guard.check({ service: 'orders', kind: 'any', subject: 'x', author: 'ann', origin })).ok;
  assert.ok(await asked('autopilot'));
  live.swap({ 'optimization.stopped': true });
  assert.deepEqual([await asked('autopilot'), await asked('person')], [false, true]);
});

test('api.longestStreamMs ends streams that are opened after it was changed', async () => {
  const settings = new LiveSettings({ 'api.longestStreamMs': 86_400_000 });
  const clock = new FakeClock(NOON);
  const streams = new EventStreams({ clock, settings, onTrouble: (message) => assert.ok(false, message) });
  const source = { key: 'a', event: 'a', compute: () => Promise.resolve(1), tail: (one: number) => one };
  const signal = new AbortController().signal;
  const old = streams.open(source, 0, signal).getReader();
  settings.swap({ 'api.longestStreamMs': 10_000 });
  const young = streams.open(source, 0, signal).getReader();
  clock.advance(10_001);
  for (let round = 0; streams.size === 2 && round < 300; round++) await delay(10);
  assert.equal(streams.size, 1);
  await young.cancel();
  await old.cancel();
});

describe('what costs health points', () => {
  const judgedBy = async (values: Readonly<Record<string, SettingValue>>): Promise<readonly unknown[]> => {
    const clock = new FakeClock(NOON);
    const store = new MemoryMetricStore({ clock });
    const windows = Array.from({ length: 60 }, (_, back) =>
      windowOf(NOON - (back + 1) * 1_000, [
        routeOf('GET /', [400, 450, 480, 490, 495], 0),
        seriesOf('statement', 's', { calls: 100, errors: 0, durationMs: histogramOf([3]) }, { database: 'main' }),
        seriesOf('pool', 'main', { acquired: 9, waitMs: histogramOf([8, 9, 9]) }, { database: 'main' }),
        seriesOf('runtime', 'process', { eventLoopDelayMs: histogramOf([40, 45]) }),
      ]),
    );
    await store.append(originOf('one'), windows);
    const live = [{ instance: 'one', state: 'live', silentMs: 1, closedInOrder: false } as const];
    const { service } = originOf('one');
    const set = settingsOf(values).health;
    const { components, status } = await judgeHealth(new QueryEngine(store), { service }, live, clock.now(), set);
    return [status, ...components.flatMap(({ deductions }) => deductions.map(({ measure }) => measure))];
  };
  for (const [key, value, measure] of [
    ['health.p95Ms', 100, 'p95Ms'],
    ['health.p99Ms', 100, 'p99Ms'],
    ['health.eventLoopDelayMs', 10, 'eventLoopDelayP99Ms'],
    ['health.poolWaitMs', 2, 'poolWaitP95Ms'],
  ] as const) {
    it(`${key} says from where on`, async () => {
      assert.ok(!(await judgedBy({})).includes(measure));
      assert.ok((await judgedBy({ [key]: value })).includes(measure));
    });
  }
  it('health.healthyFrom and health.degradedFrom name the score', async () => {
    assert.equal((await judgedBy({}))[0], 'healthy');
    const slow = { 'health.p95Ms': 50, 'health.p99Ms': 50 };
    const [status] = await judgedBy(slow);
    assert.notEqual(status, 'unhealthy');
    const named = async (healthyFrom: number): Promise<unknown> =>
      (await judgedBy({ ...slow, 'health.healthyFrom': healthyFrom }))[0];
    assert.deepEqual([await named(100), await named(51)], ['degraded', 'healthy']);
    assert.equal((await judgedBy({ ...slow, 'health.healthyFrom': 100, 'health.degradedFrom': 99 }))[0], 'unhealthy');
  });
  it('health.errorRatio and health.callErrorRatio are limits of their rules', () => {
    for (const [key, rules] of [
      ['errorRatio', trafficRules],
      ['callErrorRatio', databaseRules],
    ] as const) {
      const rule = rules(settingsOf({ [`health.${key}`]: 0.01 }).health).rules.find(
        ({ value }) => value.measure === key,
      );
      assert.deepEqual([rule?.limit, rule?.worst], [0.01, 0.5]);
    }
  });
});

/** A collector with as many routes, tenants and statements a second as are asked for. */
class Measured {
  readonly clock = new FakeClock(NOON);
  readonly collector = new Collector(this.clock);
  readonly statements = new StatementRegistry();

  /** Names of a family in the window of a second in which `count` of each were seen. */
  names(family: string, count: number): number {
    const atMs = this.clock.monotonicMs();
    for (let index = 0; index < count; index++) {
      this.collector.record({
        kind: 'request',
        atMs,
        route: `GET /${index}`,
        tenant: `tenant ${index}`,
        status: 200,
        durationMs: 1,
        bytesSent: 1,
        bytesReceived: 1,
        loopMs: 0,
        shed: false,
        aborted: false,
        databaseMs: 0,
        databaseCalls: 0,
      });
      const series = `zstd:1 GET /${index}`;
      this.collector.record({ kind: 'compression', atMs, series, bytesIn: 9, bytesOut: 3, cpuMs: 1, addedMs: null });
      const statement = this.statements.find('main', `select ${'x'.repeat(200)}${index} from t${index}`, atMs);
      this.collector.record({
        kind: 'statement',
        atMs,
        statement,
        route: `GET /${index}`,
        durationMs: 1,
        rows: 1,
        failed: false,
      });
    }
    this.clock.advance(1_100);
    const windows = this.collector.drain(this.clock.now());
    return windows.flatMap(({ series }) => series).filter((one) => one.family === family && one.key !== '(other)')
      .length;
  }
}

describe('what is told apart', () => {
  for (const [key, family, few, many] of [
    ['monitoring.maxRoutes', 'route', 10, 15],
    ['monitoring.maxTenants', 'tenant', 10, 15],
    ['monitoring.maxStatements', 'statement', 10, 15],
    ['monitoring.maxRouteStatements', 'route-statement', 10, 15],
    ['monitoring.maxCompressionSeries', 'compression', 100, 120],
  ] as const) {
    it(`${key} bounds it, at once and back again`, () => {
      const measured = new Measured();
      const live = new LiveSettings();
      live.use(seriesSettings(measured.collector, measured.statements));
      live.swap({ [key]: few });
      assert.equal(measured.names(family, many), few);
      live.swap({});
      // Statements without a place get one when they are seen again.
      assert.equal(measured.names(family, many), many);
      live.swap({ [key]: few });
      assert.ok(measured.names(family, many) >= few);
    });
  }

  it('monitoring.statementTextBytes bounds the texts', () => {
    const known = (values: Readonly<Record<string, SettingValue>>): number => {
      const measured = new Measured();
      new LiveSettings(values).use(seriesSettings(measured.collector, measured.statements));
      measured.names('statement', 1_000);
      return measured.statements.size;
    };
    assert.equal(known({}), 1_000);
    assert.ok(known({ 'monitoring.statementTextBytes': 100_000 }) < 500);
  });
});

describe('what is measured', () => {
  for (const setting of ['requests', 'statements', 'runtime', 'jobs', 'compression'] as const) {
    it(`monitoring.${setting} attaches and detaches its recorder`, () => {
      const live = new LiveSettings();
      let attached = 0;
      const recorder: Recorder = {
        name: setting,
        attach: () => {
          attached++;
          return { [Symbol.dispose]: () => attached-- };
        },
      };
      const following = new RecorderSwitch(recorder, { record: () => {} }, live, setting);
      const seen = [attached];
      for (const values of [{ [`monitoring.${setting}`]: false }, {}, { 'monitoring.maxRoutes': 20 }]) {
        live.swap(values);
        seen.push(attached);
      }
      following[Symbol.dispose]();
      assert.deepEqual([...seen, attached], [1, 0, 1, 1, 0]);
    });
  }
});

describe('what is kept while nobody takes it', () => {
  const keptBy = (values: Readonly<Record<string, SettingValue>>): readonly number[] => {
    const backlog = new WindowBacklog();
    new LiveSettings(values).use(backlogSettings(backlog));
    const routes = Array.from({ length: 200 }, (_, index) =>
      routeOf(`GET /a/long/name/of/a/route/${index}`, [1, 2, 3]),
    );
    for (let second = 0; second < 120; second++) backlog.push(windowOf(NOON + second * 1_000, routes));
    const windows = backlog.peek(Number.POSITIVE_INFINITY);
    return [windows.length, windows.filter(({ durationMs }) => durationMs === 1_000).length, backlog.lostWindows];
  };
  it('monitoring.backlogFineWindows says how many stay seconds', () => {
    assert.equal(keptBy({})[1], 30);
    assert.equal(keptBy({ 'monitoring.backlogFineWindows': 5 })[1], 5);
  });
  it('monitoring.backlogKeptMs and monitoring.backlogBytes say how much is kept', () => {
    assert.equal(keptBy({})[2], 0);
    assert.ok((keptBy({ 'monitoring.backlogKeptMs': 60_000 })[2] ?? 0) > 0);
    assert.ok((keptBy({ 'monitoring.backlogBytes': 1_048_576 })[2] ?? 0) > 0);
  });
});

test("database.poolMax, poolIdleMs and poolWaitMs rule a pool, and null is the application's own again", async (t) => {
  const pool = new pg.Pool({ max: 7, idleTimeoutMillis: 1_234 });
  t.after(() => pool.end());
  const live = new LiveSettings();
  const following = poolSettings(pool, 'main', live);
  const options = (): readonly unknown[] => [
    pool.options.max,
    pool.options.idleTimeoutMillis,
    pool.options.connectionTimeoutMillis,
  ];
  const own = options();
  live.swap({ 'database.poolMax': 3, 'database.poolIdleMs': 50, 'database.poolWaitMs': 60 });
  assert.deepEqual(options(), [3, 50, 60]);
  live.swap({ 'database.poolMax': 3 });
  assert.deepEqual(options(), [3, own[1], own[2]]);
  following[Symbol.dispose]();
  assert.deepEqual(options(), own);
});

test('database.statementTimeoutMs is told to a connection when it is taken next, once for each value; null is the session’s own', async () => {
  const told: string[] = [];
  const client = new (class {
    query(sql: string): Promise<void> {
      told.push(sql);
      return Promise.resolve();
    }
  })();
  const pool = new pg.Pool();
  const live = new LiveSettings();
  const following = poolSettings(pool, 'main', live);
  // pg-pool says so to whoever listens, before the taker gets it.
  const take = (): void => void pool.emit('acquire', client);
  take();
  live.swap({ 'database.statementTimeoutMs': 5_000 });
  for (let times = 0; times < 3; times++) take();
  live.swap({ 'database.statementTimeoutMs': 0 });
  take();
  following[Symbol.dispose]();
  take();
  assert.deepEqual(told, [
    'SET statement_timeout TO 5000',
    'SET statement_timeout TO 0',
    'SET statement_timeout TO DEFAULT',
  ]);
  await pool.end();
});

test('paging.defaultLimit, maxLimit and durationMs rule a pager while it is used, and its pages are counted', async () => {
  const live = new LiveSettings();
  const counts = new PageCounts(live);
  const pager = new Pager({ key: Buffer.alloc(32), limits: counts });
  const order = { columns: [{ sql: 'id', type: 'bigint' }], direction: 'ascending' } as const;
  let nowMs = 0;
  const page = async (limit?: number): Promise<readonly number[]> => {
    const open = pager.open({ limit, order, filter: null });
    const read = ({ fetch }: PageStep): Promise<readonly number[]> => {
      nowMs += fetch;
      return Promise.resolve(Array.from({ length: fetch }, (_, at) => at));
    };
    return (await readWithin(open, read, (row) => [String(row)], { now: () => nowMs })).items;
  };
  assert.equal((await page()).length, 50);
  live.swap({ 'paging.defaultLimit': 20 });
  assert.equal((await page()).length, 20);
  assert.equal((await page(200)).length, 200);
  live.swap({ 'paging.maxLimit': 150 });
  await assert.rejects(page(200), { code: 'AP_PARAMETER_INVALID' });
  live.swap({ 'paging.durationMs': 100 });
  assert.equal((await page(200)).length, 100, 'the first 51 take 51 ms: as many more fit');
  const { pages, pageRows, pagesByDefault, pagesByDefaultMore, pagesOverTime } = counts.take();
  assert.deepEqual([pages, pageRows, pagesByDefault, pagesByDefaultMore, pagesOverTime], [4, 370, 2, 2, 1]);
  assert.equal(counts.take().pages, 0);
});

test('a change that one reader refuses leaves every other one as it was', async (t) => {
  for (const [key, declaration] of registry) {
    const measured = new Measured();
    const backlog = new WindowBacklog();
    const pool = new pg.Pool({ max: 7 });
    t.after(() => pool.end());
    const live = new LiveSettings();
    live.use(seriesSettings(measured.collector, measured.statements));
    live.use(backlogSettings(backlog));
    poolSettings(pool, 'main', live);
    const before = [live.current, JSON.stringify(pool.options)];
    live.use({
      name: 'stubborn',
      apply: (next) => {
        if (next !== before[0]) throw new Error('no');
      },
    });
    const other = anotherValue(declaration);
    assert.equal(live.swap({ [key]: other }).state, declaration.apply === 'restart' ? 'unchanged' : 'refused', key);
    assert.deepEqual([live.current, JSON.stringify(pool.options)], before, key);
    assert.deepEqual(live.current, settingsOf(), key);
  }
});

function anotherValue(declaration: NonNullable<ReturnType<typeof registry.get>>): SettingValue {
  switch (declaration.kind) {
    case 'integer':
    case 'number':
      return declaration.default === declaration.min ? declaration.max : declaration.min;
    case 'boolean':
      return !declaration.default;
    case 'choice':
      return declaration.values.find((one) => one !== declaration.default) ?? '';
    case 'text':
      return `${declaration.default}x`;
    case 'texts':
      return [...declaration.default, 'x'];
  }
}
