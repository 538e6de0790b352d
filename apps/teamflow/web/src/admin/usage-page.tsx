import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { request, searchOf } from '../api/request.ts';
import type { Listed } from '../api/wire.ts';
import { bytesText, shareText, spanText } from '../format/quantity.ts';
import { countText } from '../format/words.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { GaugeIcon } from '../ui/icons.tsx';
import { PagedList } from '../ui/paged-list.tsx';
import { Pager } from '../ui/pager.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { type AdministeredOrganization, administration } from './admin-wire.ts';
import { TrendLine } from './trend-line.tsx';
import { type UsageSort, type Usages, type UsingOrganization, usageSorts, useRankedUsage, useUsages } from './usage.ts';
import './admin.css';

/** The organizations, and what each takes of the service: by their addresses, or who took most first. */
export function UsagePage(): ReactElement {
  const parameters = new URLSearchParams(useSearch());
  const [location, navigate] = useLocation();
  const q = parameters.get('q') ?? '';
  const sort = usageSorts.find((one) => one === parameters.get('sort')) ?? null;
  usePageTitle('Usage');
  const addressOf = (to: Readonly<Record<string, string | null>>): string =>
    `${location}${searchOf({ q, sort, ...to })}`;
  const props = { q, cursor: parameters.get('cursor'), addressOf, go: (to: string) => navigate(to) };
  return (
    <>
      <div className="page-head">
        <h1>Usage</h1>
        <div className="page-tools">
          <a href="/autopilot/" className="quiet-button framed">
            <GaugeIcon />
            Autopilot dashboard
          </a>
        </div>
        <p className="page-note">
          What each organization took of the service in the last hour.
          {sort !== null && ' Those that asked for nothing are left out of this order.'}
        </p>
      </div>
      <div className="admin-bar">
        <SearchField label="Search organizations" value={q} onChange={(to) => navigate(addressOf({ q: to }))} />
      </div>
      {sort === null ? <ByAddress {...props} /> : <ByUsage {...props} sort={sort} from={parameters.get('from')} />}
    </>
  );
}

interface OrderedProps {
  readonly q: string;
  readonly cursor: string | null;
  /** The page's address with other parameters; without a cursor unless one is given. */
  readonly addressOf: (to: Readonly<Record<string, string | null>>) => string;
  readonly go: (address: string) => void;
}

function ByAddress({ q, cursor, addressOf, go }: OrderedProps): ReactElement {
  const search = searchOf({ q, cursor, limit: 20, count: 'true' });
  const organizations = useQuery({
    queryKey: ['administration', 'organizations', search],
    queryFn: ({ signal }) =>
      request<Listed<AdministeredOrganization>>('GET', `${administration}/organizations${search}`, { signal }),
    placeholderData: keepPreviousData,
  });
  return (
    <PagedList
      list={organizations}
      noun="organization"
      onCursor={(to) => go(addressOf({ cursor: to }))}
      empty={<Empty title="No organization is found">Nothing’s name or address has these letters.</Empty>}
    >
      {(items) => <WithUsages organizations={items} addressOf={addressOf} />}
    </PagedList>
  );
}

function WithUsages({
  organizations,
  addressOf,
}: Pick<OrderedProps, 'addressOf'> & { readonly organizations: readonly UsingOrganization[] }): ReactElement {
  const usages = useUsages(organizations.map(({ id }) => id));
  return (
    <>
      {usages.isError && <Failure error={usages.error} onRetry={() => void usages.refetch()} />}
      <UsageTable
        organizations={organizations}
        usages={usages.data}
        isUnknown={usages.isError}
        sort={null}
        addressOf={addressOf}
      />
    </>
  );
}

