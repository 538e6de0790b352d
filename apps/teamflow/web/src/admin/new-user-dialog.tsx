import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement, SubmitEvent } from 'react';
import { useLocation } from 'wouter';
import { request } from '../api/request.ts';
import { Dialog } from '../ui/dialog.tsx';
import { formText } from '../ui/form-text.ts';
import { Failure } from '../ui/states.tsx';

/** Makes an account for somebody. */
export function NewUserDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const make = useMutation({
    mutationFn: (body: Readonly<Record<string, string>>) =>
      request<{ readonly user: { readonly id: string } }>('POST', '/api/auth/admin/create-user', { body }),
    onSuccess: async ({ user }) => {
      onClose();
      navigate(`/admin/users/${user.id}`);
      await client.invalidateQueries({ queryKey: ['administration', 'users'] });
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    make.mutate({
      name: formText(form, 'name').trim(),
      email: formText(form, 'email').trim(),
      password: formText(form, 'password'),
      role: 'user',
    });
  };
  return (
    <Dialog title="New account" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        {make.isError && <Failure error={make.error} />}
        <TextInput name="name" label="Name" maxLength={100} autoComplete="off" required />
        <TextInput name="email" type="email" label="E-mail address" autoComplete="off" required />
        <PasswordInput
          name="password"
          label="First password"
          description="At least 8 characters; to be changed by its owner after signing in."
          autoComplete="new-password"
          minLength={8}
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password' }}
          required
        />
        <div className="form-actions">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={make.isPending}>
            Make the account
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
