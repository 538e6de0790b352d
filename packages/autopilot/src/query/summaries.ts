import type { Measure } from '../contract/measures.ts';
import type { RouteSort } from '../contract/operations.ts';
import type {
  DatabaseSummary,
  PoolRow,
  RouteRow,
  RuntimeSummary,
  StatementRow,
  TrafficSummary,
} from '../contract/performance.ts';
import type { StatementName } from '../storage/ports.ts';
import type { MeasureValues, QueryEngine, Subject } from './query-engine.ts';
import { type Ranking, shareOf } from './ranking.ts';
import type { TimeRange } from './time-range.ts';

/** What summaries are about: a service, or one instance or database of it. */
export type Scope = Omit<Subject, 'family'>;

const TRAFFIC = [
  'requests',
  'requestRate',
  'errorRatio',
  'clientErrorRatio',
  'abortedRatio',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'meanMs',
  'maxMs',
  'apdex',
  'bytesSentRate',
] as const;

/** Requests over the range, with what the agents' bounds left out of it (of every family). */
export async function trafficSummary(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
): Promise<{ readonly traffic: TrafficSummary; readonly overflow: Readonly<Record<string, number>> }> {
  const { values, overflow } = await engine.summary({ ...scope, family: 'route' }, range, TRAFFIC);
  const { requests, requestRate, bytesSentRate } = values;
  return {
    traffic: { ...values, requests: requests ?? 0, requestRate: requestRate ?? 0, bytesSentRate: bytesSentRate ?? 0 },
    overflow,
  };
}

const RUNTIME = [
  'eventLoopDelayP99Ms',
  'eventLoopDelayMaxMs',
  'eventLoopUtilization',
  'cpuBusy',
  'rssBytes',
  'heapUsedBytes',
  'heapLimitBytes',
  'externalBytes',
  'gcBusy',
  'gcMaxMs',
  'activeRequests',
] as const;

/** The processes over the range. CPU and GC are null, not 0, where no process reported its runtime. */
export async function runtimeSummary(engine: QueryEngine, scope: Scope, range: TimeRange): Promise<RuntimeSummary> {
  const { values } = await engine.summary({ ...scope, family: 'runtime' }, range, RUNTIME);
  return values;
}

const STATEMENTS = ['calls', 'callRate', 'callErrorRatio', 'p50Ms', 'p95Ms', 'p99Ms', 'meanMs', 'concurrency'] as const;
const POOL = [
  'poolSize',
  'poolIdle',
  'poolWaiting',
  'poolMax',
  'poolAcquired',
  'poolFailed',
  'poolWaitP95Ms',
  'poolOpened',
  'poolClosed',
  'poolAgeMs',
  'poolAgeMaxMs',
  'poolLeaked',
] as const;

/** All statements and each pool over the range. */
export async function databaseSummary(engine: QueryEngine, scope: Scope, range: TimeRange): Promise<DatabaseSummary> {
  const { values } = await engine.summary({ ...scope, family: 'statement' }, range, STATEMENTS);
  const ranked = await engine.top({ ...scope, family: 'pool' }, range, 'poolAcquired', Number.POSITIVE_INFINITY);
  const keys = [...new Set(ranked.map(({ series }) => series.key))];
  const rows = await engine.rows({ ...scope, family: 'pool' }, range, keys, POOL);
  const pools = rows.map(
    ({ series, values: pool }): PoolRow => ({
      pool: series.key,
      database: series.database ?? '',
      size: pool.poolSize,
      idle: pool.poolIdle,
      waiting: pool.poolWaiting,
      max: pool.poolMax,
      acquired: pool.poolAcquired ?? 0,
      failed: pool.poolFailed ?? 0,
      waitP95Ms: pool.poolWaitP95Ms,
      opened: pool.poolOpened ?? 0,
      closed: pool.poolClosed ?? 0,
      ageMs: pool.poolAgeMs,
      oldestMs: pool.poolAgeMaxMs,
      leaked: pool.poolLeaked,
    }),
  );
  pools.sort((a, b) => (a.pool + a.database < b.pool + b.database ? -1 : 1));
  const { calls, callRate, concurrency, ...rest } = values;
  return { ...rest, calls: calls ?? 0, callRate: callRate ?? 0, busy: concurrency ?? 0, pools };
}

