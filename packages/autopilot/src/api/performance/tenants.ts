import type { TenantSort, TenantsQuery } from '../../contract/resource-queries.ts';
import type { TenantList } from '../../contract/resources.ts';
import { rankingOf, tenantRows, wholeConsumption } from '../../query/consumption.ts';
import { sparklineRange } from '../../query/time-range.ts';
import { rangeTold, rankedPage } from './ranked-list.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';

const LOOK_BACK_MS = 5 * 60_000;
const DEFAULT_SORT: TenantSort = 'timeShare';

/** GET /performance/tenants */
export async function listTenants(sources: PerformanceSources, query: TenantsQuery): Promise<TenantList> {
  const { engine } = sources;
  const scope = scopeOf(sources, query);
  const sort = query.sort ?? DEFAULT_SORT;
  const { cursor, limit, from, to, tenant } = query;
  const { keys, page, range, extent, now } = await rankedPage(sources, {
    subject: { ...scope, family: 'tenant' },
    ranking: rankingOf(sort),
    keyName: 'tenant',
    only: tenant,
    lookBackMs: LOOK_BACK_MS,
    from,
    to,
    limit,
    cursor,
    filter: { ...scope, list: 'tenants', sort, from, to, tenant },
  });
  const whole = await wholeConsumption(engine, scope, range);
  const trend = sparklineRange(range, extent, now);
  return {
    service: scope.service,
    ...rangeTold(range, now),
    tenants: await tenantRows(engine, scope, range, trend, keys, whole, (tenant) =>
      sources.nameOf(scope.service, 'tenant', tenant),
    ),
    whole: whole.consumption,
    loop: whole.loop,
    overflow: whole.overflow['tenant'] ?? 0,
    complete: range.complete,
    notes: range.notes,
    page,
  };
}
