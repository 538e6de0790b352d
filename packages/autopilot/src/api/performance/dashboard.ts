import type { DashboardQuery } from '../../contract/operations.ts';
import type { Dashboard, DashboardBaseline, InstanceStatus } from '../../contract/performance.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { type Baseline, comparedRanges } from '../../query/baseline.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import { rankedPlaces } from '../../query/ranking.ts';
import {
  databaseSummary,
  routeRanking,
  routeRows,
  runtimeSummary,
  type Scope,
  slowestStatements,
  trafficSummary,
} from '../../query/summaries.ts';
import { type AskedRange, presentOf } from '../../query/time-range.ts';
import { baselineHead, laidOver } from './baseline-head.ts';
import { tailOf } from './frame-tail.ts';
import { releasesWithin } from './releases.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';
import { type TrendTable, trendFrames } from './trend-frames.ts';

const DEFAULT_MINUTES = 5;
const ROWS = 10;

const trends: TrendTable = {
  traffic: { family: 'route', measures: ['requestRate', 'errorRatio', 'clientErrorRatio', 'apdex', 'concurrency'] },
  latency: { family: 'route', measures: ['p50Ms', 'p95Ms', 'p99Ms'] },
  database: { family: 'statement', measures: ['concurrency', 'callRate', 'callErrorRatio', 'p95Ms'] },
  runtime: {
    family: 'runtime',
    measures: [
      'eventLoopDelayP99Ms',
      'eventLoopUtilization',
      'cpuBusy',
      'gcBusy',
      'rssBytes',
      'heapUsedBytes',
      'externalBytes',
      'activeRequests',
    ],
  },
};

/** GET /performance/dashboard */
export async function getDashboard(sources: PerformanceSources, query: DashboardQuery): Promise<Dashboard> {
  const { clock, engine, agents, health, statementTexts, historyTrouble } = sources;
  const scope = scopeOf(sources, query);
  const now = clock.now();
  const extent = await engine.extent(scope.service, now);
  const present = presentOf(extent, now);
  const { range, stepped, baseline } = comparedRanges(askedRange(query, present), query.compare, extent, now);
  const { traffic, overflow } = await trafficSummary(engine, scope, range);
  const ranked = await rankedPlaces(engine, { ...scope, family: 'route' }, range, routeRanking('timeShare'));
  const slowest = ranked.slice(0, ROWS).map(({ key }) => key);
  const instances = agents
    .instances(scope.service)
    .filter(({ instance }) => instance === (scope.instance ?? instance))
    .filter(({ release }) => release === (scope.release ?? release));
  return {
    service: scope.service,
    services: agents.services(),
    at: new Date(now).toISOString(),
    from: new Date(range.from).toISOString(),
    to: new Date(range.to).toISOString(),
    instances,
    traffic,
    health: await health(scope),
    slowestRoutes: await routeRows(engine, scope, range, slowest),
    slowestQueries: await slowestStatements(engine, scope, range, ROWS, (names) =>
      statementTexts.find(scope.service, names),
    ),
    database: await databaseSummary(engine, scope, range),
    runtime: await runtimeSummary(engine, scope, range),
    trends: await trendFrames(engine, scope, stepped, trends),
    overflow,
    complete: range.complete,
    releases: await releasesWithin(sources, scope.service, range),
    notes: [...range.notes, ...historyNotes(historyTrouble(), instances)],
    ...(baseline === null ? {} : { baseline: await baselineOf(engine, scope, baseline, slowest) }),
  };
}

/** @throws AutopilotError AP_PARAMETER_INVALID where a stream is asked for a range that does not follow the present. */
export function refuseFixedRange({ from, to, compare }: DashboardQuery): void {
  if (from === undefined && to === undefined && compare === undefined) return;
  throw new AutopilotError('AP_PARAMETER_INVALID', 'A live stream follows the present: it takes only `minutes`.', {
    remedy: 'Leave `from`, `to` and `compare` out, or ask for application/json.',
  });
}

function askedRange({ minutes, from, to }: DashboardQuery, present: EpochMs): AskedRange {
  if (minutes !== undefined && from !== undefined) {
    throw new AutopilotError('AP_PARAMETER_INVALID', '`minutes` and `from` both say where the range begins.', {
      remedy: 'Leave one of them out.',
    });
  }
  const end = to === undefined ? present : Date.parse(to);
  return { from: from === undefined ? end - (minutes ?? DEFAULT_MINUTES) * 60_000 : Date.parse(from), to: end };
}

async function baselineOf(
  engine: QueryEngine,
  scope: Scope,
  baseline: Baseline,
  routes: readonly string[],
): Promise<DashboardBaseline> {
  const { range, shiftMs, stepped } = baseline;
  const { traffic } = await trafficSummary(engine, scope, range);
  const frames = Object.entries(await trendFrames(engine, scope, stepped, trends));
  return {
    ...baselineHead(baseline),
    traffic,
    slowestRoutes: await routeRows(engine, scope, range, routes),
    database: await databaseSummary(engine, scope, range),
    runtime: await runtimeSummary(engine, scope, range),
    trends: Object.fromEntries(frames.map(([name, frame]) => [name, laidOver(frame, shiftMs)])),
  };
}

/** Why history has, or will have, less than it should. */
function historyNotes(trouble: string | null, instances: readonly InstanceStatus[]): readonly string[] {
  const ofInstances = new Map<string, string[]>();
  for (const { instance, state, historyTrouble } of instances) {
    if (historyTrouble === null || state === 'gone') continue;
    ofInstances.set(historyTrouble, [...(ofInstances.get(historyTrouble) ?? []), instance]);
  }
  return [
    ...(trouble === null ? [] : [`History can't be asked, or not be kept in order: ${trouble}`]),
    ...Array.from(ofInstances, ([reason, names]) => `What ${names.join(', ')} measured waits to be written: ${reason}`),
  ];
}

/** The dashboard as a stream's later events have it. */
export function dashboardTail(dashboard: Dashboard, before: Dashboard): Dashboard {
  return {
    ...dashboard,
    health: { ...dashboard.health, trend: tailOf(dashboard.health.trend, before.health.trend) },
    trends: Object.fromEntries(
      Object.entries(dashboard.trends).map(([name, frame]) => [name, tailOf(frame, before.trends[name])]),
    ),
  };
}
