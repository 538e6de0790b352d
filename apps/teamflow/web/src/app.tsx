import {
  Alert,
  Anchor,
  Button,
  Center,
  Container,
  Group,
  Loader,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { type ReactElement, type SubmitEvent, useCallback, useEffect, useState } from 'react';
import { type Me, signIn, signOut, whoAmI } from './session.ts';

type State =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'signed-in'; readonly me: Me };

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

function SignIn({ onSignedIn }: { readonly onSignedIn: () => void }): ReactElement {
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setFailure(null);
    try {
      await signIn(textOf(form, 'email'), textOf(form, 'password'));
      onSignedIn();
    } catch (error) {
      setFailure(reasonOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} aria-labelledby="sign-in">
      <Stack>
        <Title order={1} size="h3" id="sign-in">
          Sign in to TeamFlow
        </Title>
        {failure !== null && (
          <Alert color="red.9" variant="filled" role="alert" title="That did not work">
            {failure}
          </Alert>
        )}
        <TextInput name="email" type="email" label="E-mail address" autoComplete="username" required />
        <PasswordInput name="password" label="Password" autoComplete="current-password" required />
        <Button type="submit" loading={busy}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

function SignedIn({ me, onSignedOut }: { readonly me: Me; readonly onSignedOut: () => void }): ReactElement {
  const [failure, setFailure] = useState<string | null>(null);

  async function leave(): Promise<void> {
    try {
      await signOut();
      onSignedOut();
    } catch (error) {
      setFailure(reasonOf(error));
    }
  }

  return (
    <Stack>
      <Title order={1} size="h3">
        {me.name}
      </Title>
      <Text>
        Signed in as {me.email}
        {me.role === 'admin' ? ', who runs this installation' : ''}.
      </Text>
      {failure !== null && (
        <Alert color="red.9" variant="filled" role="alert" title="That did not work">
          {failure}
        </Alert>
      )}
      {me.role === 'admin' && (
        <Button component="a" href="/autopilot/">
          Open the autopilot’s dashboard
        </Button>
      )}
      <Group justify="space-between">
        <Anchor href="/api/v1/docs">The API</Anchor>
        <Button variant="default" onClick={() => void leave()}>
          Sign out
        </Button>
      </Group>
    </Stack>
  );
}

/** The page that leads in: sign in, see who one is, go on to the dashboard, sign out. */
export function App(): ReactElement {
  const [state, setState] = useState<State>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const reload = useCallback(() => setAttempt((n) => n + 1), []);

  // `attempt` is not read: a new one asks again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    const abort = new AbortController();
    whoAmI(abort.signal).then(
      (me) => setState(me === null ? { kind: 'signed-out' } : { kind: 'signed-in', me }),
      (error: unknown) => {
        if (!abort.signal.aborted) setState({ kind: 'failed', reason: reasonOf(error) });
      },
    );
    return () => abort.abort();
  }, [attempt]);

  return (
    <Container component="main" size={440} py="xl">
      <Paper withBorder p="xl" radius="md">
        {state.kind === 'loading' && (
          <Center>
            <Loader aria-label="Loading" />
          </Center>
        )}
        {state.kind === 'failed' && (
          <Alert color="red.9" variant="filled" role="alert" title="TeamFlow does not answer">
            <Stack>
              {state.reason}
              <Button variant="default" onClick={reload}>
                Try again
              </Button>
            </Stack>
          </Alert>
        )}
        {state.kind === 'signed-out' && <SignIn onSignedIn={reload} />}
        {state.kind === 'signed-in' && <SignedIn me={state.me} onSignedOut={() => setState({ kind: 'signed-out' })} />}
      </Paper>
    </Container>
  );
}