function ByUsage({
  q,
  cursor,
  from,
  sort,
  addressOf,
  go,
}: OrderedProps & { readonly sort: UsageSort; readonly from: string | null }): ReactElement {
  const ranked = useRankedUsage({ q, sort, cursor, from });
  if (ranked.isError) return <Failure error={ranked.error} onRetry={() => void ranked.refetch()} />;
  if (ranked.data === undefined) return <Loading />;
  const { organizations, usages, page, from: began, isCut } = ranked.data;
  if (organizations.length === 0) {
    return (
      <div className="card">
        <Empty title="No organization is found">
          None {q === '' ? '' : 'with these letters '}asked for anything in the last hour.
        </Empty>
      </div>
    );
  }
  return (
    <>
      {isCut && (
        <p className="page-note">More than 200 have these letters: the first 200 by their addresses are ranked.</p>
      )}
      <UsageTable {...{ organizations, usages, sort, addressOf }} isUnknown={false} />
      <Pager
        page={page}
        shown={organizations.length}
        isStale={ranked.isPlaceholderData}
        noun="organization"
        onCursor={(to) => go(addressOf({ cursor: to, from: began }))}
      />
    </>
  );
}

interface UsageTableProps extends Pick<OrderedProps, 'addressOf'> {
  readonly organizations: readonly UsingOrganization[];
  readonly usages: Usages | undefined;
  readonly isUnknown: boolean;
  /** null: by their addresses. */
  readonly sort: UsageSort | null;
}

function UsageTable({ organizations, usages, isUnknown, sort, addressOf }: UsageTableProps): ReactElement {
  const head = (column: UsageSort | null, label: string, className: string): ReactElement => (
    <th
      scope="col"
      className={className}
      // The share is in the order of the requests; one column says what the order is.
      {...(column === sort && label !== 'Share'
        ? { 'aria-sort': column === null ? ('ascending' as const) : ('descending' as const) }
        : {})}
    >
      <Link href={addressOf({ sort: column })}>{label}</Link>
    </th>
  );
  return (
    <div className="card table-wrap">
      <table className="table usage-table">
        <thead>
          <tr>
            {head(null, 'Organization', '')}
            {head('requests', 'Requests', 'right')}
            {head('requests', 'Share', 'right wide-only')}
            {head('p95Ms', 'p95', 'right')}
            {head('databaseMs', 'Database', 'right')}
            {head('bytesSent', 'Sent', 'right wide-only')}
            <th scope="col" className="wide-only">
              Trend
            </th>
          </tr>
        </thead>
        <tbody>
          {organizations.map((organization) => (
            <UsageRow key={organization.id} organization={organization} usages={usages} isUnknown={isUnknown} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface UsageRowProps {
  readonly organization: UsingOrganization;
  readonly usages: Usages | undefined;
  readonly isUnknown: boolean;
}

function UsageRow({ organization, usages, isUnknown }: UsageRowProps): ReactElement {
  const { id, name, members } = organization;
  const data = usages?.of(id);
  return (
    <tr>
      <td className="usage-name">
        {members === null ? name : <Link href={`/admin/organizations/${id}`}>{name}</Link>}
        <small>{members === null ? 'removed' : members === 1 ? '1 member' : `${countText(members)} members`}</small>
      </td>
      {usages === undefined || data === undefined ? (
        <td colSpan={6}>{isUnknown ? 'Not known' : 'Being read'}</td>
      ) : (
        <>
          <td className="right numbers">{countText(Math.round(data.requests))}</td>
          <td className="right numbers wide-only">{shareText(data.requests, usages.whole.requests)}</td>
          <td className="right numbers">{data.p95Ms === null ? '–' : spanText(data.p95Ms)}</td>
          <td className="right numbers">
            {spanText(data.databaseMs)}
            <small> {shareText(data.databaseMs, usages.whole.databaseMs)}</small>
          </td>
          <td className="right numbers wide-only">{bytesText(data.bytesSent)}</td>
          <td className="wide-only">
            <TrendLine values={data.trend} label={`Requests of ${name} over the last hour`} />
          </td>
        </>
      )}
    </tr>
  );
}
