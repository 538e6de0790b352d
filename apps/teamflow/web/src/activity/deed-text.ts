import type { Activity } from '../api/wire.ts';
import { dayText } from '../format/time.ts';
import { priorityNames, roleNames, statusNames } from '../format/words.ts';

const fieldNames: Readonly<Record<string, string>> = {
  title: 'the title',
  description: 'the description',
  status: 'the status',
  priority: 'the priority',
  assigneeId: 'the assignee',
  dueOn: 'the due day',
  labels: 'the labels',
  name: 'the name',
  teamId: 'the team',
};

const valueNames: Readonly<Record<string, string>> = { ...statusNames, ...priorityNames, ...roleNames };

function named(field: string, value: unknown): string {
  if (typeof value !== 'string') return 'none';
  if (field === 'dueOn') return dayText(value);
  return valueNames[value] ?? value;
}

/** One field of a change: what it was and is, where that is short and says something. */
function changeText(field: string, change: unknown): string {
  const name = fieldNames[field] ?? field;
  if (typeof change !== 'object' || change === null || field === 'assigneeId') return name;
  return `${name} from ${named(field, Reflect.get(change, 'from'))} to ${named(field, Reflect.get(change, 'to'))}`;
}

function listText(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? 'nothing') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** What somebody did, as the rest of a sentence that starts with a name. */
export function deedText({ kind, detail }: Pick<Activity, 'kind' | 'detail'>): string {
  const text = (name: string): string => (typeof detail[name] === 'string' ? `“${detail[name]}”` : '');
  switch (kind) {
    case 'task.created':
      return `made the task ${text('title')}`;
    case 'task.updated':
      return `changed ${listText(Object.entries(detail).map(([field, change]) => changeText(field, change)))}`;
    case 'task.moved':
      return `moved the task from ${named('status', detail['from'])} to ${named('status', detail['to'])}`;
    case 'task.deleted':
      return `deleted the task ${text('title')}`;
    case 'comment.created':
      return 'commented';
    case 'project.created':
      return `started the project ${text('name')}`;
    case 'project.updated': {
      const { changed } = detail;
      const fields = Array.isArray(changed) ? changed.filter((one) => typeof one === 'string') : [];
      if (fields.includes('archived')) return 'archived the project or took it back';
      return `changed ${listText(fields.map((field) => fieldNames[field] ?? field))} of the project`;
    }
    case 'project.deleted':
      return `deleted the project ${text('name')}`;
    case 'team.created':
      return `made the team ${text('name')}`;
    case 'team.deleted':
      return `dissolved the team ${text('name')}`;
    case 'member.role-changed':
      return `changed a member’s role from ${named('role', detail['from'])} to ${named('role', detail['to'])}`;
    default:
      return kind.replace('.', ': ').replaceAll('-', ' ');
  }
}
