import type { SelectQueryBuilder } from 'kysely';
import { Type } from 'typebox';
import type { OrganizationTables } from '../database/database.ts';
import type { OrganizationDatabase } from '../database/organization-scope.ts';
import { membershipOf } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { readPage, timestampText } from './listing.ts';
import { ActivitySchema, answers, Day, Id, inOrganization, listQuery, pageOf } from './schemas.ts';

const tags = ['activity'];
/** Of one answer of daily counts. */
const LONGEST_DAYS = 92;

interface ActivityRow {
  id: number;
  kind: string;
  actorId: string | null;
  actorName: string | null;
  projectId: number | null;
  projectName: string | null;
  taskId: number | null;
  taskTitle: string | null;
  detail: Record<string, unknown>;
  createdAt: string;
}

type ActivityQuery = SelectQueryBuilder<OrganizationTables, 'activity', ActivityRow>;

function selectActivity(database: OrganizationDatabase): ActivityQuery {
  const query = database
    .selectFrom('activity')
    .leftJoin('people as actor', 'actor.userId', 'activity.actorId')
    .select(['activity.id', 'activity.kind', 'activity.actorId', 'actor.name as actorName'])
    .leftJoin('projects as project', 'project.id', 'activity.projectId')
    .leftJoin('tasks as task', 'task.id', 'activity.taskId')
    .select(['activity.projectId', 'project.name as projectName', 'activity.detail'])
    .select(['activity.taskId', 'task.title as taskTitle'])
    .select(timestampText('activity.createdAt').as('createdAt'));
  return query;
}

function sortValues(row: ActivityRow): readonly string[] {
  return [row.createdAt, String(row.id)];
}

/** The feed of what happened. */
export const activityRoutes: Routes =
  ({ pager }) =>
  async (app) => {
    app.get(
      '/activity',
      {
        schema: {
          summary: 'What happened in the organization, newest first',
          tags,
          params: inOrganization({}),
          querystring: listQuery({}),
          response: answers(pageOf(ActivitySchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const filter = { list: 'activity', organizationId };
        const paging = { ...request.query, order: listOrders.activity, filter, url: request.url };
        return readPage({ pager, database }, paging, reply, selectActivity(database), sortValues);
      },
    );

    app.get(
      '/tasks/:taskId/activity',
      {
        schema: {
          summary: 'What happened to a task, newest first; also when it is gone',
          tags,
          params: inOrganization({ taskId: Id }),
          querystring: listQuery({}),
          response: answers(pageOf(ActivitySchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { taskId } = request.params;
        const filter = { list: 'task-activity', organizationId, taskId };
        const query = selectActivity(database).where('activity.taskId', '=', taskId);
        return readPage(
          { pager, database },
          { ...request.query, order: listOrders.taskActivity, filter, url: request.url },
          reply,
          query,
          sortValues,
        );
      },
    );

    app.get(
      '/activity/days',
      {
        schema: {
          summary: 'How much happened on each day, by kind; counted up every hour',
          tags,
          params: inOrganization({}),
          querystring: Type.Object({ from: Day, to: Day }, { additionalProperties: false }),
          response: answers(
            Type.Object({
              items: Type.Array(Type.Object({ day: Day, kind: Type.String(), count: Type.Integer() })),
            }),
          ),
        },
      },
      async (request) => {
        const { from, to } = request.query;
        // Kinds are a few dozen, so this bounds the answer.
        if (Date.parse(to) - Date.parse(from) > LONGEST_DAYS * 86_400_000) {
          throw new Problem('TF_PARAMETER_INVALID', `From ${from} to ${to} is more than ${LONGEST_DAYS} days.`);
        }
        const items = await membershipOf(request)
          .database.selectFrom('activityDays')
          .select(['activityDays.day', 'activityDays.kind', 'activityDays.count'])
          .where('activityDays.day', '>=', from)
          .where('activityDays.day', '<=', to)
          .orderBy('activityDays.day')
          .orderBy('activityDays.kind')
          .execute();
        return { items };
      },
    );
  };
