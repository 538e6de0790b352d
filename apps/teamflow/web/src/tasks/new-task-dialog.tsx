import { Button, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement, SubmitEvent } from 'react';
import { useLocation, useRoute } from 'wouter';
import { organizationPath, useMembers, useProjects } from '../api/queries.ts';
import { request } from '../api/request.ts';
import { type Organization, type Task, type TaskStatus, taskPriorities, taskStatuses } from '../api/wire.ts';
import { priorityNames, statusNames } from '../format/words.ts';
import { organizationAddress } from '../organizations/organization.tsx';
import { showOverlay } from '../shell/overlay.ts';
import { Dialog } from '../ui/dialog.tsx';
import { formText } from '../ui/form-text.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { sayDone } from '../ui/toasts.tsx';

interface NewTaskDialogProps {
  readonly organization: Organization;
  /** Undefined: the project of the page it was opened on, else the reader chooses. */
  readonly projectId: number | undefined;
  readonly status: TaskStatus | undefined;
  readonly onClose: () => void;
}

/** Makes a task. */
export function NewTaskDialog(props: NewTaskDialogProps): ReactElement {
  const { organization, onClose } = props;
  const projects = useProjects(organization.id, { limit: 200 });
  return (
    <Dialog title="New task" onClose={onClose}>
      {projects.isError ? (
        <Failure error={projects.error} onRetry={() => void projects.refetch()} />
      ) : projects.data === undefined ? (
        <Loading />
      ) : projects.data.items.length === 0 ? (
        <Empty
          title="There is no project yet"
          actions={<Button onClick={() => showOverlay({ kind: 'new-project' })}>Start a project</Button>}
        >
          A task belongs to a project, so one is needed first.
        </Empty>
      ) : (
        <NewTaskForm
          {...props}
          projects={projects.data.items.map(({ id, name }) => ({ value: String(id), label: name }))}
        />
      )}
    </Dialog>
  );
}

interface NewTaskFormProps extends NewTaskDialogProps {
  readonly projects: readonly { readonly value: string; readonly label: string }[];
}

/** Labels as they are typed, with commas between them. */
function labelsOf(text: string): readonly string[] {
  const labels = text.split(',').map((label) => label.trim());
  return [...new Set(labels)].filter((label) => label !== '');
}

function bodyOf(form: FormData): Readonly<Record<string, unknown>> {
  const orNull = (name: string): string | null => formText(form, name) || null;
  return {
    projectId: Number(formText(form, 'projectId')),
    title: formText(form, 'title').trim(),
    description: formText(form, 'description'),
    status: formText(form, 'status'),
    priority: formText(form, 'priority'),
    assigneeId: orNull('assigneeId'),
    dueOn: orNull('dueOn'),
    labels: labelsOf(formText(form, 'labels')),
  };
}

function NewTaskForm({ organization, projectId, status, projects, onClose }: NewTaskFormProps): ReactElement {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [, here] = useRoute<{ projectId: string }>('/o/:slug/projects/:projectId/*?');
  const members = useMembers(organization.id);
  const make = useMutation({
    mutationFn: (body: Readonly<Record<string, unknown>>) =>
      request<Task>('POST', `${organizationPath(organization.id)}/tasks`, { body }),
    onSuccess: async (task) => {
      onClose();
      sayDone(`“${task.title}” is made.`);
      if (here?.projectId !== String(task.projectId))
        navigate(organizationAddress(organization.slug, `/tasks/${task.id}`));
      await client.invalidateQueries({ queryKey: ['organization', organization.id] });
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    make.mutate(bodyOf(new FormData(event.currentTarget)));
  };
  return (
    <form className="form" onSubmit={submit}>
      {make.isError && <Failure error={make.error} />}
      <TextInput name="title" label="Title" maxLength={500} required autoComplete="off" />
      <Textarea name="description" label="Description" rows={4} maxLength={50_000} />
      <div className="form-row">
        <NativeSelect
          name="projectId"
          label="Project"
          data={[...projects]}
          defaultValue={String(projectId ?? here?.projectId ?? projects[0]?.value)}
        />
        <NativeSelect name="assigneeId" label="Assignee">
          <option value="">Nobody</option>
          {members.data?.items.map(({ userId, name }) => (
            <option key={userId} value={userId}>
              {name}
            </option>
          ))}
        </NativeSelect>
        <NativeSelect
          name="status"
          label="Status"
          defaultValue={status ?? 'todo'}
          data={taskStatuses.map((value) => ({ value, label: statusNames[value] }))}
        />
        <NativeSelect
          name="priority"
          label="Priority"
          defaultValue="none"
          data={taskPriorities.map((value) => ({ value, label: priorityNames[value] }))}
        />
        <TextInput name="dueOn" type="date" label="Due on" />
        <TextInput name="labels" label="Labels" placeholder="design, urgent" autoComplete="off" />
      </div>
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={make.isPending}>
          Make the task
        </Button>
      </div>
    </form>
  );
}
