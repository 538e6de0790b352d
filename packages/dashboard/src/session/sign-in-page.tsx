import { Button, PasswordInput } from '@mantine/core';
import { createClient } from '@teamflow/autopilot/client';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { failureOf, type StreamFailure } from '../live/shared-stream.ts';
import { keepToken } from './token.ts';
import '../shell/message-panel.css';

/** Asks for a token, or leads to the application's own sign-in. The token is tried before it is kept. */
export function SignInPage({ onSignedIn }: { readonly onSignedIn: () => void }): ReactElement {
  const [token, setToken] = useState('');
  const [isTrying, setTrying] = useState(false);
  const [failure, setFailure] = useState<StreamFailure | null>(null);

  const tryToken = async (): Promise<void> => {
    const candidate = token.trim();
    if (candidate === '') {
      setFailure({ problem: null, detail: 'Paste the token first.' });
      return;
    }
    setTrying(true);
    try {
      await createClient({ baseUrl: '', token: () => candidate }).listInstances();
    } catch (error) {
      const failed = failureOf(error);
      // A service that is not known yet is no fault of the token's: it was let in.
      const status = failed.problem?.status;
      if (status !== 404) {
        setFailure(status === 401 ? { problem: null, detail: 'This token is not known here.' } : failed);
        return;
      }
    } finally {
      setTrying(false);
    }
    keepToken(candidate);
    onSignedIn();
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void tryToken();
  };

  return (
    <section className="sign-in card" aria-labelledby="sign-in-title">
      <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width="40" height="40" />
      <h1 id="sign-in-title" tabIndex={-1}>
        Sign in to Autopilot
      </h1>
      <form onSubmit={submit} noValidate>
        <PasswordInput
          label="Token"
          description="An API token with the scope read. The control plane printed one when it started, unless AUTOPILOT_TOKEN was given."
          name="token"
          autoComplete="off"
          spellCheck={false}
          value={token}
          onChange={(event) => {
            setToken(event.currentTarget.value);
            setFailure(null);
          }}
          error={failure === null ? null : `${failure.detail} ${failure.problem?.remedy ?? ''}`.trim()}
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the token' }}
        />
        <Button type="submit" fullWidth loading={isTrying}>
          Sign in
        </Button>
      </form>
      <p className="sign-in-note">It is kept in this tab alone, and forgotten when the tab is closed.</p>
      <p className="sign-in-other">
        Opened through the application? <a href="/">Sign in there</a> as a user who may see this, then come back.
      </p>
    </section>
  );
}
