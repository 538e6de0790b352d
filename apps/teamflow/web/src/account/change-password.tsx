import { Button, PasswordInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactElement, type SubmitEvent, useRef } from 'react';
import { request } from '../api/request.ts';
import { formText } from '../ui/form-text.ts';
import { Failure } from '../ui/states.tsx';
import { sayDone } from '../ui/toasts.tsx';

/** Changes the reader's password and ends all other sessions. */
export function ChangePassword(): ReactElement {
  const form = useRef<HTMLFormElement>(null);
  const change = useMutation({
    mutationFn: (body: { readonly currentPassword: string; readonly newPassword: string }) =>
      request('POST', '/api/auth/change-password', { body: { ...body, revokeOtherSessions: true } }),
    onSuccess: () => {
      form.current?.reset();
      sayDone('The password is changed; you are signed out everywhere else.');
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    change.mutate({ currentPassword: formText(given, 'current'), newPassword: formText(given, 'new') });
  };
  return (
    <section className="card account-part" aria-labelledby="password-title">
      <h2 id="password-title">Password</h2>
      <form ref={form} onSubmit={submit}>
        <PasswordInput
          name="current"
          label="Password now"
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password of now' }}
          required
        />
        <PasswordInput
          name="new"
          label="New password"
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the new password' }}
          minLength={8}
          required
        />
        <Button type="submit" variant="default" loading={change.isPending}>
          Change it
        </Button>
      </form>
      {change.isError && <Failure error={change.error} />}
    </section>
  );
}
