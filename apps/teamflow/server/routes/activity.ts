import type { SelectQueryBuilder } from 'kysely';
import type { OrganizationTables } from '../database/database.ts';
import type { OrganizationDatabase } from '../database/organization-scope.ts';
import { membershipOf } from '../http/identity.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { readPage, timestampText } from './listing.ts';
import { ActivitySchema, answers, Id, inOrganization, listQuery, pageOf } from './schemas.ts';

const tags = ['activity'];

interface ActivityRow {
  id: number;
  kind: string;
  actorId: string | null;
  actorName: string | null;
  projectId: number | null;
  taskId: number | null;
  detail: Record<string, unknown>;
  createdAt: string;
}

type ActivityQuery = SelectQueryBuilder<OrganizationTables, 'activity', ActivityRow>;

function selectActivity(database: OrganizationDatabase): ActivityQuery {
  const query = database
    .selectFrom('activity')
    .leftJoin('people as actor', 'actor.userId', 'activity.actorId')
    .select(['activity.id', 'activity.kind', 'activity.actorId', 'actor.name as actorName'])
    .select(['activity.projectId', 'activity.taskId', 'activity.detail'])
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
  };
