import { sql } from 'kysely';
import { Type } from 'typebox';
import type { TaskPriority, TaskStatus } from '../database/database.ts';
import type { OrganizationDatabase } from '../database/organization-scope.ts';
import { identityOf, membershipOf } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { Routes } from './context.ts';
import { type TaskSort, taskOrders, taskSorts } from './list-orders.ts';
import { readPage } from './listing.ts';
import { recordActivity } from './record-activity.ts';
import {
  answers,
  body,
  Day,
  Id,
  inOrganization,
  Label,
  listQuery,
  noContent,
  PrioritySchema,
  pageOf,
  StatusSchema,
  TaskSchema,
  TaskSummarySchema,
  taskFilters,
  UserId,
} from './schemas.ts';
import { filterTasks, missingTask, selectTasks, type TaskSummary, taskOf, taskSortValues } from './task-queries.ts';

const tags = ['tasks'];
const fields = {
  title: Type.String({ minLength: 1, maxLength: 500 }),
  description: Type.String({ maxLength: 50_000 }),
  assigneeId: Type.Union([UserId, Type.Null()]),
  dueOn: Type.Union([Day, Type.Null()]),
  labels: Type.Array(Label, { maxItems: 20, uniqueItems: true }),
};
/** Steps between cards that were put at the end of a column. */
const positionStep = 1024;

async function endOfColumn(database: OrganizationDatabase, projectId: number, status: TaskStatus): Promise<number> {
  const { last } = await database
    .selectFrom('tasks')
    .select((eb) => eb.fn.max('position').as('last'))
    .where('projectId', '=', projectId)
    .where('status', '=', status)
    .executeTakeFirstOrThrow();
  return (last ?? 0) + positionStep;
}

/** A task only ever refers to what its organization has; the foreign keys refuse the rest, this says so politely. */
async function requireReferences(
  database: OrganizationDatabase,
  { projectId, assigneeId }: { projectId?: number | undefined; assigneeId?: string | null | undefined },
): Promise<void> {
  if (projectId !== undefined) {
    const found = await database.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst();
    if (found === undefined) {
      throw new Problem('TF_CONFLICT', `"projectId": there is no project ${projectId} in this organization.`);
    }
  }
  if (assigneeId !== undefined && assigneeId !== null) {
    const found = await database
      .selectFrom('people')
      .select('userId')
      .where('userId', '=', assigneeId)
      .executeTakeFirst();
    if (found === undefined) {
      throw new Problem('TF_CONFLICT', `"assigneeId": no member of this organization is "${assigneeId}".`);
    }
  }
}

/** As a young application does it: planted by TEAMFLOW_PLANT, so that what it costs can be seen and found. */
async function withAssigneesOneByOne(
  database: OrganizationDatabase,
  tasks: readonly TaskSummary[],
): Promise<readonly TaskSummary[]> {
  const named: TaskSummary[] = [];
  for (const task of tasks) {
    const { assigneeId } = task;
    const assignee =
      assigneeId === null
        ? null
        : await database.selectFrom('people').select('name').where('userId', '=', assigneeId).executeTakeFirst();
    named.push({ ...task, assigneeName: assignee?.name ?? null });
  }
  return named;
}

