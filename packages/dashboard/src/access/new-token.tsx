import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type CreatedAccessToken, type Scope, scopes } from '@teamflow/autopilot/contract';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { expiries, expiryAfter } from './expiries.ts';

const may: Readonly<Record<Scope, string>> = {
  read: 'read: sees everything',
  operate: 'operate: also starts work',
  admin: 'admin: also changes settings and tokens',
};
const DEFAULT_EXPIRY = 2;

/** Makes a token, and shows it this once. */
export function NewToken({ onMade }: { readonly onMade: () => void }): ReactElement {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('read');
  const [expiry, setExpiry] = useState(DEFAULT_EXPIRY);
  const [isEmpty, setEmpty] = useState(false);
  const { mutate, data, error, isPending, reset } = useMutation({
    mutationFn: () =>
      api.createAccessToken({ name, scope, expiresAt: expiryAfter(expiries[expiry]?.days ?? null, Date.now()) }),
    onSuccess: () => {
      setName('');
      onMade();
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setEmpty(name.trim() === '');
    if (name.trim() !== '') mutate();
  };
  const failure = error === null ? null : failureOf(error);
  return (
    <>
      <form className="new-token" onSubmit={submit} noValidate>
        <TextInput
          label="New token for"
          placeholder="ci deploys"
          maxLength={100}
          value={name}
          onChange={(event) => {
            setName(event.currentTarget.value);
            setEmpty(false);
          }}
          error={isEmpty ? 'Say what it is for.' : null}
        />
        <NativeSelect
          label="May"
          value={scope}
          onChange={(event) => setScope(scopes.find((known) => known === event.currentTarget.value) ?? 'read')}
          data={scopes.map((value) => ({ value, label: may[value] }))}
        />
        <NativeSelect
          label="Lives for"
          value={String(expiry)}
          onChange={(event) => setExpiry(Number(event.currentTarget.value))}
          data={expiries.map(({ label }, index) => ({ value: String(index), label }))}
        />
        <Button type="submit" loading={isPending}>
          Make it
        </Button>
      </form>
      {failure !== null && (
        <p className="access-trouble" role="alert">
          {failure.detail} {failure.problem?.remedy}
        </p>
      )}
      {data !== undefined && <MadeToken made={data} onDone={reset} />}
    </>
  );
}

function MadeToken({
  made: { token, secret },
  onDone,
}: {
  readonly made: CreatedAccessToken;
  readonly onDone: () => void;
}): ReactElement {
  const [isCopied, setCopied] = useState(false);
  return (
    <section className="made-token" aria-label={`The token ${token.name}`}>
      <p role="status">
        <strong>{token.name}</strong> is made. This is the only time that it is shown: put it where it belongs now.
      </p>
      <code>{secret}</code>
      <div className="message-actions">
        <Button
          size="xs"
          onClick={() => {
            // Without the right to the clipboard it is marked and copied by hand.
            navigator.clipboard.writeText(secret).then(
              () => setCopied(true),
              () => setCopied(false),
            );
          }}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </Button>
        <Button size="xs" variant="default" onClick={onDone}>
          Done
        </Button>
      </div>
    </section>
  );
}
