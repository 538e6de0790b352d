import { NativeSelect, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useMembers } from '../api/queries.ts';
import { type Me, type Task, taskPriorities, taskStatuses } from '../api/wire.ts';
import { priorityNames, statusNames } from '../format/words.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { CloseIcon } from '../ui/icons.tsx';
import { PriorityMark, StatusMark } from '../ui/task-marks.tsx';
import { useTaskChanges } from './use-task-changes.ts';

/** What a task is sorted and filtered by; each takes effect when it is changed. */
export function TaskProperties({ task, me }: { readonly task: Task; readonly me: Me }): ReactElement {
  const organization = useOrganization();
  const changes = useTaskChanges(organization.id, task.id);
  const members = useMembers(organization.id);
  const people = members.data?.items ?? [];
  // Somebody beyond the first 200 members is named by the task itself.
  const isListed = task.assigneeId === null || people.some(({ userId }) => userId === task.assigneeId);
  return (
    <div className="form">
      <NativeSelect
        label="Status"
        leftSection={<StatusMark status={task.status} isNamed={false} />}
        value={task.status}
        data={taskStatuses.map((value) => ({ value, label: statusNames[value] }))}
        onChange={(event) => {
          const status = taskStatuses.find((one) => one === event.currentTarget.value);
          if (status !== undefined) changes.mutate({ status });
        }}
      />
      <NativeSelect
        label="Priority"
        leftSection={<PriorityMark priority={task.priority} isNamed={false} />}
        value={task.priority}
        data={taskPriorities.map((value) => ({ value, label: priorityNames[value] }))}
        onChange={(event) => {
          const priority = taskPriorities.find((one) => one === event.currentTarget.value);
          if (priority !== undefined) changes.mutate({ priority });
        }}
      />
      <NativeSelect
        label="Assignee"
        value={task.assigneeId ?? ''}
        onChange={(event) => changes.mutate({ assigneeId: event.currentTarget.value || null })}
      >
        <option value="">Nobody</option>
        {!isListed && <option value={task.assigneeId ?? ''}>{task.assigneeName ?? 'Somebody'}</option>}
        {people.map(({ userId, name }) => (
          <option key={userId} value={userId}>
            {userId === me.id ? `${name} (me)` : name}
          </option>
        ))}
      </NativeSelect>
      <TextInput
        type="date"
        label="Due on"
        value={task.dueOn ?? ''}
        onChange={(event) => changes.mutate({ dueOn: event.currentTarget.value || null })}
      />
      <Labels labels={task.labels} onChange={(labels) => changes.mutate({ labels })} />
    </div>
  );
}

interface LabelsProps {
  readonly labels: readonly string[];
  readonly onChange: (labels: readonly string[]) => void;
}

function Labels({ labels, onChange }: LabelsProps): ReactElement {
  const [text, setText] = useState('');
  const add = (): void => {
    const label = text.trim();
    setText('');
    if (label !== '' && !labels.includes(label)) onChange([...labels, label]);
  };
  return (
    <div className="task-labels">
      <TextInput
        label="Labels"
        placeholder="Add one, press Enter"
        maxLength={50}
        value={text}
        disabled={labels.length >= 20}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={add}
        onKeyDown={(event) => {
          if (event.key === 'Enter') add();
        }}
      />
      {labels.length > 0 && (
        <ul>
          {labels.map((label) => (
            <li key={label} className="chip">
              {label}
              <button
                type="button"
                aria-label={`Take the label ${label} away`}
                onClick={() => onChange(labels.filter((one) => one !== label))}
              >
                <CloseIcon />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
