import type { InstanceRow, InstanceStatus } from '../contract/performance.ts';
import { processKey } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { InstanceFacts, QueryEngine } from './query-engine.ts';
import type { Scope } from './summaries.ts';
import type { SteppedRange } from './time-range.ts';

const TRAFFIC = ['requestRate', 'errorRatio', 'p95Ms'] as const;
const TREND = ['requestRate', 'p95Ms'] as const;
const RUNTIME = ['eventLoopDelayP99Ms', 'eventLoopUtilization', 'cpuBusy', 'rssBytes', 'heapUsedBytes'] as const;

/** Windows are on their way for some seconds: a range that ends this near to now ends at present. */
const PRESENT_MS = 30_000;

/**
 * The processes of a range, by name and release: those that reported in it and, where it ends at present, those that `known` names.
 * @param known The processes that are linked, or were within the hour.
 */
export async function instanceRows(
  engine: QueryEngine,
  scope: Scope,
  range: SteppedRange,
  known: readonly InstanceStatus[],
  now: EpochMs,
): Promise<readonly InstanceRow[]> {
  const traffic = await engine.instances({ ...scope, family: 'route' }, range, TRAFFIC, TREND);
  const runtime = new Map(
    (await engine.instances({ ...scope, family: 'runtime' }, range, RUNTIME, [])).map((one) => [
      processKey(one.origin),
      one,
    ]),
  );
  const statuses = new Map(known.map((status) => [processKey(status), status]));
  const rows = traffic.map((one) =>
    rowOf(one, runtime.get(processKey(one.origin)), statuses.get(processKey(one.origin)), now),
  );
  if (range.to >= now - PRESENT_MS) {
    const reported = new Set(traffic.map(({ origin }) => processKey(origin)));
    for (const [name, status] of statuses) if (!reported.has(name)) rows.push(silentRow(status, range));
  }
  return rows.sort((a, b) => (processKey(a) < processKey(b) ? -1 : 1));
}

function rowOf(
  { origin, values, frame, reported }: InstanceFacts<(typeof TRAFFIC)[number]>,
  runtime: InstanceFacts<(typeof RUNTIME)[number]> | undefined,
  status: InstanceStatus | undefined,
  now: EpochMs,
): InstanceRow {
  const lastEnd = reported.at(-1)?.to ?? now;
  const unknown = {
    state: 'gone',
    startedAt: null,
    lastSeenAt: new Date(lastEnd).toISOString(),
    silentMs: Math.max(0, now - lastEnd),
  } as const;
  return {
    ...origin,
    ...(status === undefined ? unknown : stateOf(status)),
    ...values,
    ...(runtime?.values ?? NO_RUNTIME),
    trend: frame,
    reported,
  };
}

const NO_RUNTIME = {
  eventLoopDelayP99Ms: null,
  eventLoopUtilization: null,
  cpuBusy: null,
  rssBytes: null,
  heapUsedBytes: null,
} as const;

/** A process that is known by its link alone: nothing of it lies in the range. */
function silentRow(status: InstanceStatus, { stepMs, complete }: SteppedRange): InstanceRow {
  const { service, instance, release } = status;
  return {
    service,
    instance,
    release,
    ...stateOf(status),
    requestRate: null,
    errorRatio: null,
    p95Ms: null,
    ...NO_RUNTIME,
    trend: { at: [], stepMs, columns: { requestRate: [], p95Ms: [] }, complete },
    reported: [],
  };
}

function stateOf({
  state,
  startedAt,
  lastSeenAt,
  silentMs,
}: InstanceStatus): Pick<InstanceRow, 'state' | 'startedAt' | 'lastSeenAt' | 'silentMs'> {
  return { state, startedAt, lastSeenAt, silentMs };
}
