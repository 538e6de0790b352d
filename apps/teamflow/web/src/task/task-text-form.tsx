import { Button, Textarea, TextInput } from '@mantine/core';
import { type ReactElement, type SubmitEvent, useEffect, useRef } from 'react';
import type { Task } from '../api/wire.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { formText } from '../ui/form-text.ts';
import { useTaskChanges } from './use-task-changes.ts';

interface TaskTextFormProps {
  readonly task: Task;
  readonly onClose: () => void;
}

/** Changes a task's title and description. */
export function TaskTextForm({ task, onClose }: TaskTextFormProps): ReactElement {
  const changes = useTaskChanges(useOrganization().id, task.id);
  const title = useRef<HTMLInputElement>(null);
  useEffect(() => title.current?.focus(), []);
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    changes.mutate({ title: formText(form, 'title').trim(), description: formText(form, 'description') });
    onClose();
  };
  return (
    // Escape leaves a form from wherever in it one is.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form
      className="form"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <h1 className="visually-hidden">Edit {task.title}</h1>
      <TextInput ref={title} name="title" label="Title" defaultValue={task.title} maxLength={500} required />
      <Textarea name="description" label="Description" defaultValue={task.description} rows={10} maxLength={50_000} />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit">Save</Button>
      </div>
    </form>
  );
}
