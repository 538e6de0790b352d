import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useLocation } from 'wouter';
import { request } from '../api/request.ts';
import type { Member } from '../api/wire.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Failure } from '../ui/states.tsx';
import { sayDone } from '../ui/toasts.tsx';

/** Takes a member out of the organization, or lets the reader leave it; asks first. */
export function RemoveMember({ member, isMe }: { readonly member: Member; readonly isMe: boolean }): ReactElement {
  const organization = useOrganization();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [isAsking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      isMe
        ? request('POST', '/api/auth/organization/leave', { body: { organizationId: organization.id } })
        : request('POST', '/api/auth/organization/remove-member', {
            body: { organizationId: organization.id, memberIdOrEmail: member.email },
          }),
    onSuccess: async () => {
      setAsking(false);
      if (isMe) {
        navigate('/organizations');
        await client.invalidateQueries({ queryKey: ['organizations'] });
        return;
      }
      sayDone(`${member.name} is no longer a member.`);
      await client.invalidateQueries({ queryKey: ['organization', organization.id] });
    },
  });
  return (
    <>
      <button type="button" className="quiet-button" onClick={() => setAsking(true)}>
        {isMe ? 'Leave' : 'Remove'}
        {!isMe && <span className="visually-hidden">{member.name}</span>}
      </button>
      {isAsking && (
        <Dialog
          title={isMe ? `Leave ${organization.name}?` : `Remove ${member.name}?`}
          onClose={() => setAsking(false)}
        >
          <div className="form">
            <p>
              {isMe ? 'You' : 'They'} will see nothing of it any more. What was assigned to {isMe ? 'you' : 'them'}{' '}
              becomes nobody’s; comments stay.
            </p>
            {remove.isError && <Failure error={remove.error} />}
            <div className="form-actions">
              <Button variant="default" onClick={() => setAsking(false)}>
                Cancel
              </Button>
              <Button loading={remove.isPending} onClick={() => remove.mutate()}>
                {isMe ? 'Leave' : 'Remove'}
              </Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
