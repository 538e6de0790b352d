import { sql } from 'kysely';
import { Type } from 'typebox';
import { identityOf, membershipOf } from '../http/identity.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { nullableTimestampText, readPage, timestampText } from './listing.ts';
import { answers, body, Id, inOrganization, listQuery, NotificationSchema, noContent, pageOf } from './schemas.ts';

const tags = ['notifications'];
/** More are counted as this many. */
const MAX_UNREAD = 100;

/** What the caller was told: digests, due dates, finished exports. Everybody sees his own only. */
export const notificationRoutes: Routes =
  ({ pager }) =>
  async (app) => {
    app.get(
      '/notifications',
      {
        schema: {
          summary: 'Your notifications in the organization, newest first',
          tags,
          params: inOrganization({}),
          querystring: listQuery({ unread: Type.Optional(Type.Boolean({ description: 'Only those not read yet.' })) }),
          response: answers(pageOf(NotificationSchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { id: userId } = identityOf(request).user;
        const { unread = false } = request.query;
        let query = database
          .selectFrom('notifications')
          .select(['notifications.id', 'notifications.kind', 'notifications.projectId', 'notifications.taskId'])
          .select(['notifications.detail', timestampText('notifications.createdAt').as('createdAt')])
          .select(nullableTimestampText('notifications.readAt').as('readAt'))
          .where('notifications.userId', '=', userId);
        if (unread) query = query.where('notifications.readAt', 'is', null);
        const filter = { list: 'notifications', organizationId, userId, unread };
        return readPage(
          { pager, database },
          { ...request.query, order: listOrders.notifications, filter, url: request.url },
          reply,
          query,
          (row) => [row.createdAt, String(row.id)],
        );
      },
    );

    app.get(
      '/notifications/unread',
      {
        schema: {
          summary: `How many of your notifications you have not read; ${MAX_UNREAD} stands for more`,
          tags,
          params: inOrganization({}),
          response: answers(Type.Object({ count: Type.Integer() }, { additionalProperties: false })),
        },
      },
      async (request) => {
        const { database } = membershipOf(request);
        const unread = await database
          .selectFrom('notifications')
          .select('notifications.id')
          .where('notifications.userId', '=', identityOf(request).user.id)
          .where('notifications.readAt', 'is', null)
          .limit(MAX_UNREAD)
          .execute();
        return { count: unread.length };
      },
    );

    app.post(
      '/notifications/read',
      {
        schema: {
          summary: 'Mark your notifications as read, up to one of them',
          tags,
          params: inOrganization({}),
          body: body({ upTo: Id }),
          response: noContent,
        },
      },
      async (request, reply) => {
        await membershipOf(request)
          .database.updateTable('notifications')
          .set({ readAt: sql<Date>`now()` })
          .where('userId', '=', identityOf(request).user.id)
          .where('readAt', 'is', null)
          .where('id', '<=', request.body.upTo)
          .execute();
        return reply.code(204).send();
      },
    );
  };
