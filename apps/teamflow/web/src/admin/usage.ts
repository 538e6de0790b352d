import { type UseQueryResult, useQueries, useQuery } from '@tanstack/react-query';
import { ApiError, createClient } from '@teamflow/autopilot/client';
import type { Frame } from '@teamflow/autopilot/contract';

/** The autopilot's API on this origin; the administrator's session opens it. */
const autopilot = createClient({ baseUrl: '' });

/** What an organization, or all of them, took of the service in the time that is looked at. */
export interface Usage {
  readonly requests: number;
  /** From the histogram of the hour of the clock that holds most of it. */
  readonly p95Ms: number | null;
  /** Time its requests waited for the database. */
  readonly databaseMs: number;
  readonly bytesSent: number;
  /** Requests in each step. */
  readonly trend: readonly number[];
}

/** How far back usage looks. */
const rangeMs = 3_600_000;
const stepMs = 120_000;
const refreshMs = 15_000;
const none: Usage = { requests: 0, p95Ms: null, databaseMs: 0, bytesSent: 0, trend: [] };

function sum(values: readonly (number | null)[] | undefined): number {
  return (values ?? []).reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** The p95 of the hour of the clock that holds most of the range's requests: percentiles of parts can not be added. */
function ofBusiest({ columns: { requests = [], p95Ms = [] } }: Frame): number | null {
  const counts = requests.map((count) => count ?? 0);
  return p95Ms[counts.indexOf(Math.max(...counts, 0))] ?? null;
}

/** From the steps of a range, and from its hours. */
function usageOf(steps: Frame, whole: Frame): Usage {
  const { requests, databaseBusy, bytesSentRate } = steps.columns;
  return {
    requests: sum(requests),
    p95Ms: ofBusiest(whole),
    databaseMs: sum(databaseBusy) * steps.stepMs,
    bytesSent: (sum(bytesSentRate) * steps.stepMs) / 1000,
    trend: (requests ?? []).map((value) => value ?? 0),
  };
}

/** @param tenant an organization's id; undefined: all of them together */
async function readUsage(tenant: string | undefined, signal: AbortSignal): Promise<Usage> {
  const to = Date.now();
  const query = {
    kind: 'tenant' as const,
    ...(tenant === undefined ? {} : { tenant }),
    from: new Date(to - rangeMs).toISOString(),
    to: new Date(to).toISOString(),
  };
  try {
    const [steps, whole] = await Promise.all([
      autopilot.getMetrics(
        { ...query, measure: ['requests', 'databaseBusy', 'bytesSentRate'], step: stepMs },
        { signal },
      ),
      autopilot.getMetrics({ ...query, measure: ['requests', 'p95Ms'], step: rangeMs }, { signal }),
    ]);
    return usageOf(steps.frame, whole.frame);
  } catch (error) {
    // An organization that has asked for nothing is not known to the autopilot.
    if (error instanceof ApiError && error.problem.code === 'AP_SERIES_UNKNOWN') return none;
    throw error;
  }
}

function usageQuery(tenant: string | undefined): {
  queryKey: readonly unknown[];
  queryFn: (context: { signal: AbortSignal }) => Promise<Usage>;
  refetchInterval: number;
} {
  return {
    queryKey: ['administration', 'usage', tenant ?? null],
    queryFn: ({ signal }) => readUsage(tenant, signal),
    refetchInterval: refreshMs,
  };
}

/** The use of some organizations over the last hour, in the order given. */
export function useUsages(ids: readonly string[]): readonly UseQueryResult<Usage>[] {
  return useQueries({ queries: ids.map(usageQuery) });
}

/** The use of one organization, or of all together. */
export function useUsage(id?: string): UseQueryResult<Usage> {
  return useQuery(usageQuery(id));
}
