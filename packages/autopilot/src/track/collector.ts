import { type Family, PROCESS_KEY, type Window } from '../contract/series.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import {
  CompressionCells,
  JobCells,
  PoolCells,
  RequestCells,
  RouteStatementCells,
  RuntimeCells,
  StatementCells,
} from './cells.ts';
import type { Observation, Sink } from './observation.ts';
import { type ClosedFamily, encodeSeries, PairFamily, SeriesFamily } from './series-family.ts';

/** Length of a window. */
const WINDOW_MS = 1_000;

/** Windows that nobody has drained; older ones are lost and counted. Draining once a second leaves one at most. */
const MAX_CLOSED = 60;

/** The rest of a second that has had its window, if shorter than this, goes to the next one. */
const SHORTEST_MS = 100;

/** The most series each family tells apart. */
export type SeriesLimits = Readonly<Record<Exclude<Family, 'runtime' | 'test'>, number>>;

/** The limits of an agent; docs/guides/agent.md says what they mean for memory. */
const seriesLimits: SeriesLimits = {
  route: 1_000,
  tenant: 1_000,
  statement: 5_000,
  'route-statement': 2_000,
  pool: 32,
  job: 100,
  compression: 3_000,
};

interface ClosedWindow {
  readonly start: EpochMs;
  readonly families: readonly (readonly [Family, ClosedFamily])[];
}

/**
 * Collects observations into windows of one second.
 *
 * Two clocks: the wall clock says what a window is called, the monotonic clock when it ends, so that setting the
 * clock neither loses nor doubles an observation.
 *   - Starts are whole seconds. Time without observations has no window: a clock set forward leaves a gap.
 *   - A clock set back goes through seconds that have been. Their windows start a millisecond later (two, after the
 *     next time, ...), so that no two windows of an instance ever have the same start.
 */
export class Collector implements Sink {
  readonly #clock: Clock;
  readonly #routes: SeriesFamily<RequestCells>;
  readonly #tenants: SeriesFamily<RequestCells>;
  readonly #statements: SeriesFamily<StatementCells>;
  readonly #pairs: PairFamily;
  readonly #pools: SeriesFamily<PoolCells>;
  readonly #runtime: SeriesFamily<RuntimeCells>;
  readonly #jobs: SeriesFamily<JobCells>;
  readonly #compression: SeriesFamily<CompressionCells>;
  /** As many as there are routes. */
  readonly #tests: SeriesFamily<RequestCells>;
  #start: EpochMs = 0;
  /** Where the open window ends on the monotonic clock; before the first observation: it has ended. */
  #endsAtMs = Number.NEGATIVE_INFINITY;
  #lastStart: EpochMs = Number.NEGATIVE_INFINITY;
  #highestStart: EpochMs = Number.NEGATIVE_INFINITY;
  /** How often the clock went back: the milliseconds on top of a start that may have been before. */
  #timesBack = 0;
  #closed: ClosedWindow[] = [];
  #lostWindows = 0;

  constructor(clock: Clock, limits: Partial<SeriesLimits> = {}) {
    const {
      route,
      tenant,
      statement,
      pool,
      job,
      compression,
      'route-statement': pairs,
    } = { ...seriesLimits, ...limits };
    this.#clock = clock;
    this.#routes = new SeriesFamily('route', route, () => new RequestCells());
    this.#tenants = new SeriesFamily('tenant', tenant, () => new RequestCells());
    this.#statements = new SeriesFamily('statement', statement, () => new StatementCells());
    this.#pairs = new PairFamily(pairs, () => new RouteStatementCells());
    this.#pools = new SeriesFamily('pool', pool, () => new PoolCells());
    this.#runtime = new SeriesFamily('runtime', 1, () => new RuntimeCells());
    this.#jobs = new SeriesFamily('job', job, () => new JobCells());
    this.#compression = new SeriesFamily('compression', compression, () => new CompressionCells());
    this.#tests = new SeriesFamily('test', route, () => new RequestCells());
  }

  /** Windows that were never drained and made room for newer ones. */
  get lostWindows(): number {
    return this.#lostWindows;
  }

  /** How many series are told apart from now on; what is left out goes by the limits of an agent. */
  setLimits(limits: Partial<SeriesLimits>): void {
    const {
      route,
      tenant,
      statement,
      pool,
      job,
      compression,
      'route-statement': pairs,
    } = { ...seriesLimits, ...limits };
    this.#routes.setLimit(route);
    this.#tenants.setLimit(tenant);
    this.#statements.setLimit(statement);
    this.#pools.setLimit(pool);
    this.#jobs.setLimit(job);
    this.#compression.setLimit(compression);
    this.#tests.setLimit(route);
    this.#pairs.setLimit(pairs);
  }

