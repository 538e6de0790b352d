import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { AccessToken } from '@teamflow/autopilot/contract';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { formatSpan, momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { PageSteps } from '../shell/page-steps.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { NewToken } from './new-token.tsx';

const ASK_EVERY_MS = 10_000;
const ROWS = 20;
const YEAR_MS = 365 * 86_400_000;

/** The tokens: made, listed with their last use, and revoked. */
export function TokensCard(): ReactElement {
  const [cursor, setCursor] = useState<string | null>(null);
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ['access-tokens', cursor],
    queryFn: ({ signal }) => api.listAccessTokens({ limit: ROWS, ...(cursor === null ? {} : { cursor }) }, { signal }),
    refetchInterval: ASK_EVERY_MS,
    placeholderData: (before) => before,
  });
  const renew = (): void => {
    for (const queryKey of [['access-tokens'], ['audit']]) void queries.invalidateQueries({ queryKey });
  };
  if (error !== null && data === undefined) {
    return (
      <ProblemPanel title="The tokens can not be shown" failure={failureOf(error)} onRetry={() => void refetch()} />
    );
  }
  return (
    <section className="card table-card" aria-labelledby="tokens-title" aria-busy={data === undefined}>
      <header className="card-head">
        <h1 className="card-title" id="tokens-title" tabIndex={-1}>
          Tokens
        </h1>
        <span className="card-note">open this dashboard and the API, on every control plane of the fleet</span>
      </header>
      <NewToken
        onMade={() => {
          setCursor(null);
          renew();
        }}
      />
      {data?.notes.map((note) => (
        <p className="usage-note" key={note}>
          {note}
        </p>
      ))}
      <div className="table-scroll">
        <table className="numbers access-table">
          <thead>
            <tr>
              <th scope="col">Token</th>
              <th scope="col">May</th>
              <th scope="col">Last used</th>
              <th scope="col" className="room-tablet">
                Ends
              </th>
              <th scope="col" className="room-tablet">
                Made
              </th>
              <th scope="col">
                <span className="visually-hidden">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data?.tokens.map((token) => (
              <TokenRow key={token.id} token={token} onChanged={renew} />
            ))}
          </tbody>
        </table>
      </div>
      {data !== undefined && data.tokens.length === 0 && (
        <p className="card-empty">No token was made yet. The one in AUTOPILOT_TOKEN is not listed.</p>
      )}
      <PageSteps label="Pages of the tokens" page={data?.page} onStep={setCursor} />
    </section>
  );
}

function TokenRow({ token, onChanged }: { readonly token: AccessToken; readonly onChanged: () => void }): ReactElement {
  const [isSure, setSure] = useState(false);
  const sure = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone: the focus goes to the one in its place.
  useEffect(() => {
    if (isSure) sure.current?.focus();
  }, [isSure]);
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => api.revokeAccessToken(token.id),
    onSettled: () => {
      setSure(false);
      onChanged();
    },
  });
  const { name, id, scope, state, createdBy, createdAt, lastUsedAt } = token;
  return (
    <tr data-state={state}>
      <th scope="row">
        {name}
        <div className="card-note">{state === 'active' ? id : `${state}, ${id}`}</div>
      </th>
      <td>{scope}</td>
      <td>{lastUseOf(lastUsedAt)}</td>
      <td className="room-tablet">{endOf(token)}</td>
      <td className="room-tablet">
        {momentText(Date.parse(createdAt), YEAR_MS)}
        <div className="card-note">by {createdBy}</div>
      </td>
      <td>
        {state === 'active' && !isSure && (
          <Button size="xs" variant="default" aria-label={`Revoke ${name}`} onClick={() => setSure(true)}>
            Revoke
          </Button>
        )}
        {state === 'active' && isSure && (
          <span className="token-sure">
            <Button
              size="xs"
              color="red"
              ref={sure}
              loading={isPending}
              aria-label={`Revoke ${name} for good`}
              onClick={() => mutate()}
            >
              For good
            </Button>
            <Button size="xs" variant="default" onClick={() => setSure(false)}>
              Keep
            </Button>
          </span>
        )}
        {error !== null && (
          <p className="access-trouble" role="alert">
            {failureOf(error).detail}
          </p>
        )}
      </td>
    </tr>
  );
}

function lastUseOf(lastUsedAt: string | null): string {
  return lastUsedAt === null ? 'never' : `${formatSpan(Date.now() - Date.parse(lastUsedAt))} ago`;
}

function endOf({ state, expiresAt, revokedAt, revokedBy }: AccessToken): ReactElement {
  if (state === 'revoked') {
    return (
      <>
        revoked {momentText(Date.parse(revokedAt ?? ''), YEAR_MS)}
        <div className="card-note">by {revokedBy}</div>
      </>
    );
  }
  if (expiresAt === null) return <>never</>;
  const at = Date.parse(expiresAt);
  return <>{state === 'expired' ? `ended ${momentText(at, YEAR_MS)}` : `in ${formatSpan(at - Date.now())}`}</>;
}
