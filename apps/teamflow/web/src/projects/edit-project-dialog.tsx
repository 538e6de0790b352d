import { Button, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type SubmitEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { organizationPath } from '../api/queries.ts';
import { request } from '../api/request.ts';
import type { Project } from '../api/wire.ts';
import { organizationAddress, useOrganization } from '../organizations/organization.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { formText } from '../ui/form-text.ts';
import { Failure } from '../ui/states.tsx';
import { sayDone } from '../ui/toasts.tsx';

interface EditProjectDialogProps {
  readonly project: Project;
  readonly onClose: () => void;
}

/** Changes what a project is called and about; those who may, delete it. */
export function EditProjectDialog({ project, onClose }: EditProjectDialogProps): ReactElement {
  const organization = useOrganization();
  const client = useQueryClient();
  const path = `${organizationPath(organization.id)}/projects/${project.id}`;
  const save = useMutation({
    mutationFn: (body: { readonly name: string; readonly description: string }) =>
      request<Project>('PATCH', path, { body }),
    onSuccess: async (changed) => {
      client.setQueryData(['organization', organization.id, 'project', project.id], changed);
      onClose();
      await client.invalidateQueries({ queryKey: ['organization', organization.id, 'projects'] });
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    save.mutate({ name: formText(form, 'name').trim(), description: formText(form, 'description').trim() });
  };
  return (
    <Dialog title="Edit the project" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        {save.isError && <Failure error={save.error} />}
        <TextInput name="name" label="Name" defaultValue={project.name} maxLength={200} required />
        <Textarea
          name="description"
          label="What it is about"
          defaultValue={project.description}
          rows={4}
          maxLength={10_000}
        />
        <div className="form-actions">
          {organization.role !== 'member' && <DeleteProject project={project} path={path} />}
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteProject({ project, path }: { readonly project: Project; readonly path: string }): ReactElement {
  const { id, slug } = useOrganization();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [isSure, setSure] = useState(false);
  const remove = useMutation({
    mutationFn: () => request<void>('DELETE', path),
    onSuccess: async () => {
      navigate(organizationAddress(slug));
      sayDone(`${project.name} is deleted.`);
      await client.invalidateQueries({ queryKey: ['organization', id] });
    },
  });
  return (
    <>
      {remove.isError && <Failure error={remove.error} />}
      <Button
        variant="default"
        className="danger"
        loading={remove.isPending}
        onClick={() => (isSure ? remove.mutate() : setSure(true))}
      >
        {isSure ? 'Delete it with all of its tasks' : 'Delete'}
      </Button>
    </>
  );
}
