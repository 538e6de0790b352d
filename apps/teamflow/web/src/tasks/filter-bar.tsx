import { NativeSelect, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { useMembers } from '../api/queries.ts';
import { type TaskPriority, type TaskStatus, taskPriorities, taskStatuses } from '../api/wire.ts';
import { addDays, dayText, today } from '../format/time.ts';
import { priorityNames, statusNames } from '../format/words.ts';
import { useOrganization } from '../organizations/organization.tsx';
import { CloseIcon } from '../ui/icons.tsx';
import { Choices, Popover } from '../ui/popover.tsx';
import { SearchField, usePausedText } from '../ui/search-field.tsx';
import { PriorityMark, StatusMark } from '../ui/task-marks.tsx';
import { filterCount, filterOf, type TaskFilter, type TaskSort, taskSorts } from './task-filter.ts';
import './filter-bar.css';

const sortNames: Readonly<Record<TaskSort, string>> = {
  '-createdAt': 'Newest first',
  createdAt: 'Oldest first',
  '-updatedAt': 'Changed last',
  updatedAt: 'Unchanged longest',
  dueOn: 'Due soonest',
  '-dueOn': 'Due latest',
  '-priority': 'Most urgent',
};

interface FilterBarProps {
  readonly filter: TaskFilter;
  readonly myId: string;
  readonly onChange: (changes: Partial<TaskFilter>) => void;
}

/** What a list of tasks shows, and in which order. */
export function FilterBar({ filter, myId, onChange }: FilterBarProps): ReactElement {
  const { status, priority, label } = filter;
  return (
    <div className="filter-bar" role="search" aria-label="Tasks">
      <SearchField
        label="Search in titles and descriptions"
        title='Words, "quoted phrases", or, -without'
        value={filter.q}
        onChange={(q) => onChange({ q })}
      />
      <Popover label="Status" value={chosenText(status.map((one) => statusNames[one]))}>
        <Choices
          legend="Status"
          values={taskStatuses}
          chosen={status}
          names={statusNames}
          mark={statusMark}
          onChange={(chosen) => onChange({ status: chosen })}
        />
      </Popover>
      <Popover label="Priority" value={chosenText(priority.map((one) => priorityNames[one]))}>
        <Choices
          legend="Priority"
          values={taskPriorities}
          chosen={priority}
          names={priorityNames}
          mark={priorityMark}
          onChange={(chosen) => onChange({ priority: chosen })}
        />
      </Popover>
      <AssigneeFilter filter={filter} myId={myId} onChange={onChange} />
      <DueFilter filter={filter} onChange={onChange} />
      <Popover label="Label" value={label === '' ? undefined : label}>
        <TextFilter label="Label" value={label} onChange={(to) => onChange({ label: to })} />
      </Popover>
      {filterCount(filter) > 0 && (
        <button type="button" className="quiet-button" onClick={() => onChange({ ...filterOf(''), sort: filter.sort })}>
          <CloseIcon />
          Clear
        </button>
      )}
      <NativeSelect
        aria-label="Order"
        className="sort-select"
        size="xs"
        disabled={filter.q !== ''}
        value={filter.q === '' ? filter.sort : 'rank'}
        data={
          filter.q === ''
            ? taskSorts.map((sort) => ({ value: sort, label: sortNames[sort] }))
            : [{ value: 'rank', label: 'Best match first' }]
        }
        onChange={(event) => {
          const sort = taskSorts.find((one) => one === event.currentTarget.value);
          if (sort !== undefined) onChange({ sort });
        }}
      />
    </div>
  );
}

const statusMark = (status: TaskStatus): ReactElement => <StatusMark status={status} isNamed={false} />;
const priorityMark = (priority: TaskPriority): ReactElement => <PriorityMark priority={priority} isNamed={false} />;

function chosenText(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.length === 1 ? names[0] : String(names.length);
}

interface TextFilterProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function TextFilter({ label, ...props }: TextFilterProps): ReactElement {
  const [text, setText] = usePausedText(props);
  return (
    <div className="form">
      <TextInput
        label={label}
        description="Exactly as it is written"
        maxLength={50}
        value={text}
        data-autofocus
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') setText(text, true);
        }}
      />
    </div>
  );
}

function AssigneeFilter({ filter, myId, onChange }: FilterBarProps): ReactElement {
  const members = useMembers(useOrganization().id);
  const { assigneeId } = filter;
  const others = members.data?.items.filter(({ userId }) => userId !== myId) ?? [];
  return (
    <NativeSelect
      aria-label="Assignee"
      size="xs"
      className={`assignee-select${assigneeId === '' ? '' : ' chosen'}`}
      value={assigneeId === myId ? 'me' : assigneeId}
      onChange={(event) => onChange({ assigneeId: event.currentTarget.value })}
    >
      <option value="">Anybody</option>
      <option value="me">Me</option>
      <option value="none">Nobody</option>
      {others.map(({ userId, name }) => (
        <option key={userId} value={userId}>
          {name}
        </option>
      ))}
    </NativeSelect>
  );
}

function DueFilter({ filter, onChange }: Omit<FilterBarProps, 'myId'>): ReactElement {
  const { dueFrom, dueTo } = filter;
  const now = today();
  const ranges = [
    { name: 'Any day', from: '', to: '' },
    { name: 'Overdue', from: '', to: addDays(now, -1) },
    { name: 'Today', from: now, to: now },
    { name: 'The next 7 days', from: now, to: addDays(now, 7) },
    { name: 'Later', from: addDays(now, 8), to: '' },
  ];
  const range = ranges.find(({ from, to }) => from === dueFrom && to === dueTo);
  const between = `${dueFrom === '' ? '' : dayText(dueFrom)} – ${dueTo === '' ? '' : dayText(dueTo)}`;
  return (
    <Popover label="Due" value={dueFrom === '' && dueTo === '' ? undefined : (range?.name ?? between)}>
      <fieldset className="choices">
        <legend className="visually-hidden">Due</legend>
        {ranges.map(({ name, from, to }) => (
          <label key={name}>
            <input
              type="radio"
              name="due"
              checked={range?.name === name}
              onChange={() => onChange({ dueFrom: from, dueTo: to })}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <div className="form">
        <TextInput
          type="date"
          size="xs"
          label="From"
          value={dueFrom}
          onChange={(event) => onChange({ dueFrom: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          size="xs"
          label="To"
          value={dueTo}
          onChange={(event) => onChange({ dueTo: event.currentTarget.value })}
        />
      </div>
    </Popover>
  );
}