  record(observation: Observation): void {
    if (observation.atMs >= this.#endsAtMs) this.#turn();
    switch (observation.kind) {
      case 'request':
        if (observation.isTest === true) {
          this.#tests.cells(observation.route, observation.route, null).add(observation);
          return;
        }
        this.#routes.cells(observation.route, observation.route, null).add(observation);
        if (observation.tenant !== null)
          this.#tenants.cells(observation.tenant, observation.tenant, null).add(observation);
        return;
      case 'loop-time': {
        const { route, tenant, loopMs, isTest } = observation;
        if (isTest === true) {
          this.#tests.cells(route, route, null).addLoopTime(loopMs);
          return;
        }
        this.#routes.cells(route, route, null).addLoopTime(loopMs);
        if (tenant !== null) this.#tenants.cells(tenant, tenant, null).addLoopTime(loopMs);
        return;
      }
      case 'statement': {
        const { seriesId, id, database } = observation.statement;
        this.#statements.cells(seriesId, id, database).add(observation);
        if (observation.route !== null) this.#pairs.cells(observation.route, seriesId, id, database)?.add(observation);
        return;
      }
      case 'repeat': {
        const { seriesId, id, database } = observation.statement;
        this.#pairs.cells(observation.route, seriesId, id, database)?.addRepeat(observation);
        return;
      }
      case 'pool-wait':
        this.#pools.cells(observation.pool, observation.pool, observation.database).addWait(observation);
        return;
      case 'pool-use':
        this.#pools.cells(observation.pool, observation.pool, observation.database).addUse(observation);
        return;
      case 'pool-level':
        this.#pools.cells(observation.pool, observation.pool, observation.database).addLevel(observation);
        return;
      case 'event-loop-delay':
        this.#runtime.cells(PROCESS_KEY, PROCESS_KEY, null).addDelay(observation.delayMs);
        return;
      case 'gc':
        this.#runtime.cells(PROCESS_KEY, PROCESS_KEY, null).addGc(observation.pauseMs);
        return;
      case 'process':
        this.#runtime.cells(PROCESS_KEY, PROCESS_KEY, null).addProcess(observation);
        return;
      case 'job':
        this.#jobs.cells(observation.job, observation.job, null).add(observation);
        return;
      case 'compression':
        this.#compression.cells(observation.series, observation.series, null).add(observation);
        return;
    }
  }

  /**
   * The windows that have ended, oldest first, each handed out once. `until` before the open window's end leaves it
   * open, unless its second is over by the monotonic clock; Infinity closes it where it is.
   */
  drain(until: EpochMs): readonly Window[] {
    if (this.#start + WINDOW_MS <= until || this.#clock.monotonicMs() >= this.#endsAtMs) this.#close();
    const closed = this.#closed;
    this.#closed = [];
    return closed.map(({ start, families }) => ({
      start,
      durationMs: WINDOW_MS,
      series: families.flatMap(([, { series }]) => series.map(encodeSeries)),
      overflow: Object.fromEntries(
        families.filter(([, { overflow }]) => overflow > 0).map(([family, { overflow }]) => [family, overflow]),
      ),
    }));
  }

  #turn(): void {
    this.#close();
    const now = this.#clock.now();
    let start = Math.floor(now / WINDOW_MS) * WINDOW_MS;
    // The two clocks run a little apart: by the wall clock, the second that has just ended has a rest.
    if (start === this.#lastStart && start + WINDOW_MS - now < SHORTEST_MS) start += WINDOW_MS;
    const endsInMs = start + WINDOW_MS - now;
    if (start <= this.#highestStart) {
      if (start + this.#timesBack <= this.#lastStart) this.#timesBack = (this.#timesBack % (WINDOW_MS - 1)) + 1;
      start += this.#timesBack;
    }
    this.#start = start;
    this.#lastStart = start;
    this.#highestStart = Math.max(this.#highestStart, start);
    this.#endsAtMs = this.#clock.monotonicMs() + endsInMs;
    for (const family of [
      this.#routes,
      this.#tenants,
      this.#statements,
      this.#pools,
      this.#runtime,
      this.#jobs,
      this.#compression,
      this.#tests,
    ])
      family.open(start);
  }

  #close(): void {
    this.#endsAtMs = Number.NEGATIVE_INFINITY;
    const families = [
      ['route', this.#routes.close()],
      ['tenant', this.#tenants.close()],
      ['statement', this.#statements.close()],
      ['route-statement', this.#pairs.close()],
      ['pool', this.#pools.close()],
      ['runtime', this.#runtime.close()],
      ['job', this.#jobs.close()],
      ['compression', this.#compression.close()],
      ['test', this.#tests.close()],
    ] as const;
    if (families.every(([, { series }]) => series.length === 0)) return;
    this.#closed.push({ start: this.#start, families });
    if (this.#closed.length <= MAX_CLOSED) return;
    this.#closed.shift();
    this.#lostWindows++;
  }
}
