import { type Expression, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import type { OrganizationTables, TaskPriority, TaskStatus } from '../database/database.ts';
import type { OrganizationDatabase } from '../database/organization-scope.ts';
import { Problem } from '../http/problem.ts';
import type { TaskSort } from './list-orders.ts';
import { nullableTimestampText, timestampText } from './listing.ts';
import { taskPriorities } from './schemas.ts';

/** A task as lists and boards show it. */
export interface TaskSummary {
  id: number;
  projectId: number;
  title: string;
  status: TaskStatus;
  priority: TaskPriority;
  assigneeId: string | null;
  /** Null also for somebody who has left the organization. */
  assigneeName: string | null;
  dueOn: string | null;
  labels: string[];
  position: number;
  createdAt: string;
  updatedAt: string;
}

type WithAssignee = OrganizationTables & { assignee: { userId: string | null; name: string | null } };
export type TaskQuery<Row = TaskSummary> = SelectQueryBuilder<WithAssignee, 'tasks' | 'assignee', Row>;

export function selectTasks(database: OrganizationDatabase): TaskQuery {
  const query = database
    .selectFrom('tasks')
    .leftJoin('people as assignee', 'assignee.userId', 'tasks.assigneeId')
    .select([
      'tasks.id',
      'tasks.projectId',
      'tasks.title',
      'tasks.status',
      'tasks.priority',
      'tasks.assigneeId',
      'assignee.name as assigneeName',
      'tasks.dueOn',
      'tasks.labels',
      'tasks.position',
    ])
    .select([timestampText('tasks.createdAt').as('createdAt'), timestampText('tasks.updatedAt').as('updatedAt')]);
  return query;
}

/** A task with everything about it. */
export interface TaskDetail extends TaskSummary {
  description: string;
  createdById: string | null;
  createdByName: string | null;
  completedAt: string | null;
  commentCount: number;
}

export function missingTask(taskId: number): Problem {
  return new Problem('TF_NOT_FOUND', `There is no task ${taskId} in this organization.`);
}

export async function taskOf(database: OrganizationDatabase, taskId: number): Promise<TaskDetail> {
  const found = await selectTasks(database)
    .leftJoin('people as creator', 'creator.userId', 'tasks.createdById')
    .select(['tasks.description', 'tasks.createdById', 'creator.name as createdByName'])
    .select(nullableTimestampText('tasks.completedAt').as('completedAt'))
    .select((eb) =>
      eb
        .selectFrom('comments')
        .select((count) => count.fn.countAll<number>().as('count'))
        .whereRef('comments.taskId', '=', 'tasks.id')
        .as('commentCount'),
    )
    .where('tasks.id', '=', taskId)
    .executeTakeFirst();
  if (found === undefined) throw missingTask(taskId);
  return { ...found, commentCount: found.commentCount ?? 0 };
}

/** The same expression as the index's. */
const due = sql<string>`coalesce(tasks.due_on, 'infinity'::date)`;

/** The sort values of a task, for the cursor. */
export function taskSortValues(sort: TaskSort): (task: TaskSummary) => readonly (string | null)[] {
  switch (sort) {
    case '-createdAt':
    case 'createdAt':
      return (task) => [task.createdAt, String(task.id)];
    case '-updatedAt':
    case 'updatedAt':
      return (task) => [task.updatedAt, String(task.id)];
    case '-dueOn':
    case 'dueOn':
      return (task) => [task.dueOn ?? 'infinity', String(task.id)];
    case '-priority':
      return (task) => [
        String(taskPriorities.length - taskPriorities.indexOf(task.priority)),
        task.dueOn ?? 'infinity',
        String(task.id),
      ];
  }
}

export interface TaskFilter {
  readonly status?: readonly TaskStatus[];
  readonly priority?: readonly TaskPriority[];
  readonly projectId?: number;
  /** A member, or `none` for tasks that nobody has. */
  readonly assigneeId?: string;
  readonly label?: string;
  /** First and last day, both included. */
  readonly dueFrom?: string;
  readonly dueTo?: string;
}

export function filterTasks<Row>(query: TaskQuery<Row>, filter: TaskFilter): TaskQuery<Row> {
  const { status, priority, projectId, assigneeId, label, dueFrom, dueTo } = filter;
  return query.where((eb) => {
    const all: Expression<SqlBool>[] = [];
    if (status !== undefined) all.push(eb('tasks.status', 'in', status));
    if (priority !== undefined) all.push(eb('tasks.priority', 'in', priority));
    if (projectId !== undefined) all.push(eb('tasks.projectId', '=', projectId));
    if (assigneeId === 'none') all.push(eb('tasks.assigneeId', 'is', null));
    else if (assigneeId !== undefined) all.push(eb('tasks.assigneeId', '=', assigneeId));
    if (label !== undefined) all.push(sql<SqlBool>`tasks.labels @> array[${label}]::text[]`);
    if (dueFrom !== undefined) all.push(sql<SqlBool>`${due} >= ${dueFrom}::date`);
    if (dueTo !== undefined) all.push(sql<SqlBool>`${due} <= ${dueTo}::date`);
    else if (dueFrom !== undefined) all.push(sql<SqlBool>`${due} < 'infinity'::date`);
    return eb.and(all);
  });
}
