import { Button } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { request, searchOf } from '../api/request.ts';
import type { Listed } from '../api/wire.ts';
import { agoText } from '../format/time.ts';
import { countText } from '../format/words.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { Avatar } from '../ui/avatar.tsx';
import { PlusIcon } from '../ui/icons.tsx';
import { PagedList } from '../ui/paged-list.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { Empty } from '../ui/states.tsx';
import { type AdministeredUser, administration } from './admin-wire.ts';
import { NewUserDialog } from './new-user-dialog.tsx';
import './admin.css';

/** Everybody with an account. */
export function UsersPage(): ReactElement {
  const parameters = new URLSearchParams(useSearch());
  const [location, navigate] = useLocation();
  const [isAdding, setAdding] = useState(false);
  const [q, suspended] = [parameters.get('q') ?? '', parameters.get('suspended') === 'true'];
  const search = searchOf({
    q,
    suspended: suspended ? 'true' : null,
    count: 'true',
    cursor: parameters.get('cursor'),
  });
  const users = useQuery({
    queryKey: ['administration', 'users', search],
    queryFn: ({ signal }) => request<Listed<AdministeredUser>>('GET', `${administration}/users${search}`, { signal }),
    placeholderData: keepPreviousData,
  });
  usePageTitle('Users');
  const go = (changes: Readonly<Record<string, string | null>>): void =>
    navigate(`${location}${searchOf({ q, suspended: suspended ? 'true' : null, ...changes })}`);
  return (
    <>
      <div className="page-head">
        <h1>Users</h1>
        <div className="page-tools">
          <Button leftSection={<PlusIcon />} onClick={() => setAdding(true)}>
            New account
          </Button>
        </div>
      </div>
      <div className="admin-bar">
        <SearchField label="Search names and addresses" value={q} onChange={(to) => go({ q: to })} />
        <nav className="tabs" aria-label="Which users">
          <Link href={`${location}${searchOf({ q })}`} {...(suspended ? {} : { 'aria-current': 'page' })}>
            All
          </Link>
          <Link
            href={`${location}${searchOf({ q, suspended: 'true' })}`}
            {...(suspended ? { 'aria-current': 'page' } : {})}
          >
            Suspended
          </Link>
        </nav>
      </div>
      <PagedList
        list={users}
        noun="user"
        onCursor={(cursor) => go({ cursor })}
        empty={
          <Empty title="Nobody is found">
            {q === '' ? 'Nobody is suspended.' : 'Nobody’s name or address has these letters.'}
          </Empty>
        }
      >
        {(items) => <UserTable users={items} />}
      </PagedList>
      {isAdding && <NewUserDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function UserTable({ users }: { readonly users: readonly AdministeredUser[] }): ReactElement {
  return (
    <div className="card table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col" className="right wide-only">
              Organizations
            </th>
            <th scope="col" className="right wide-only">
              Sessions
            </th>
            <th scope="col" className="right wide-only">
              Since
            </th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.id}>
              <td>
                <span className="who">
                  <Avatar name={user.name} isLarge />
                  <span>
                    <Link href={`/admin/users/${user.id}`}>{user.name}</Link>
                    <small>{user.email}</small>
                  </span>
                </span>
              </td>
              <td>
                <UserState user={user} />
              </td>
              <td className="right numbers wide-only">{countText(user.organizations)}</td>
              <td className="right numbers wide-only">{countText(user.sessions)}</td>
              <td className="right wide-only">{agoText(user.createdAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether somebody may sign in, and runs the installation. */
export function UserState({ user }: { readonly user: AdministeredUser }): ReactElement {
  return (
    <>
      {user.isSuspended ? <span className="chip bad">Suspended</span> : <span className="chip ok">Active</span>}{' '}
      {user.isAdministrator && <span className="chip accent">Administrator</span>}
    </>
  );
}
