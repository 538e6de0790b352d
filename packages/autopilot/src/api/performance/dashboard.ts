import type { Frame } from '../../contract/frame.ts';
import type { Measure } from '../../contract/measures.ts';
import type { DashboardQuery } from '../../contract/operations.ts';
import type { Dashboard } from '../../contract/performance.ts';
import type { Family } from '../../contract/series.ts';
import {
  databaseSummary,
  rankedRoutes,
  routeRows,
  runtimeSummary,
  slowestStatements,
  trafficSummary,
} from '../../query/summaries.ts';
import { presentOf, steppedRange, wholeRange } from '../../query/time-range.ts';
import { tailOf } from './frame-tail.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';

const DEFAULT_MINUTES = 5;
const ROWS = 10;

const trends: Readonly<Record<string, { readonly family: Family; readonly measures: readonly Measure[] }>> = {
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
  const { clock, engine, agents, health } = sources;
  const scope = scopeOf(sources, query);
  const now = clock.now();
  const extent = await engine.extent(scope.service, now);
  const to = presentOf(extent, now);
  const lookBackMs = (query.minutes ?? DEFAULT_MINUTES) * 60_000;
  const range = wholeRange({ to }, lookBackMs, extent, now);
  const stepped = steppedRange({ to }, lookBackMs, extent, now);
  const { traffic, overflow } = await trafficSummary(engine, scope, range);
  const ranked = await rankedRoutes(engine, scope, range, 'timeShare');
  const slowest = ranked.slice(0, ROWS).map(({ route }) => route);
  const frames: Record<string, Frame> = {};
  for (const [name, { family, measures }] of Object.entries(trends)) {
    frames[name] = await engine.frame({ ...scope, family }, null, stepped, measures);
  }
  return {
    service: scope.service,
    at: new Date(now).toISOString(),
    from: new Date(range.from).toISOString(),
    to: new Date(range.to).toISOString(),
    instances: agents.instances(scope.service).filter(({ instance }) => instance === (scope.instance ?? instance)),
    traffic,
    health: await health(scope),
    slowestRoutes: await routeRows(engine, scope, range, slowest),
    slowestQueries: await slowestStatements(
      engine,
      scope,
      range,
      ROWS,
      // Texts made room for others after 8 MiB of them, and come again when the agent links again.
      (database, id) => agents.statementText(scope.service, database, id) ?? `(text not known) ${id}`,
    ),
    database: await databaseSummary(engine, scope, range),
    runtime: await runtimeSummary(engine, scope, range),
    trends: frames,
    overflow,
    notes: range.notes,
  };
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
