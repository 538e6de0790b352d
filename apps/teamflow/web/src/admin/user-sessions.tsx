import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { request } from '../api/request.ts';
import type { Listed } from '../api/wire.ts';
import { agoText, momentText } from '../format/time.ts';
import { Failure, Loading } from '../ui/states.tsx';
import { sayDone, sayFailed } from '../ui/toasts.tsx';
import { administration, type UserSession } from './admin-wire.ts';
import { browserOf } from './browser-name.ts';

/** Where somebody is signed in, and ways to end that. */
export function UserSessions({ userId }: { readonly userId: string }): ReactElement {
  const client = useQueryClient();
  const path = `${administration}/users/${userId}/sessions`;
  const sessions = useQuery({
    queryKey: ['administration', 'users', userId, 'sessions'],
    queryFn: ({ signal }) => request<Listed<UserSession>>('GET', `${path}?limit=200`, { signal }),
  });
  const end = useMutation({
    /** One session; undefined: all. */
    mutationFn: (id: string | undefined) => request<void>('DELETE', id === undefined ? path : `${path}/${id}`),
    onSuccess: () => sayDone('Ended; it is felt within a minute.'),
    onError: (error) => sayFailed('Nothing was ended.', error),
    onSettled: () => client.invalidateQueries({ queryKey: ['administration', 'users'] }),
  });
  const shown = sessions.data?.items ?? [];
  return (
    <section className="card admin-part" aria-labelledby="sessions-title">
      <div className="section-head">
        <h2 id="sessions-title">Sessions</h2>
        {shown.length > 1 && (
          <button type="button" className="quiet-button framed" onClick={() => end.mutate(undefined)}>
            End all
          </button>
        )}
      </div>
      {sessions.isError ? (
        <Failure error={sessions.error} onRetry={() => void sessions.refetch()} />
      ) : sessions.data === undefined ? (
        <Loading />
      ) : shown.length === 0 ? (
        <p>Signed in nowhere.</p>
      ) : (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Browser</th>
                <th scope="col">Address</th>
                <th scope="col">Signed in</th>
                <th scope="col" className="wide-only">
                  Ends
                </th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ id, ipAddress, userAgent, createdAt, expiresAt }) => (
                <tr key={id}>
                  <td title={userAgent ?? undefined}>{browserOf(userAgent)}</td>
                  <td className="code">{ipAddress || 'not known'}</td>
                  <td>{agoText(createdAt)}</td>
                  <td className="wide-only">{momentText(expiresAt)}</td>
                  <td className="right">
                    <button type="button" className="quiet-button" onClick={() => end.mutate(id)}>
                      End<span className="visually-hidden"> the session of {momentText(createdAt)}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
