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
import { SearchField } from '../ui/search-field.tsx';
import { Empty, Failure } from '../ui/states.tsx';
import { type AdministeredOrganization, administration } from './admin-wire.ts';
import { TrendLine } from './trend-line.tsx';
import { type Usages, useUsages } from './usage.ts';
import './admin.css';

/** The organizations, and what each takes of the service. */
export function UsagePage(): ReactElement {
  const parameters = new URLSearchParams(useSearch());
  const [location, navigate] = useLocation();
  const q = parameters.get('q') ?? '';
  const search = searchOf({ q, cursor: parameters.get('cursor'), limit: 20, count: 'true' });
  const organizations = useQuery({
    queryKey: ['administration', 'organizations', search],
    queryFn: ({ signal }) =>
      request<Listed<AdministeredOrganization>>('GET', `${administration}/organizations${search}`, { signal }),
    placeholderData: keepPreviousData,
  });
  usePageTitle('Usage');
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
        <p className="page-note">What each organization took of the service in the last hour.</p>
      </div>
      <div className="admin-bar">
        <SearchField
          label="Search organizations"
          value={q}
          onChange={(to) => navigate(`${location}${searchOf({ q: to })}`)}
        />
      </div>
      <PagedList
        list={organizations}
        noun="organization"
        onCursor={(cursor) => navigate(`${location}${searchOf({ q, cursor })}`)}
        empty={<Empty title="No organization is found">Nothing’s name or address has these letters.</Empty>}
      >
        {(items) => <UsageTable organizations={items} />}
      </PagedList>
    </>
  );
}

function UsageTable({ organizations }: { readonly organizations: readonly AdministeredOrganization[] }): ReactElement {
  const usages = useUsages(organizations.map(({ id }) => id));
  return (
    <>
      {usages.isError && <Failure error={usages.error} onRetry={() => void usages.refetch()} />}
      <div className="card table-wrap">
        <table className="table usage-table">
          <thead>
            <tr>
              <th scope="col">Organization</th>
              <th scope="col" className="right">
                Requests
              </th>
              <th scope="col" className="right wide-only">
                Share
              </th>
              <th scope="col" className="right">
                p95
              </th>
              <th scope="col" className="right">
                Database
              </th>
              <th scope="col" className="right wide-only">
                Sent
              </th>
              <th scope="col" className="wide-only">
                Trend
              </th>
            </tr>
          </thead>
          <tbody>
            {organizations.map((organization) => (
              <UsageRow
                key={organization.id}
                organization={organization}
                usages={usages.data}
                isUnknown={usages.isError}
              />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface UsageRowProps {
  readonly organization: AdministeredOrganization;
  readonly usages: Usages | undefined;
  readonly isUnknown: boolean;
}

function UsageRow({ organization, usages, isUnknown }: UsageRowProps): ReactElement {
  const { id, name, members } = organization;
  const data = usages?.of(id);
  return (
    <tr>
      <td className="usage-name">
        <Link href={`/admin/organizations/${id}`}>{name}</Link>
        <small>{members === 1 ? '1 member' : `${countText(members)} members`}</small>
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
