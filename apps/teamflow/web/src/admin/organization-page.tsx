import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { isMissing, request, searchOf } from '../api/request.ts';
import type { Listed, Member } from '../api/wire.ts';
import { bytesText, shareText, spanText } from '../format/quantity.ts';
import { agoText, momentText } from '../format/time.ts';
import { countText, roleNames } from '../format/words.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { Avatar } from '../ui/avatar.tsx';
import { BackIcon } from '../ui/icons.tsx';
import { Pager } from '../ui/pager.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { type AdministeredOrganization, administration } from './admin-wire.ts';
import { TrendLine } from './trend-line.tsx';
import { useUsages } from './usage.ts';
import './admin.css';

/** One organization as an administrator of the installation sees it: who belongs to it and what it takes. */
export function OrganizationPage({ organizationId }: { readonly organizationId: string }): ReactElement {
  const path = `${administration}/organizations/${organizationId}`;
  const organization = useQuery({
    queryKey: ['administration', 'organizations', organizationId],
    queryFn: ({ signal }) => request<AdministeredOrganization>('GET', path, { signal }),
  });
  usePageTitle(organization.data?.name);
  return (
    <>
      <Link href="/admin/organizations" className="admin-back">
        <BackIcon />
        Usage
      </Link>
      {organization.data !== undefined ? (
        <>
          <div className="page-head">
            <h1>{organization.data.name}</h1>
            <p className="page-note">
              {countText(organization.data.members)} members, since {momentText(organization.data.createdAt)}.
            </p>
          </div>
          <UsageTiles organizationId={organizationId} />
          <Members path={path} />
        </>
      ) : !organization.isError ? (
        <Loading />
      ) : isMissing(organization.error) ? (
        <Empty title="There is no such organization" isPage>
          It may have been removed.
        </Empty>
      ) : (
        <Failure error={organization.error} onRetry={() => void organization.refetch()} />
      )}
    </>
  );
}

function UsageTiles({ organizationId }: { readonly organizationId: string }): ReactElement {
  const usage = useUsages([organizationId]);
  if (usage.isError) return <Failure error={usage.error} onRetry={() => void usage.refetch()} />;
  if (usage.data === undefined) return <Loading />;
  const { requests, p95Ms, databaseMs, bytesSent, trend } = usage.data.of(organizationId);
  const { whole } = usage.data;
  const share = (part: number, all: number): string => `${shareText(part, all)} of the whole`;
  const tiles = [
    { name: 'Requests', value: countText(Math.round(requests)), note: share(requests, whole.requests) },
    { name: 'p95', value: p95Ms === null ? '–' : spanText(p95Ms), note: 'of its requests' },
    { name: 'Database time', value: spanText(databaseMs), note: share(databaseMs, whole.databaseMs) },
    { name: 'Sent', value: bytesText(bytesSent), note: share(bytesSent, whole.bytesSent) },
  ];
  return (
    <section className="card usage-tiles" aria-label="The last hour">
      {tiles.map(({ name, value, note }) => (
        <div key={name}>
          <span>{name}</span>
          <strong className="numbers">{value}</strong>
          <small>{note}</small>
        </div>
      ))}
      <div>
        <span>Requests, the last hour</span>
        <TrendLine values={trend} label="Requests over the last hour" />
      </div>
    </section>
  );
}

function Members({ path }: { readonly path: string }): ReactElement {
  const [location, navigate] = useLocation();
  const search = searchOf({ cursor: new URLSearchParams(useSearch()).get('cursor'), limit: 50, count: 'true' });
  const members = useQuery({
    queryKey: ['administration', 'members', path, search],
    queryFn: ({ signal }) => request<Listed<Member>>('GET', `${path}/members${search}`, { signal }),
    placeholderData: keepPreviousData,
  });
  if (members.isError) return <Failure error={members.error} onRetry={() => void members.refetch()} />;
  if (members.data === undefined) return <Loading />;
  return (
    <>
      <div className="card table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col">Role</th>
              <th scope="col" className="wide-only">
                Joined
              </th>
            </tr>
          </thead>
          <tbody>
            {members.data.items.map(({ userId, name, email, role, createdAt }) => (
              <tr key={userId}>
                <td>
                  <span className="who">
                    <Avatar name={name} isLarge />
                    <span>
                      <Link href={`/admin/users/${userId}`}>{name}</Link>
                      <small>{email}</small>
                    </span>
                  </span>
                </td>
                <td>{roleNames[role]}</td>
                <td className="wide-only">{agoText(createdAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager
        page={members.data.page}
        shown={members.data.items.length}
        isStale={members.isPlaceholderData}
        noun="member"
        onCursor={(cursor) => navigate(`${location}${searchOf({ cursor })}`)}
      />
    </>
  );
}
