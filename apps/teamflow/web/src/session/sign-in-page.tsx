import { Button, PasswordInput, TextInput } from '@mantine/core';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { usePageTitle } from '../shell/page-title.ts';
import { formText } from '../ui/form-text.ts';
import { Failure } from '../ui/states.tsx';
import { isSignUpOpen, useSessionCalls } from './session.ts';
import './sign-in.css';

/** Where a new account goes on: to the page that asked for one, as the link of an invitation does. */
function nextOf(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '';
  return /^\/(?!\/)/.test(next) ? next : '/';
}

/** The door: sign in, or make an account where that is open. */
export function SignInPage(): ReactElement {
  const [location] = useLocation();
  const search = useSearch();
  const isSignUp = location === '/sign-up' && isSignUpOpen();
  const signUpAddress = location === '/' ? '/sign-up' : `/sign-up?next=${encodeURIComponent(location)}`;
  const title = isSignUp ? 'Make an account' : 'Sign in to TeamFlow';
  usePageTitle(title);
  return (
    <main className="sign-in">
      <section className="card" aria-labelledby="sign-in-title" key={title}>
        <img src="/favicon.svg" alt="" width="40" height="40" />
        <h1 id="sign-in-title">{title}</h1>
        <SignInForm isSignUp={isSignUp} />
        {isSignUpOpen() && (
          <p className="sign-in-other">
            {isSignUp ? 'You have an account? ' : 'New here? '}
            <Link href={isSignUp ? nextOf(search) : signUpAddress}>{isSignUp ? 'Sign in' : 'Make an account'}</Link>
          </p>
        )}
      </section>
    </main>
  );
}

function SignInForm({ isSignUp }: { readonly isSignUp: boolean }): ReactElement {
  const { signIn, signUp } = useSessionCalls();
  const [location, navigate] = useLocation();
  const search = useSearch();
  const [failure, setFailure] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);

  const send = async (form: FormData): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const [email, password] = [formText(form, 'email'), formText(form, 'password')];
      if (isSignUp) await signUp(formText(form, 'name'), email, password);
      else await signIn(email, password);
      if (location === '/sign-up') navigate(nextOf(search), { replace: true });
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void send(new FormData(event.currentTarget));
  };

  return (
    <form className="form" onSubmit={submit}>
      {failure !== null && <Failure error={failure} />}
      {isSignUp && <TextInput name="name" label="Your name" autoComplete="name" maxLength={100} required />}
      <TextInput name="email" type="email" label="E-mail address" autoComplete="username" required />
      <PasswordInput
        name="password"
        label="Password"
        autoComplete={isSignUp ? 'new-password' : 'current-password'}
        visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password' }}
        required
        {...(isSignUp ? { minLength: 8, description: 'At least 8 characters.' } : {})}
      />
      <Button type="submit" fullWidth loading={isBusy}>
        {isSignUp ? 'Make the account' : 'Sign in'}
      </Button>
    </form>
  );
}
