import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { createClient } from '@teamflow/autopilot/client';
import type { Consumption, TenantRow } from '@teamflow/autopilot/contract';
import { request, searchOf } from '../api/request.ts';
import type { Listed, Page } from '../api/wire.ts';
import { type AdministeredOrganization, administration } from './admin-wire.ts';

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

/** What organizations can be ranked by, most first. */
export const usageSorts = ['requests', 'p95Ms', 'databaseMs', 'bytesSent'] as const;
/** One of them. */
export type UsageSort = (typeof usageSorts)[number];

/** An organization in a table of use. */
export interface UsingOrganization {
  readonly id: string;
  readonly name: string;
  /** null: it has been removed since. */
  readonly members: number | null;
}

/** A page of organizations by what they took. */
interface RankedUsage {
  readonly organizations: readonly UsingOrganization[];
  readonly usages: Usages;
  readonly page: Page;
  /** Where the time begins that the page is about: its cursors hold for that. */
  readonly from: string;
  /** More were found by the search than can be ranked. */
  readonly isCut: boolean;
}

interface Ranking {
  readonly q: string;
  readonly sort: UsageSort;
  readonly cursor: string | null;
  /** Of the page that the cursor is from. */
  readonly from: string | null;
}

/** The most that a search is ranked of: what one call of the autopilot takes. */
const mostFound = 200;
const rankedLimit = 20;

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

const hourAgo = (): string => new Date(Date.now() - rangeMs).toISOString();

function usagesOf(tenants: readonly TenantRow[], whole: Consumption): Usages {
  const byId = new Map(tenants.map((row) => [row.tenant, usageOf(row)]));
  return { whole, of: (id) => byId.get(id) ?? none };
}

async function readUsages(ids: readonly string[], signal: AbortSignal): Promise<Usages> {
  const { tenants, whole } = await autopilot.listTenants(
    { tenant: ids, from: hourAgo(), limit: ids.length },
    { signal },
  );
  return usagesOf(tenants, whole);
}

function readOrganizations(
  query: { readonly q?: string; readonly id?: readonly string[] },
  signal: AbortSignal,
): Promise<Listed<AdministeredOrganization>> {
  const search = searchOf({ ...query, limit: mostFound });
  return request('GET', `${administration}/organizations${search}`, { signal });
}

/** Who took most: the autopilot knows that, and TeamFlow who they are. */
async function readRanked({ q, sort, cursor, from: began }: Ranking, signal: AbortSignal): Promise<RankedUsage> {
  const found = q === '' ? null : await readOrganizations({ q }, signal);
  const from = began ?? hourAgo();
  if (found?.items.length === 0) {
    const page = { limit: rankedLimit, next: null, previous: null };
    return { organizations: [], usages: usagesOf([], none), page, from, isCut: false };
  }
  const { tenants, whole, page } = await autopilot.listTenants(
    {
      ...(found === null ? {} : { tenant: found.items.map(({ id }) => id) }),
      ...(cursor === null ? {} : { cursor }),
      from,
      sort,
      limit: rankedLimit,
    },
    { signal },
  );
  const ids = tenants.map(({ tenant }) => tenant).filter((id) => uuid.test(id));
  const known = ids.length === 0 ? [] : (await readOrganizations({ id: ids }, signal)).items;
  const byId = new Map(known.map((one) => [one.id, one]));
  return {
    organizations: tenants.map(({ tenant: id, name }) => byId.get(id) ?? { id, name: name ?? id, members: null }),
    usages: usagesOf(tenants, whole),
    page,
    from,
    isCut: found !== null && found.page.next !== null,
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The organizations that took most in the last hour. */
export function useRankedUsage(ranking: Ranking): UseQueryResult<RankedUsage> {
  return useQuery({
    queryKey: ['administration', 'ranked usage', ranking],
    queryFn: ({ signal }) => readRanked(ranking, signal),
    // A later page is about the time of the first.
    refetchInterval: ranking.cursor === null ? refreshMs : false,
    placeholderData: keepPreviousData,
  });
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
