import { sql } from 'kysely';
import { Type } from 'typebox';
import type { TaskStatus } from '../database/database.ts';
import type { OrganizationDatabase } from '../database/organization-scope.ts';
import { identityOf, membershipOf } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { Routes } from './context.ts';
import { recordActivity } from './record-activity.ts';
import { answers, Id, inOrganization, StatusSchema, TaskSchema, TaskSummarySchema, taskStatuses } from './schemas.ts';
import { missingTask, selectTasks, type TaskSummary, taskOf } from './task-queries.ts';

const Board = Type.Object(
  {
    projectId: Type.Integer(),
    columns: Type.Array(
      Type.Object(
        {
          status: StatusSchema,
          count: Type.Integer({ description: 'All tasks of the column, also those not shown.' }),
          tasks: Type.Array(TaskSummarySchema),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

/**
 * Positions: a card moved between two others gets the middle of theirs; one put first or last gets a step before or
 * after. Doubles can be halved about 50 times between two neighbours, then the column is numbered anew in steps.
 */
const step = 1024;

interface Place {
  readonly projectId: number;
  readonly status: TaskStatus;
  /** The card to stand behind; null: first; undefined: last. */
  readonly afterId: number | null | undefined;
  readonly movedId: number;
}

/** Positions of the cards before and after a place; undefined where it is at an end of the column. */
async function neighbours(
  database: OrganizationDatabase,
  { projectId, status, afterId, movedId }: Place,
): Promise<{ readonly before: number | undefined; readonly after: number | undefined }> {
  const column = database
    .selectFrom('tasks')
    .select(['id', 'position'])
    .where('projectId', '=', projectId)
    .where('status', '=', status)
    .where('id', '!=', movedId);
  if (afterId === undefined) {
    const last = await column.orderBy('position', 'desc').orderBy('id', 'desc').limit(1).executeTakeFirst();
    return { before: last?.position, after: undefined };
  }
  const ahead = afterId === null ? undefined : await column.where('id', '=', afterId).executeTakeFirst();
  if (ahead === undefined && afterId !== null) {
    throw new Problem('TF_CONFLICT', `"afterId": there is no other task ${afterId} in the column ${status}.`);
  }
  const behind = await column
    .$if(ahead !== undefined, (query) =>
      query.where(sql<boolean>`(position, id) > (${ahead?.position}::float8, ${ahead?.id}::bigint)`),
    )
    .orderBy('position')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return { before: ahead?.position, after: behind?.position };
}

/** A position between two others; undefined: they are too close. */
function between(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined) return after === undefined ? step : after - step;
  if (after === undefined) return before + step;
  const middle = (before + after) / 2;
  return before < middle && middle < after ? middle : undefined;
}

/** Numbers a column anew, in the order it has. */
async function renumber(database: OrganizationDatabase, { projectId, status }: Place): Promise<void> {
  await database
    .updateTable('tasks')
    .from((eb) =>
      eb
        .selectFrom('tasks as column')
        .select(['column.id', sql<number>`row_number() over (order by position, id)`.as('rank')])
        .where('column.projectId', '=', projectId)
        .where('column.status', '=', status)
        .as('numbered'),
    )
    .set({ position: sql<number>`numbered.rank * ${step}::float8` })
    .whereRef('tasks.id', '=', 'numbered.id')
    .where('tasks.projectId', '=', projectId)
    .execute();
}

/** The board of a project, and moving cards on it. */
export const boardRoutes: Routes = () => async (app) => {
  app.get(
    '/projects/:projectId/board',
    {
      schema: {
        summary: 'The board of a project: each column with its count and its first tasks',
        tags: ['board'],
        params: inOrganization({ projectId: Id }),
        querystring: Type.Object(
          { perColumn: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })) },
          { additionalProperties: false },
        ),
        response: answers(Board),
      },
    },
    async (request) => {
      const { database } = membershipOf(request);
      const { projectId } = request.params;
      const { perColumn = 20 } = request.query;
      const project = await database.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst();
      if (project === undefined) {
        throw new Problem('TF_NOT_FOUND', `There is no project ${projectId} in this organization.`);
      }
      const counts = await database
        .selectFrom('tasks')
        .select((eb) => ['status', eb.fn.countAll<number>().as('count')] as const)
        .where('projectId', '=', projectId)
        .groupBy('status')
        .execute();
      const cards = await database
        .selectFrom(sql<{ status: TaskStatus }>`unnest(${taskStatuses}::text[])`.as<'columns'>(sql`columns(status)`))
        .innerJoinLateral(
          (eb) =>
            // The expression builder's selectFrom is that of the same database, with the outer table in sight.
            selectTasks(eb as unknown as OrganizationDatabase)
              .where('tasks.projectId', '=', projectId)
              .where(sql<boolean>`tasks.status = columns.status`)
              .orderBy('tasks.position')
              .orderBy('tasks.id')
              .limit(perColumn)
              .as('card'),
          (join) => join.onTrue(),
        )
        .selectAll('card')
        .orderBy('card.position')
        .orderBy('card.id')
        .execute();
      const columns = taskStatuses.map((status) => ({
        status,
        count: counts.find((row) => row.status === status)?.count ?? 0,
        tasks: cards.filter((card: TaskSummary) => card.status === status),
      }));
      return { projectId, columns };
    },
  );

  app.post(
    '/tasks/:taskId/move',
    {
      schema: {
        summary: 'Move a card on its board',
        description: '`afterId` is the card to stand behind: null puts it first, leaving it out last.',
        tags: ['board'],
        params: inOrganization({ taskId: Id }),
        body: Type.Object(
          { status: Type.Optional(StatusSchema), afterId: Type.Optional(Type.Union([Id, Type.Null()])) },
          { additionalProperties: false },
        ),
        response: answers(TaskSchema),
      },
    },
    async (request) => {
      const { taskId } = request.params;
      return membershipOf(request)
        .database.transaction()
        .execute(async (transaction) => {
          const found = await transaction
            .selectFrom('tasks')
            .select('projectId')
            .where('id', '=', taskId)
            .executeTakeFirst();
          if (found === undefined) throw missingTask(taskId);
          const { projectId } = found;
          // One move at a time on a board; the project first, so that two moves can not wait for each other.
          await transaction.selectFrom('projects').select('id').where('id', '=', projectId).forNoKeyUpdate().execute();
          const before = await transaction
            .selectFrom('tasks')
            .select(['status', 'completedAt'])
            .where('id', '=', taskId)
            .forUpdate()
            .executeTakeFirst();
          if (before === undefined) throw missingTask(taskId);
          const { status = before.status, afterId } = request.body;
          const place: Place = { projectId, status, afterId, movedId: taskId };
          const around = await neighbours(transaction, place);
          let position = between(around.before, around.after);
          if (position === undefined) {
            await renumber(transaction, place);
            const spaced = await neighbours(transaction, place);
            position = between(spaced.before, spaced.after) ?? step;
          }
          const completedAt =
            status === before.status ? {} : { completedAt: status === 'done' ? sql<Date>`now()` : null };
          await transaction
            .updateTable('tasks')
            .set({ status, position, updatedAt: sql<Date>`now()`, ...completedAt })
            .where('id', '=', taskId)
            .execute();
          if (status !== before.status) {
            await recordActivity(transaction, {
              kind: 'task.moved',
              actorId: identityOf(request).user.id,
              projectId,
              taskId,
              detail: { from: before.status, to: status },
            });
          }
          return taskOf(transaction, taskId);
        });
    },
  );
};
