import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link, useLocation } from 'wouter';
import { RequestError, request, searchOf } from '../api/request.ts';
import type { Me } from '../api/wire.ts';
import { organizationAddress } from '../organizations/organization.tsx';
import { usePageTitle } from '../shell/page-title.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';

interface Invitation {
  readonly organizationName: string;
  readonly organizationSlug: string;
  readonly inviterEmail: string;
  readonly role: string;
}

interface InvitationPageProps {
  readonly me: Me;
  readonly invitationId: string;
}

/** Where the link of an invitation leads: accept or decline. */
export function InvitationPage({ me, invitationId }: InvitationPageProps): ReactElement {
  const invitation = useQuery({
    queryKey: ['invitation', invitationId],
    queryFn: ({ signal }) =>
      request<Invitation>('GET', `/api/auth/organization/get-invitation${searchOf({ id: invitationId })}`, { signal }),
  });
  usePageTitle('Invitation');
  if (invitation.isPending) return <Loading />;
  if (invitation.isError) {
    const { error } = invitation;
    const isRefused = error instanceof RequestError && (error.status === 400 || error.status === 403);
    if (!isRefused) return <Failure error={error} onRetry={() => void invitation.refetch()} />;
    return (
      <section className="card">
        <Empty
          title="This invitation does not open"
          isPage
          actions={<Link href="/organizations">Go to your organizations</Link>}
        >
          {error.message}. You are signed in as {me.email}: when it was sent to another address of yours, sign in with
          that one. When it has expired, ask for a new one.
        </Empty>
      </section>
    );
  }
  return <Open invitation={invitation.data} invitationId={invitationId} />;
}

function Open({
  invitation,
  invitationId,
}: {
  readonly invitation: Invitation;
  readonly invitationId: string;
}): ReactElement {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const answer = useMutation({
    mutationFn: (way: 'accept' | 'reject') =>
      request('POST', `/api/auth/organization/${way}-invitation`, { body: { invitationId } }),
    onSuccess: async (_answer, way) => {
      await client.refetchQueries({ queryKey: ['organizations'] });
      navigate(way === 'accept' ? organizationAddress(invitation.organizationSlug) : '/organizations');
    },
  });
  return (
    <section className="card">
      <Empty
        title={`Join ${invitation.organizationName}`}
        isPage
        actions={
          <>
            <Button loading={answer.isPending} onClick={() => answer.mutate('accept')}>
              Join
            </Button>
            <Button variant="default" onClick={() => answer.mutate('reject')}>
              Decline
            </Button>
          </>
        }
      >
        {invitation.inviterEmail} invites you as {invitation.role}.
      </Empty>
      {answer.isError && <Failure error={answer.error} />}
    </section>
  );
}