/** The measure that ranks the list of routes by one of its columns. Shares rank as what they are shares of. */
const RANKED_BY: Readonly<Record<RouteSort, Measure>> = {
  timeShare: 'concurrency',
  databaseShare: 'databaseBusy',
  requests: 'requests',
  requestRate: 'requestRate',
  errorRatio: 'errorRatio',
  clientErrorRatio: 'clientErrorRatio',
  p50Ms: 'p50Ms',
  p95Ms: 'p95Ms',
  p99Ms: 'p99Ms',
  meanMs: 'meanMs',
  maxMs: 'maxMs',
  apdex: 'apdex',
  databaseMsPerRequest: 'databaseMsPerRequest',
  databaseCallsPerRequest: 'databaseCallsPerRequest',
  bytesPerRequest: 'bytesPerRequest',
};

/** Worst first: the highest, but for apdex, of which the lowest is worst. */
export function routeRanking(sort: RouteSort): Ranking {
  return { measure: RANKED_BY[sort], lowestFirst: sort === 'apdex' };
}

const ROUTE = [
  'requests',
  'requestRate',
  'errorRatio',
  'clientErrorRatio',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'meanMs',
  'maxMs',
  'apdex',
  'concurrency',
  'databaseBusy',
  'databaseMsPerRequest',
  'databaseCallsPerRequest',
  'bytesPerRequest',
] as const;

/** The rows of these routes, in the order of `routes`. */
export async function routeRows(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
  routes: readonly string[],
): Promise<readonly RouteRow[]> {
  if (routes.length === 0) return [];
  const subject: Subject = { ...scope, family: 'route' };
  const whole = await engine.summary(subject, range, ['concurrency', 'databaseBusy']);
  const rows = await engine.rows(subject, range, routes, ROUTE);
  const byRoute = new Map(rows.map(({ series, values }) => [series.key, values]));
  return routes.flatMap((route): RouteRow[] => {
    const values = byRoute.get(route);
    if (values === undefined) return [];
    const { requests, requestRate, concurrency, databaseBusy, ...rest } = values;
    return [
      {
        ...rest,
        route,
        requests: requests ?? 0,
        requestRate: requestRate ?? 0,
        timeShare: shareOf(concurrency, whole.values.concurrency),
        databaseShare: shareOf(databaseBusy, whole.values.databaseBusy),
      },
    ];
  });
}

const STATEMENT = [...STATEMENTS, 'rowsPerCall'] as const;
const ROUTES_SHOWN = 5;

/** The statements that took most time, at most `n`; `textsOf` answers with the texts of these, in their order. */
export async function slowestStatements(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
  n: number,
  textsOf: (names: readonly StatementName[]) => Promise<readonly string[]>,
): Promise<readonly StatementRow[]> {
  const subject: Subject = { ...scope, family: 'statement' };
  const top = await engine.top(subject, range, 'concurrency', n);
  if (top.length === 0) return [];
  const keys = [...new Set(top.map(({ series }) => series.key))];
  const whole = await engine.summary(subject, range, ['concurrency']);
  const rows = await engine.rows(subject, range, keys, STATEMENT);
  const pairs = await engine.rows({ ...scope, family: 'route-statement' }, range, keys, ['totalMs']);
  const nameOf = (id: string, database: string | null): string => `${database ?? ''}\u0000${id}`;
  const byName = new Map(rows.map(({ series, values }) => [nameOf(series.key, series.database), values]));
  const texts = await textsOf(top.map(({ series }) => ({ id: series.key, database: series.database ?? '' })));
  return top.flatMap(({ series }, at): StatementRow[] => {
    const values: MeasureValues<(typeof STATEMENT)[number]> | undefined = byName.get(
      nameOf(series.key, series.database),
    );
    if (values === undefined) return [];
    const database = series.database ?? '';
    const routes = pairs
      .filter((pair) => pair.series.key === series.key && (pair.series.database ?? database) === database)
      .sort((a, b) => (b.values.totalMs ?? 0) - (a.values.totalMs ?? 0))
      .slice(0, ROUTES_SHOWN)
      .map((pair) => pair.series.route ?? '');
    const { calls, callRate, concurrency, ...rest } = values;
    return [
      {
        ...rest,
        statement: series.key,
        database,
        text: texts[at] ?? '',
        calls: calls ?? 0,
        callRate: callRate ?? 0,
        timeShare: shareOf(concurrency, whole.values.concurrency),
        routes,
      },
    ];
  });
}