/** Tasks: list, make, change, delete. */
export const taskRoutes: Routes =
  ({ pager, plants }) =>
  async (app) => {
    app.get(
      '/tasks',
      {
        schema: {
          summary: 'The tasks of the organization',
          tags,
          params: inOrganization({}),
          querystring: listQuery({
            ...taskFilters,
            sort: Type.Optional(Type.Unsafe<TaskSort>({ type: 'string', enum: taskSorts, default: '-createdAt' })),
          }),
          response: answers(pageOf(TaskSummarySchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { cursor, limit, count, sort = '-createdAt', ...filter } = request.query;
        const listed = await readPage(
          { pager, database },
          {
            cursor,
            limit,
            count,
            order: taskOrders[sort],
            filter: { list: 'tasks', organizationId, ...filter },
            url: request.url,
          },
          reply,
          filterTasks(selectTasks(database), filter),
          taskSortValues(sort),
        );
        if (!plants.has('n-plus-one')) return listed;
        return { ...listed, items: await withAssigneesOneByOne(database, listed.items) };
      },
    );

    app.post(
      '/tasks',
      {
        schema: {
          summary: 'Make a task, at the end of its column',
          tags,
          params: inOrganization({}),
          body: body({
            projectId: Id,
            title: fields.title,
            description: Type.Optional(fields.description),
            status: Type.Optional(StatusSchema),
            priority: Type.Optional(PrioritySchema),
            assigneeId: Type.Optional(fields.assigneeId),
            dueOn: Type.Optional(fields.dueOn),
            labels: Type.Optional(fields.labels),
          }),
          response: answers(TaskSchema, 201),
        },
      },
      async (request, reply) => {
        const given = request.body;
        const { status = 'todo' } = given;
        const actorId = identityOf(request).user.id;
        const task = await membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            await requireReferences(transaction, given);
            const { id } = await transaction
              .insertInto('tasks')
              .values({
                projectId: given.projectId,
                title: given.title,
                description: given.description ?? '',
                status,
                priority: given.priority ?? 'none',
                assigneeId: given.assigneeId ?? null,
                createdById: actorId,
                dueOn: given.dueOn ?? null,
                labels: given.labels ?? [],
                position: await endOfColumn(transaction, given.projectId, status),
                completedAt: status === 'done' ? sql<Date>`now()` : null,
              })
              .returning('id')
              .executeTakeFirstOrThrow();
            await recordActivity(transaction, {
              kind: 'task.created',
              actorId,
              projectId: given.projectId,
              taskId: id,
              detail: { title: given.title },
            });
            return taskOf(transaction, id);
          });
        return reply.code(201).header('location', `${request.url}/${task.id}`).send(task);
      },
    );

    app.get(
      '/tasks/:taskId',
      {
        schema: {
          summary: 'One task',
          tags,
          params: inOrganization({ taskId: Id }),
          response: answers(TaskSchema),
        },
      },
      async (request) => taskOf(membershipOf(request).database, request.params.taskId),
    );

    app.patch(
      '/tasks/:taskId',
      {
        schema: {
          summary: 'Change a task; a new status puts it at the end of that column',
          tags,
          params: inOrganization({ taskId: Id }),
          body: body({
            title: Type.Optional(fields.title),
            description: Type.Optional(fields.description),
            status: Type.Optional(StatusSchema),
            priority: Type.Optional(PrioritySchema),
            assigneeId: Type.Optional(fields.assigneeId),
            dueOn: Type.Optional(fields.dueOn),
            labels: Type.Optional(fields.labels),
          }),
          response: answers(TaskSchema),
        },
      },
      async (request) => {
        const { taskId } = request.params;
        const given = request.body;
        return membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            const before = await transaction
              .selectFrom('tasks')
              .select(['projectId', 'title', 'status', 'priority', 'assigneeId', 'dueOn'])
              .where('id', '=', taskId)
              .forUpdate()
              .executeTakeFirst();
            if (before === undefined) throw missingTask(taskId);
            await requireReferences(transaction, { assigneeId: given.assigneeId });
            const { status } = given;
            const moved =
              status === undefined || status === before.status
                ? {}
                : {
                    status,
                    position: await endOfColumn(transaction, before.projectId, status),
                    completedAt: status === 'done' ? sql<Date>`now()` : null,
                  };
            const { status: _, ...others } = given;
            await transaction
              .updateTable('tasks')
              .set({ ...others, ...moved, updatedAt: sql<Date>`now()` })
              .where('id', '=', taskId)
              .execute();
            await recordActivity(transaction, {
              kind: 'task.updated',
              actorId: identityOf(request).user.id,
              projectId: before.projectId,
              taskId,
              detail: changes(before, given),
            });
            return taskOf(transaction, taskId);
          });
      },
    );

    app.delete(
      '/tasks/:taskId',
      {
        schema: {
          summary: 'Delete a task with its comments',
          tags,
          params: inOrganization({ taskId: Id }),
          response: noContent,
        },
      },
      async (request, reply) => {
        const { taskId } = request.params;
        await membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            const gone = await transaction
              .deleteFrom('tasks')
              .where('id', '=', taskId)
              .returning(['projectId', 'title'])
              .executeTakeFirst();
            if (gone === undefined) throw missingTask(taskId);
            await recordActivity(transaction, {
              kind: 'task.deleted',
              actorId: identityOf(request).user.id,
              projectId: gone.projectId,
              taskId,
              detail: { title: gone.title },
            });
          });
        return reply.code(204).send();
      },
    );
  };

interface Changeable {
  readonly title: string;
  readonly status: TaskStatus;
  readonly priority: TaskPriority;
  readonly assigneeId: string | null;
  readonly dueOn: string | null;
}

/** What the feed shows of a change: old and new of what is short, the mere name of what is long. */
function changes(before: Changeable, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const short: Readonly<Record<string, unknown>> = { ...before };
  return Object.fromEntries(
    Object.entries(given)
      .filter(([name, to]) => !(name in short) || short[name] !== to)
      .map(([name, to]) => [name, name in short ? { from: short[name], to } : 'changed']),
  );
}
