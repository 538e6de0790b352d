import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { createClient } from '@teamflow/autopilot/client';
import type { Consumption, TenantRow } from '@teamflow/autopilot/contract';

/** The autopilot's API on this origin; the administrator's session opens it. */
const autopilot = createClient({ baseUrl: '' });

/** What an organization took of the service in the time that is looked at. */
export interface Usage extends Consumption {
  readonly p95Ms: number | null;
  /** Requests in each step. */
  readonly trend: readonly number[];
}

/** The use of some organizations, beside that of all requests. */
export interface Usages {
  readonly whole: Consumption;
  /** One that has asked for nothing is not known to the autopilot. */
  readonly of: (id: string) => Usage;
}

/** How far back usage looks. */
const rangeMs = 3_600_000;
const refreshMs = 15_000;
const none: Usage = {
  requests: 0,
  errors: 0,
  databaseMs: 0,
  databaseCalls: 0,
  bytesReceived: 0,
  bytesSent: 0,
  p95Ms: null,
  trend: [],
};

function usageOf({ trend, ...row }: TenantRow): Usage {
  const rates = trend.columns['requestRate'] ?? [];
  return { ...row, trend: rates.map((rate) => ((rate ?? 0) * trend.stepMs) / 1000) };
}

async function readUsages(ids: readonly string[], signal: AbortSignal): Promise<Usages> {
  const from = new Date(Date.now() - rangeMs).toISOString();
  const { tenants, whole } = await autopilot.listTenants({ tenant: ids, from, limit: ids.length }, { signal });
  const byId = new Map(tenants.map((row) => [row.tenant, usageOf(row)]));
  return { whole, of: (id) => byId.get(id) ?? none };
}

/** The use of some organizations (at least one) over the last hour, in one call. */
export function useUsages(ids: readonly string[]): UseQueryResult<Usages> {
  return useQuery({
    queryKey: ['administration', 'usage', ids],
    queryFn: ({ signal }) => readUsages(ids, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  });
}
