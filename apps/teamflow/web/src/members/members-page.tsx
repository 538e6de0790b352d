import { NativeSelect } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useLocation, useSearch } from 'wouter';
import { organizationPath } from '../api/queries.ts';
import { request, searchOf } from '../api/request.ts';
import type { Listed, Me, Member, MemberRole, Organization } from '../api/wire.ts';
import { agoText } from '../format/time.ts';
import { roleNames } from '../format/words.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Pager } from '../ui/pager.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { sayDone, sayFailed } from '../ui/toasts.tsx';
import { Invitations } from './invitations.tsx';
import { RemoveMember } from './remove-member.tsx';
import './members.css';

const roles = ['owner', 'admin', 'member'] as const;

/** Who belongs to the organization, and who is invited. */
export function MembersPage({ me }: { readonly me: Me }): ReactElement {
  const organization = useOrganization();
  const [location, navigate] = useLocation();
  const search = searchOf({ cursor: new URLSearchParams(useSearch()).get('cursor'), limit: 50, count: 'true' });
  const members = useQuery({
    queryKey: ['organization', organization.id, 'members', search],
    queryFn: ({ signal }) =>
      request<Listed<Member>>('GET', `${organizationPath(organization.id)}/members${search}`, { signal }),
    placeholderData: keepPreviousData,
  });
  usePageTitle('Members');
  return (
    <>
      <div className="page-head">
        <h1>Members</h1>
        <p className="page-note">
          Owners and admins invite people and change roles; only owners make owners. Everybody works on everything.
        </p>
      </div>
      {organization.role !== 'member' && <Invitations />}
      {members.isError ? (
        <Failure error={members.error} onRetry={() => void members.refetch()} />
      ) : members.data === undefined ? (
        <Loading />
      ) : (
        <>
          <div className="card table-wrap">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Role</th>
                  <th scope="col" className="wide-only">
                    Joined
                  </th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {members.data.items.map((member) => (
                  <MemberRow key={member.userId} member={member} me={me} organization={organization} />
                ))}
              </tbody>
            </table>
          </div>
          <Pager
            page={members.data.page}
            shown={members.data.items.length}
            isStale={members.isPlaceholderData}
            noun="member"
            onCursor={(to) => navigate(`${location}${searchOf({ cursor: to })}`)}
          />
        </>
      )}
    </>
  );
}

interface MemberRowProps {
  readonly member: Member;
  readonly me: Me;
  readonly organization: Organization;
}

function MemberRow({ member, me, organization }: MemberRowProps): ReactElement {
  const { userId, name, email, role, createdAt } = member;
  const isMe = userId === me.id;
  const mayChange = organization.role === 'owner' || (organization.role === 'admin' && role !== 'owner');
  return (
    <tr>
      <td>
        <span className="who">
          <Avatar name={name} isLarge />
          <span>
            <strong>{isMe ? `${name} (you)` : name}</strong>
            <small>{email}</small>
          </span>
        </span>
      </td>
      <td>{mayChange ? <RoleSelect member={member} organization={organization} /> : roleNames[role]}</td>
      <td className="wide-only">{agoText(createdAt)}</td>
      <td className="right">{(mayChange || isMe) && <RemoveMember member={member} isMe={isMe} />}</td>
    </tr>
  );
}

function RoleSelect({ member, organization }: Omit<MemberRowProps, 'me'>): ReactElement {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (role: MemberRole) =>
      request<Member>('PATCH', `${organizationPath(organization.id)}/members/${member.userId}`, { body: { role } }),
    onSuccess: ({ name, role }) => sayDone(`${name} is now ${roleNames[role].toLowerCase()}.`),
    onError: (error) => sayFailed('The role was not changed.', error),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['organization', organization.id, 'members'] }),
        client.invalidateQueries({ queryKey: ['organizations'] }),
      ]),
  });
  const offered = roles.filter((role) => role !== 'owner' || organization.role === 'owner');
  return (
    <NativeSelect
      className="role-select"
      aria-label={`Role of ${member.name}`}
      size="xs"
      value={change.isPending ? change.variables : member.role}
      disabled={change.isPending}
      data={offered.map((value) => ({ value, label: roleNames[value] }))}
      onChange={(event) => {
        const role = roles.find((one) => one === event.currentTarget.value);
        if (role !== undefined) change.mutate(role);
      }}
    />
  );
}
