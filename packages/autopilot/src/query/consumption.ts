import type { Measure } from '../contract/measures.ts';
import type { ResourceSort, TenantSort } from '../contract/resource-queries.ts';
import type {
  Consumption,
  ConsumptionShares,
  LoopEstimate,
  LoopTime,
  RouteConsumption,
  TenantRow,
} from '../contract/resources.ts';
import type { MeasureValues, QueryEngine, Subject } from './query-engine.ts';
import { type Ranking, shareOf } from './ranking.ts';
import type { Scope } from './summaries.ts';
import type { SteppedRange, TimeRange } from './time-range.ts';

/**
 * How far a route's share was off at most, as a ratio of it, of four routes with known work at concurrency 1, 10 and 100:
 * test/contract/loop-shares.test.ts, bench/loop-shares, docs/guides/request-layers.md.
 */
const LOOP_SHARE_ERROR = 0.1;

const TAKEN = [
  'requests',
  'errors',
  'concurrency',
  'databaseMs',
  'databaseCalls',
  'bytesReceived',
  'bytesSent',
  'loopMs',
] as const;
type Taken = MeasureValues<(typeof TAKEN)[number]>;

const TENANT = [...TAKEN, 'requestRate', 'errorRatio', 'p50Ms', 'p95Ms', 'p99Ms', 'meanMs', 'maxMs'] as const;
const TREND = ['requestRate', 'p95Ms'] as const;

/** How the lists of tenants and of routes that take resources are ranked. Shares rank as what they are shares of. */
export function rankingOf(sort: TenantSort | ResourceSort): Ranking {
  const measure: Measure = sort === 'timeShare' ? 'concurrency' : sort;
  return { measure };
}

/** What all requests took, and whether the event loop's time is among it. */
export interface Whole {
  readonly consumption: Consumption;
  readonly loop: LoopEstimate;
  /** By family: observations that the agents' bounds moved or left out. */
  readonly overflow: Readonly<Record<string, number>>;
  readonly taken: Taken;
}

/** All requests of a service over the range, those for no tenant included. */
export async function wholeConsumption(engine: QueryEngine, scope: Scope, range: TimeRange): Promise<Whole> {
  const { values, overflow } = await engine.summary({ ...scope, family: 'route' }, range, TAKEN);
  return { consumption: consumptionOf(values), loop: loopEstimate(values), overflow, taken: values };
}

/** The rows of these tenants, in the order of `tenants`. */
export async function tenantRows(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
  trend: SteppedRange,
  tenants: readonly string[],
  whole: Whole,
  nameOf: (tenant: string) => string | null,
): Promise<readonly TenantRow[]> {
  if (tenants.length === 0) return [];
  const subject: Subject = { ...scope, family: 'tenant' };
  const rows = await engine.rows(subject, range, tenants, TENANT);
  const frames = await engine.frames(subject, tenants, trend, TREND);
  const byTenant = new Map(rows.map(({ series, values }) => [series.key, values]));
  return tenants.flatMap((tenant): TenantRow[] => {
    const values = byTenant.get(tenant);
    const frame = frames.get(tenant);
    if (values === undefined || frame === undefined) return [];
    const { requestRate, errorRatio, p50Ms, p95Ms, p99Ms, meanMs, maxMs } = values;
    return [
      {
        tenant,
        name: nameOf(tenant),
        ...partOf(values, whole),
        requestRate: requestRate ?? 0,
        errorRatio,
        p50Ms,
        p95Ms,
        p99Ms,
        meanMs,
        maxMs,
        trend: frame,
      },
    ];
  });
}

/** What these routes took, in the order of `routes`. */
export async function routeConsumptions(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
  routes: readonly string[],
  whole: Whole,
): Promise<readonly RouteConsumption[]> {
  if (routes.length === 0) return [];
  const rows = await engine.rows({ ...scope, family: 'route' }, range, routes, TAKEN);
  const byRoute = new Map(rows.map(({ series, values }) => [series.key, values]));
  return routes.flatMap((route): RouteConsumption[] => {
    const values = byRoute.get(route);
    return values === undefined ? [] : [{ route, ...partOf(values, whole) }];
  });
}

function partOf(values: Taken, { taken, loop }: Whole): Consumption & ConsumptionShares & { readonly loop?: LoopTime } {
  return {
    ...consumptionOf(values),
    requestShare: shareOf(values.requests, taken.requests),
    timeShare: shareOf(values.concurrency, taken.concurrency),
    databaseShare: shareOf(values.databaseMs, taken.databaseMs),
    bytesReceivedShare: shareOf(values.bytesReceived, taken.bytesReceived),
    bytesSentShare: shareOf(values.bytesSent, taken.bytesSent),
    ...(loop.made ? { loop: loopTime(values, taken) } : {}),
  };
}

function consumptionOf({ requests, errors, databaseMs, databaseCalls, bytesReceived, bytesSent }: Taken): Consumption {
  return {
    requests: requests ?? 0,
    errors: errors ?? 0,
    databaseMs: databaseMs ?? 0,
    databaseCalls: databaseCalls ?? 0,
    bytesReceived: bytesReceived ?? 0,
    bytesSent: bytesSent ?? 0,
  };
}

function loopTime({ loopMs }: Taken, whole: Taken): LoopTime {
  return { estimated: true, ms: loopMs ?? 0, share: shareOf(loopMs, whole.loopMs), shareError: LOOP_SHARE_ERROR };
}

function loopEstimate({ loopMs, requests }: Taken): LoopEstimate {
  const made = (loopMs ?? 0) > 0;
  const what = (requests ?? 0) > 0 ? 'No sample of the event loop lies in this range' : 'No request lies in this range';
  return {
    made,
    reason: made
      ? null
      : `${what}: a tenth of the time is sampled, and nothing while the setting resources.enabled is off.`,
    shareError: LOOP_SHARE_ERROR,
  };
}
