import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type SubmitEvent, useRef } from 'react';
import { request } from '../api/request.ts';
import { agoText, momentText } from '../format/time.ts';
import { CopyField } from '../ui/copy-field.tsx';
import { formText } from '../ui/form-text.ts';
import { Failure, Loading } from '../ui/states.tsx';
import { sayFailed } from '../ui/toasts.tsx';

/** As the accounts' own part of the API has it. */
interface ApiKey {
  readonly id: string;
  readonly name: string | null;
  /** Its first characters, to know it by. */
  readonly start: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastRequest: string | null;
}

const keysKey = ['api-keys'] as const;
const daySeconds = 86_400;
const lives = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
  { value: '', label: 'Until it is revoked' },
];

/** The keys by which programs act for the reader: made, shown once, revoked. */
export function ApiKeys(): ReactElement {
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const make = useMutation({
    mutationFn: (body: { readonly name: string; readonly expiresIn: number | null }) =>
      request<ApiKey & { readonly key: string }>('POST', '/api/auth/api-key/create', { body }),
    onSuccess: async () => {
      form.current?.reset();
      await client.invalidateQueries({ queryKey: keysKey });
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const days = Number(formText(given, 'life'));
    make.mutate({ name: formText(given, 'name').trim(), expiresIn: days === 0 ? null : days * daySeconds });
  };
  return (
    <section className="card account-part" aria-labelledby="keys-title">
      <h2 id="keys-title">API keys</h2>
      <p>
        Programs send a key as <code>x-api-key</code> and may then do what you may. It opens{' '}
        <a href="/api/v1/docs">TeamFlow’s API</a> and nothing of the autopilot’s.
      </p>
      <form ref={form} onSubmit={submit}>
        <TextInput name="name" label="Name" placeholder="What it is for" maxLength={32} autoComplete="off" required />
        <NativeSelect name="life" label="Holds for" data={lives} defaultValue="90" />
        <Button type="submit" variant="default" loading={make.isPending}>
          Make a key
        </Button>
      </form>
      {make.isError && <Failure error={make.error} />}
      {make.data !== undefined && (
        <CopyField
          label={`The key “${make.data.name ?? ''}”`}
          value={make.data.key}
          description="Copy it now: it is kept as a hash alone and never shown again."
        />
      )}
      <KeyTable />
    </section>
  );
}

function KeyTable(): ReactElement | null {
  const client = useQueryClient();
  const keys = useQuery({
    queryKey: keysKey,
    queryFn: async ({ signal }) => {
      const { apiKeys } = await request<{ readonly apiKeys: readonly ApiKey[] }>(
        'GET',
        '/api/auth/api-key/list?limit=100&sortBy=createdAt&sortDirection=desc',
        { signal },
      );
      return apiKeys;
    },
  });
  const revoke = useMutation({
    mutationFn: (keyId: string) => request('POST', '/api/auth/api-key/delete', { body: { keyId } }),
    onError: (error) => sayFailed('The key still holds.', error),
    onSettled: () => client.invalidateQueries({ queryKey: keysKey }),
  });
  if (keys.isError) return <Failure error={keys.error} onRetry={() => void keys.refetch()} />;
  if (keys.data === undefined) return <Loading />;
  if (keys.data.length === 0) return <p className="account-none">You have no keys.</p>;
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="wide-only">
              Starts with
            </th>
            <th scope="col">Last used</th>
            <th scope="col">Expires</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.data.map(({ id, name, start, lastRequest, expiresAt }) => (
            <tr key={id}>
              <td>{name}</td>
              <td className="wide-only code">{start}…</td>
              <td>{lastRequest === null ? 'Never' : agoText(lastRequest)}</td>
              <td>{expiresAt === null ? 'Never' : momentText(expiresAt)}</td>
              <td className="right">
                <button type="button" className="quiet-button" onClick={() => revoke.mutate(id)}>
                  Revoke<span className="visually-hidden"> {name}</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
