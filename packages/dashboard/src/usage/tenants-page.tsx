import { useQuery } from '@tanstack/react-query';
import type { TenantRow, TenantSort } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { Sparkline } from '../chart/sparkline.tsx';
import { formatQuantity } from '../format/quantity.ts';
import { failureOf } from '../live/shared-stream.ts';
import { LimitNotes } from '../overview/limit-notes.tsx';
import type { Order } from '../overview/row-order.ts';
import { api } from '../session/api.ts';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { consumptionColumns, type UsageColumn } from './consumption-columns.tsx';
import { UsageTable } from './usage-table.tsx';
import { useAbout } from './use-about.ts';

/** The most that one answer holds. */
const MOST_ROWS = 200;

const name: UsageColumn<TenantRow, TenantSort> = {
  column: 'name',
  label: 'Tenant',
  title: 'Its name, as the application gives it, and its requests over time',
  first: 'ascending',
  room: 'always',
  value: nameOf,
  cell: ({ tenant, name: called, trend }) => (
    <>
      {called === null ? tenant : <span title={tenant}>{called}</span>}
      <Sparkline values={trend.columns['requestRate'] ?? []} color="blue" />
    </>
  ),
};

const own: readonly UsageColumn<TenantRow, TenantSort>[] = [
  {
    column: 'errorRatio',
    label: 'Errors',
    title: 'Share answered with 500 or more, and how many',
    first: 'descending',
    room: 'tablet',
    value: ({ errorRatio }) => errorRatio,
    cell: ({ errors, errorRatio }) => (
      <>
        <span data-tone={errors > 0 ? 'bad' : 'none'}>{formatQuantity('ratio', errorRatio)}</span>
        <div className="card-note">{formatQuantity('count', Math.round(errors))}</div>
      </>
    ),
  },
  {
    column: 'p50Ms',
    label: 'p50',
    title: 'Half of its requests took at most this long',
    first: 'descending',
    room: 'desk',
    value: ({ p50Ms }) => p50Ms,
    cell: ({ p50Ms }) => formatQuantity('duration', p50Ms),
  },
  {
    column: 'p95Ms',
    label: 'p95',
    title: '95 % of its requests took at most this long',
    first: 'descending',
    room: 'tablet',
    value: ({ p95Ms }) => p95Ms,
    cell: ({ p95Ms }) => <strong>{formatQuantity('duration', p95Ms)}</strong>,
  },
  {
    column: 'p99Ms',
    label: 'p99',
    title: '99 % of its requests took at most this long',
    first: 'descending',
    room: 'desk',
    value: ({ p99Ms }) => p99Ms,
    cell: ({ p99Ms }) => formatQuantity('duration', p99Ms),
  },
];

/** As people know it; the id where nobody has said more. */
function nameOf({ tenant, name: called }: TenantRow): string {
  return called ?? tenant;
}

/** The tenants: what each takes of the service, and how it is served. */
export function TenantsPage(): ReactElement {
  const { key, ask, every } = useAbout();
  const [order, setOrder] = useState<Order<TenantSort | 'name'>>({ column: 'timeShare', direction: 'descending' });
  const sort = order.column === 'name' ? 'timeShare' : order.column;
  const { data, error, refetch } = useQuery({
    queryKey: ['tenants', key, sort],
    queryFn: ({ signal }) => api.listTenants({ ...ask(), sort, limit: MOST_ROWS }, { signal }),
    refetchInterval: every,
    placeholderData: (before) => before,
  });
  if (error !== null && data === undefined) {
    const again = (): void => void refetch();
    return <ProblemPanel title="The tenants can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  const [requests, ...rest] = consumptionColumns(data?.loop.made ?? false);
  return (
    <div className="overview" aria-busy={data === undefined}>
      {data !== undefined && (data.notes.length > 0 || data.overflow > 0) && (
        <LimitNotes
          notes={data.notes}
          overflow={data.overflow > 0 ? { tenant: data.overflow } : {}}
          isLoud={!data.complete}
        />
      )}
      <UsageTable<TenantRow, TenantSort>
        id="tenants"
        title={
          <h1 className="card-title" id="tenants-title" tabIndex={-1}>
            Tenants
          </h1>
        }
        noun="tenants"
        nameOf={nameOf}
        columns={[name, ...(requests === undefined ? [] : [requests]), ...own, ...rest]}
        rows={data?.tenants}
        isCut={data?.page.next != null}
        order={order}
        onOrder={setOrder}
        loop={data?.loop}
        empty="No request of a tenant in this time. The application says whose a request is by its option `tenant`."
      />
    </div>
  );
}
