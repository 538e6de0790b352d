import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { request, searchOf } from '../api/request.ts';
import { momentText } from '../format/time.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { formText } from '../ui/form-text.ts';
import { Failure } from '../ui/states.tsx';
import { sayFailed } from '../ui/toasts.tsx';
import './invitations.css';

/** As the accounts' own part of the API has it. */
interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly role: string | null;
  readonly status: string;
  readonly expiresAt: string;
}

function invitationsKey(organizationId: string): readonly unknown[] {
  return ['organization', organizationId, 'invitations'];
}

/** Where the invited one accepts; only with this address, and signed in with the invited one. */
function linkOf({ id }: Invitation): string {
  return `${location.origin}/invitations/${id}`;
}

/** Invites people, and shows who has not answered yet. */
export function Invitations(): ReactElement {
  const organization = useOrganization();
  const client = useQueryClient();
  const [made, setMade] = useState<Invitation | null>(null);
  const invite = useMutation({
    mutationFn: (body: { readonly email: string; readonly role: string }) =>
      request<Invitation>('POST', '/api/auth/organization/invite-member', {
        body: { ...body, organizationId: organization.id, resend: true },
      }),
    onSuccess: async (invitation) => {
      setMade(invitation);
      await client.invalidateQueries({ queryKey: invitationsKey(organization.id) });
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setMade(null);
    const form = new FormData(event.currentTarget);
    invite.mutate({ email: formText(form, 'email').trim(), role: formText(form, 'role') });
  };
  return (
    <section className="card invitations" aria-labelledby="invite-title">
      <h2 id="invite-title">Invite somebody</h2>
      <form onSubmit={submit}>
        <TextInput name="email" type="email" label="E-mail address" autoComplete="off" required />
        <NativeSelect
          name="role"
          label="Role"
          data={[
            { value: 'member', label: 'Member' },
            { value: 'admin', label: 'Admin' },
            ...(organization.role === 'owner' ? [{ value: 'owner', label: 'Owner' }] : []),
          ]}
        />
        <Button type="submit" loading={invite.isPending}>
          Invite
        </Button>
      </form>
      {invite.isError && <Failure error={invite.error} />}
      {made !== null && (
        <CopyField
          label={`Send this link to ${made.email}: TeamFlow sends no mail.`}
          value={linkOf(made)}
          description={`It holds until ${momentText(made.expiresAt)}, for that address alone.`}
        />
      )}
      <Pending />
    </section>
  );
}

function Pending(): ReactElement | null {
  const organization = useOrganization();
  const client = useQueryClient();
  const invitations = useQuery({
    queryKey: invitationsKey(organization.id),
    queryFn: async ({ signal }) => {
      const path = `/api/auth/organization/list-invitations${searchOf({ organizationId: organization.id })}`;
      const all = await request<readonly Invitation[]>('GET', path, { signal });
      return all.filter(({ status, expiresAt }) => status === 'pending' && Date.parse(expiresAt) > Date.now());
    },
  });
  const withdraw = useMutation({
    mutationFn: (invitationId: string) =>
      request('POST', '/api/auth/organization/cancel-invitation', { body: { invitationId } }),
    onError: (error) => sayFailed('The invitation still holds.', error),
    onSettled: () => client.invalidateQueries({ queryKey: invitationsKey(organization.id) }),
  });
  if (invitations.isError) return <Failure error={invitations.error} onRetry={() => void invitations.refetch()} />;
  const open = invitations.data ?? [];
  if (open.length === 0) return null;
  return (
    <ul className="invitation-list" aria-label="Invited">
      {open.map((invitation) => (
        <li key={invitation.id}>
          <span>
            {invitation.email} <span className="chip">{invitation.role ?? 'member'}</span>
          </span>
          <button
            type="button"
            className="quiet-button"
            onClick={() => {
              void navigator.clipboard.writeText(linkOf(invitation)).catch((error: unknown) => {
                sayFailed('The link was not copied.', error);
              });
            }}
          >
            Copy the link
          </button>
          <button type="button" className="quiet-button" onClick={() => withdraw.mutate(invitation.id)}>
            Withdraw
          </button>
        </li>
      ))}
    </ul>
  );
}
