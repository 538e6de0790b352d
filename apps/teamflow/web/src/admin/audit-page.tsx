import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { request, searchOf } from '../api/request.ts';
import type { Listed } from '../api/wire.ts';
import { agoText, momentText } from '../format/time.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { PagedList } from '../ui/paged-list.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { Empty } from '../ui/states.tsx';
import { type AdministrativeCall, administration } from './admin-wire.ts';
import { administrativeDeed } from './administrative-deed.ts';
import './admin.css';

/** What administrators did to accounts and sessions, and what others tried. */
export function AuditPage(): ReactElement {
  const parameters = new URLSearchParams(useSearch());
  const [location, navigate] = useLocation();
  const [q, refused] = [parameters.get('q') ?? '', parameters.get('refused') === 'true'];
  const filter = { q, refused: refused ? 'true' : null };
  const search = searchOf({ ...filter, count: 'true', cursor: parameters.get('cursor') });
  const calls = useQuery({
    queryKey: ['administration', 'calls', search],
    queryFn: ({ signal }) => request<Listed<AdministrativeCall>>('GET', `${administration}/calls${search}`, { signal }),
    placeholderData: keepPreviousData,
    // Looked at to see what has just happened.
    staleTime: 0,
  });
  usePageTitle('Audit log');
  const go = (changes: Readonly<Record<string, string | null>>): void =>
    navigate(`${location}${searchOf({ ...filter, ...changes })}`);
  const here = (isCurrent: boolean): object => (isCurrent ? { 'aria-current': 'page' } : {});
  return (
    <>
      <div className="page-head">
        <h1>Audit log</h1>
        <p className="page-note">
          What administrators did to accounts and sessions, and what others were refused. What was done to settings and
          tokens of the autopilot is in <a href="/autopilot/access">its own log</a>.
        </p>
      </div>
      <div className="admin-bar">
        <SearchField label="Search people, deeds and addresses" value={q} onChange={(to) => go({ q: to })} />
        <nav className="tabs" aria-label="Which calls">
          <Link href={`${location}${searchOf({ q })}`} {...here(!refused)}>
            All
          </Link>
          <Link href={`${location}${searchOf({ q, refused: 'true' })}`} {...here(refused)}>
            Refused
          </Link>
        </nav>
      </div>
      <PagedList
        list={calls}
        noun="call"
        onCursor={(cursor) => go({ cursor })}
        empty={
          <Empty title={q === '' ? 'Nothing has happened yet' : 'Nothing is found'}>
            {q !== ''
              ? 'No call has these letters.'
              : refused
                ? 'Nobody was refused anything.'
                : 'Roles, suspensions and ended sessions will be here.'}
          </Empty>
        }
      >
        {(items) => <CallTable calls={items} />}
      </PagedList>
    </>
  );
}

function CallTable({ calls }: { readonly calls: readonly AdministrativeCall[] }): ReactElement {
  return (
    <div className="card table-wrap">
      <table className="table audit-table">
        <thead>
          <tr>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">To whom</th>
            <th scope="col" className="wide-only">
              From
            </th>
            <th scope="col" className="right">
              When
            </th>
          </tr>
        </thead>
        <tbody>
          {calls.map((one) => (
            <tr key={one.id}>
              <td className="audit-person" data-as="by">
                <Link href={`/admin/users/${one.userId}`}>{one.userEmail}</Link>
              </td>
              <td className="audit-what" title={`${one.call}, request ${one.requestId}`}>
                {administrativeDeed(one)}{' '}
                {one.status >= 400 && <span className="chip bad">Refused ({one.status})</span>}
              </td>
              <td className="audit-person" data-as="to">
                <About call={one} />
              </td>
              <td className="code wide-only">{one.address}</td>
              <td className="right audit-when" title={momentText(one.at)}>
                <time dateTime={one.at}>{agoText(one.at)}</time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function About({ call: { aboutId, aboutEmail } }: { readonly call: AdministrativeCall }): ReactElement | string {
  if (aboutId === null) return '–';
  // A new account is named by its address: it had no other name yet.
  if (aboutEmail === null || aboutId.includes('@')) return aboutId;
  return <Link href={`/admin/users/${aboutId}`}>{aboutEmail}</Link>;
}
