import { Button, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { Link } from 'wouter';
import { isMissing, request, searchOf } from '../api/request.ts';
import type { Me } from '../api/wire.ts';
import { momentText } from '../format/time.ts';
import { countText } from '../format/words.ts';
import { usePageTitle } from '../shell/page-title.ts';
import { Dialog } from '../ui/dialog.tsx';
import { formText } from '../ui/form-text.ts';
import { BackIcon } from '../ui/icons.tsx';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { sayDone, sayFailed } from '../ui/toasts.tsx';
import { type AdministeredUser, administration } from './admin-wire.ts';
import { UserSessions } from './user-sessions.tsx';
import { UserState } from './users-page.tsx';
import './admin.css';

interface UserPageProps {
  readonly me: Me;
  readonly userId: string;
}

/** One account: role, suspension, sessions. */
export function UserPage({ me, userId }: UserPageProps): ReactElement {
  const user = useQuery({
    queryKey: ['administration', 'users', userId],
    queryFn: ({ signal }) => request<AdministeredUser>('GET', `${administration}/users/${userId}`, { signal }),
  });
  usePageTitle(user.data?.name);
  return (
    <>
      <Link href="/admin/users" className="admin-back">
        <BackIcon />
        Users
      </Link>
      {user.data !== undefined ? (
        <Shown user={user.data} isMe={userId === me.id} />
      ) : !user.isError ? (
        <Loading />
      ) : isMissing(user.error) ? (
        <Empty title="There is no such account" isPage>
          It may have been removed.
        </Empty>
      ) : (
        <Failure error={user.error} onRetry={() => void user.refetch()} />
      )}
    </>
  );
}

type Order = { readonly path: string; readonly body: Readonly<Record<string, unknown>>; readonly done: string };

function Shown({ user, isMe }: { readonly user: AdministeredUser; readonly isMe: boolean }): ReactElement {
  const client = useQueryClient();
  const [isSuspending, setSuspending] = useState(false);
  const order = useMutation({
    mutationFn: ({ path, body }: Order) => request('POST', `/api/auth/admin/${path}`, { body }),
    onSuccess: (_answer, { done }) => sayDone(done),
    onError: (error) => sayFailed('Nothing was changed.', error),
    onSettled: () => client.invalidateQueries({ queryKey: ['administration', 'users'] }),
  });
  const { id: userId, name, isAdministrator, isSuspended } = user;
  const setRole = (role: 'admin' | 'user'): void =>
    order.mutate({
      path: 'set-role',
      body: { userId, role },
      done: role === 'admin' ? `${name} now runs this installation too.` : `${name} is an ordinary user now.`,
    });
  return (
    <>
      <div className="page-head">
        <h1>{name}</h1>
        <UserState user={user} />
        <div className="page-tools">
          <Link href={`/admin/audit${searchOf({ q: user.email })}`} className="quiet-button framed">
            Audit log
          </Link>
        </div>
        <p className="page-note">
          {user.email}, since {momentText(user.createdAt)}, member of{' '}
          {user.organizations === 1 ? 'one organization' : `${countText(user.organizations)} organizations`}.
          {isSuspended && user.suspendedBecause !== null && ` Suspended because: ${user.suspendedBecause}`}
        </p>
      </div>
      <section className="card admin-part" aria-labelledby="may-title">
        <h2 id="may-title">What they may do</h2>
        <p>
          Administrators suspend users, see usage and open the autopilot; what is in an organization they see only as
          its members. {isMe && 'You can not change this about yourself.'}
        </p>
        <div className="admin-actions">
          <Button
            variant="default"
            disabled={isMe || order.isPending}
            onClick={() => setRole(isAdministrator ? 'user' : 'admin')}
          >
            {isAdministrator ? 'Take the administration away' : 'Make an administrator'}
          </Button>
          {isSuspended ? (
            <Button
              variant="default"
              disabled={order.isPending}
              onClick={() => order.mutate({ path: 'unban-user', body: { userId }, done: `${name} may sign in again.` })}
            >
              Let them in again
            </Button>
          ) : (
            <Button
              variant="default"
              className="danger"
              disabled={isMe || order.isPending}
              onClick={() => setSuspending(true)}
            >
              Suspend
            </Button>
          )}
        </div>
      </section>
      <UserSessions userId={userId} />
      {isSuspending && (
        <SuspendDialog
          name={name}
          onClose={() => setSuspending(false)}
          onSuspend={(banReason) => {
            setSuspending(false);
            order.mutate({
              path: 'ban-user',
              body: { userId, ...(banReason === '' ? {} : { banReason }) },
              done: `${name} is suspended and signed out; API keys no longer open anything.`,
            });
          }}
        />
      )}
    </>
  );
}

interface SuspendDialogProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly onSuspend: (reason: string) => void;
}

function SuspendDialog({ name, onClose, onSuspend }: SuspendDialogProps): ReactElement {
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    onSuspend(formText(new FormData(event.currentTarget), 'reason').trim());
  };
  return (
    <Dialog title={`Suspend ${name}?`} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <p>All sessions end within a minute, and API keys stop working. Nothing is deleted; it can be taken back.</p>
        <TextInput name="reason" label="Why" description="Shown to administrators" maxLength={200} />
        <div className="form-actions">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit">Suspend</Button>
        </div>
      </form>
    </Dialog>
  );
}
