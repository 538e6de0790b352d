import { Button, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement, SubmitEvent } from 'react';
import { useLocation } from 'wouter';
import { organizationPath } from '../api/queries.ts';
import { request } from '../api/request.ts';
import type { Organization, Project } from '../api/wire.ts';
import { organizationAddress } from '../organizations/organization.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { formText } from '../ui/form-text.ts';
import { Failure } from '../ui/states.tsx';

interface NewProjectDialogProps {
  readonly organization: Organization;
  readonly onClose: () => void;
}

/** Starts a project and opens its board. */
export function NewProjectDialog({ organization, onClose }: NewProjectDialogProps): ReactElement {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const make = useMutation({
    mutationFn: (body: { readonly name: string; readonly description: string }) =>
      request<Project>('POST', `${organizationPath(organization.id)}/projects`, { body }),
    onSuccess: async ({ id }) => {
      onClose();
      navigate(organizationAddress(organization.slug, `/projects/${id}/board`));
      await client.invalidateQueries({ queryKey: ['organization', organization.id, 'projects'] });
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    make.mutate({ name: formText(form, 'name').trim(), description: formText(form, 'description').trim() });
  };
  return (
    <Dialog title="New project" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        {make.isError && <Failure error={make.error} />}
        <TextInput name="name" label="Name" maxLength={200} required />
        <Textarea name="description" label="What it is about" rows={3} maxLength={10_000} />
        <div className="form-actions">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={make.isPending}>
            Start the project
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
