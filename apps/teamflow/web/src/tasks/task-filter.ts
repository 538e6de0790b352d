import { type TaskPriority, type TaskStatus, taskPriorities, taskStatuses } from '../api/wire.ts';

/** What the API sorts tasks by: each has an index. A minus turns the order round. */
export const taskSorts = [
  '-createdAt',
  'createdAt',
  '-updatedAt',
  'updatedAt',
  'dueOn',
  '-dueOn',
  '-priority',
] as const;
export type TaskSort = (typeof taskSorts)[number];

/** What a task list shows; it lives in the address, so that a link shows another person the same. */
export interface TaskFilter {
  readonly q: string;
  readonly status: readonly TaskStatus[];
  readonly priority: readonly TaskPriority[];
  /** A member's id, `me`, `none`, or '': anybody. */
  readonly assigneeId: string;
  readonly label: string;
  readonly dueFrom: string;
  readonly dueTo: string;
  readonly sort: TaskSort;
  readonly cursor: string;
}

const defaultSort: TaskSort = '-createdAt';

function known<Value extends string>(values: readonly Value[], given: readonly string[]): readonly Value[] {
  return values.filter((value) => given.includes(value));
}

function day(text: string | null): string {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : '';
}

/** Reads an address' search; what it does not understand is as if it were not there. */
export function filterOf(search: string): TaskFilter {
  const parameters = new URLSearchParams(search);
  return {
    q: parameters.get('q')?.slice(0, 200) ?? '',
    status: known(taskStatuses, parameters.getAll('status')),
    priority: known(taskPriorities, parameters.getAll('priority')),
    assigneeId: parameters.get('assigneeId') ?? '',
    label: parameters.get('label') ?? '',
    dueFrom: day(parameters.get('dueFrom')),
    dueTo: day(parameters.get('dueTo')),
    sort: known(taskSorts, [parameters.get('sort') ?? ''])[0] ?? defaultSort,
    cursor: parameters.get('cursor') ?? '',
  };
}

/** The parameters of an address, and of the API's list; what is default is left out. */
export function parametersOf(filter: TaskFilter): Readonly<Record<string, string | readonly string[]>> {
  const { sort, ...others } = filter;
  // A search has an order of its own: the best match first.
  return { ...others, sort: sort === defaultSort || filter.q !== '' ? '' : sort };
}

/** How many of the filters say something. */
export function filterCount({ q, status, priority, assigneeId, label, dueFrom, dueTo }: TaskFilter): number {
  const said = [q, assigneeId, label, `${dueFrom}${dueTo}`].filter((text) => text !== '').length;
  return said + (status.length > 0 ? 1 : 0) + (priority.length > 0 ? 1 : 0);
}
