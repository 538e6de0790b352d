import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import { requireAdministrator, strongestRole } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { AdministrationContext, Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { readPage, timestampText } from './listing.ts';
import {
  AdministeredOrganizationSchema,
  AdministeredUserSchema,
  AdministrativeCallSchema,
  answers,
  listQuery,
  MemberSchema,
  noContent,
  pageOf,
  SessionSchema,
  UserId,
} from './schemas.ts';

const tags = ['administration'];
const Words = Type.String({ minLength: 1, maxLength: 200, description: 'A part of the name or address.' });

const searchedOfCalls = ['userEmail', 'aboutEmail', 'aboutId', 'call', 'role', 'address', 'requestId'].map(
  (name) => `administrativeCalls.${name}`,
);

/** A part of any of some texts, whatever its case. */
function contains(columns: readonly string[], part: string): RawBuilder<SqlBool> {
  const pattern = `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const texts = sql.join(
    columns.map((column) => sql.ref(column)),
    sql`, `,
  );
  // Unlike ||, it passes over what is null.
  return sql<SqlBool>`concat_ws(' ', ${texts}) ilike ${pattern}`;
}

const isSuspended = sql<boolean>`coalesce(users.banned, false) and coalesce(users.ban_expires > now(), true)`;

/**
 * The installation as its administrators see it: who has an account and where, not what is in an organization.
 * Suspending, roles and new accounts are better-auth's, below /api/auth/admin.
 */
export const administrationRoutes: Routes<AdministrationContext> =
  ({ database, pager, administrativeLog }) =>
  async (app) => {
    app.addHook('onRequest', requireAdministrator);
    app.addHook('onSend', async (request, reply) => {
      if (request.method === 'GET' || request.method === 'HEAD') return;
      const userId: unknown = Reflect.get(Object(request.params), 'userId');
      const about = typeof userId === 'string' ? userId.slice(0, 100) : null;
      await administrativeLog.keep(request, reply, { by: request.identity?.user ?? null, about, role: null });
    });

    const selectUsers = () =>
      database
        .selectFrom('users')
        .select(['users.id', 'users.name', 'users.email'])
        .select((eb) => [
          sql<boolean>`coalesce(users.role like '%admin%', false)`.as('isAdministrator'),
          isSuspended.as('isSuspended'),
          'users.banReason as suspendedBecause',
          timestampText('users.createdAt').as('createdAt'),
          eb
            .selectFrom('members')
            .select((count) => count.fn.countAll<number>().as('count'))
            .whereRef('members.userId', '=', 'users.id')
            .as('organizations'),
          eb
            .selectFrom('sessions')
            .select((count) => count.fn.countAll<number>().as('count'))
            .whereRef('sessions.userId', '=', 'users.id')
            .where('sessions.expiresAt', '>', sql<Date>`now()`)
            .as('sessions'),
        ]);

    app.get(
      '/users',
      {
        schema: {
          summary: 'Everybody with an account, by e-mail address',
          tags,
          querystring: listQuery({ q: Type.Optional(Words), suspended: Type.Optional(Type.Boolean()) }),
          response: answers(pageOf(AdministeredUserSchema)),
        },
      },
      async (request, reply) => {
        const { q, suspended } = request.query;
        let query = selectUsers();
        if (q !== undefined) query = query.where(contains(['users.name', 'users.email'], q));
        if (suspended !== undefined) query = query.where(isSuspended, '=', suspended);
        const filter = { list: 'users', q, suspended };
        return readPage(
          { pager, database },
          { ...request.query, order: listOrders.users, filter, url: request.url },
          reply,
          query,
          (row) => [row.email],
        );
      },
    );

    app.get(
      '/users/:userId',
      {
        schema: {
          summary: 'One account',
          tags,
          params: Type.Object({ userId: UserId }),
          response: answers(AdministeredUserSchema),
        },
      },
      async (request) => {
        const found = await selectUsers().where('users.id', '=', request.params.userId).executeTakeFirst();
        if (found === undefined) throw missingUser(request.params.userId);
        return found;
      },
    );

    app.get(
      '/users/:userId/sessions',
      {
        schema: {
          summary: 'Where somebody is signed in, oldest first',
          tags,
          params: Type.Object({ userId: UserId }),
          querystring: listQuery({}),
          response: answers(pageOf(SessionSchema)),
        },
      },
      async (request, reply) => {
        const { userId } = request.params;
        // Never the token, which would be as good as the password.
        const query = database
          .selectFrom('sessions')
          .select(['sessions.id', 'sessions.ipAddress', 'sessions.userAgent'])
          .select([
            timestampText('sessions.createdAt').as('createdAt'),
            timestampText('sessions.updatedAt').as('updatedAt'),
            timestampText('sessions.expiresAt').as('expiresAt'),
          ])
          .where('sessions.userId', '=', userId)
          .where('sessions.expiresAt', '>', sql<Date>`now()`);
        const paging = {
          ...request.query,
          order: listOrders.sessions,
          filter: { list: 'sessions', userId },
          url: request.url,
        };
        return readPage({ pager, database }, paging, reply, query, (row) => [row.createdAt, row.id]);
      },
    );

    app.delete(
      '/users/:userId/sessions',
      {
        schema: {
          summary: 'Sign somebody out everywhere; felt within a minute',
          tags,
          params: Type.Object({ userId: UserId }),
          response: noContent,
        },
      },
      async (request, reply) => {
        await database.deleteFrom('sessions').where('userId', '=', request.params.userId).execute();
        return reply.code(204).send();
      },
    );

    app.delete(
      '/users/:userId/sessions/:sessionId',
      {
        schema: {
          summary: 'End one session; felt within a minute',
          tags,
          params: Type.Object({ userId: UserId, sessionId: UserId }),
          response: noContent,
        },
      },
      async (request, reply) => {
        const { userId, sessionId } = request.params;
        const ended = await database
          .deleteFrom('sessions')
          .where('userId', '=', userId)
          .where('id', '=', sessionId)
          .executeTakeFirst();
        if (ended.numDeletedRows === 0n) {
          throw new Problem('TF_NOT_FOUND', `The user ${userId} has no session ${sessionId}.`);
        }
        return reply.code(204).send();
      },
    );

    app.get(
      '/calls',
      {
        schema: {
          summary: 'What administrators did to accounts and sessions, and what others were refused, newest first',
          description: 'The newest 100,000 calls are kept, and the newest 10,000 that were refused.',
          tags,
          querystring: listQuery({
            q: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 200,
                description: 'A part of who, about whom, what or where from.',
              }),
            ),
            refused: Type.Optional(Type.Boolean()),
          }),
          response: answers(pageOf(AdministrativeCallSchema)),
        },
      },
      async (request, reply) => {
        const { q, refused } = request.query;
        let query = database
          .selectFrom('administrativeCalls')
          .select(['administrativeCalls.id', 'administrativeCalls.userId', 'administrativeCalls.userEmail'])
          .select(['administrativeCalls.aboutId', 'administrativeCalls.aboutEmail', 'administrativeCalls.call'])
          .select(['administrativeCalls.role', 'administrativeCalls.status', 'administrativeCalls.address'])
          .select(['administrativeCalls.requestId', timestampText('administrativeCalls.at').as('at')]);
        if (q !== undefined) query = query.where(contains(searchedOfCalls, q));
        if (refused !== undefined) query = query.where('administrativeCalls.status', refused ? '>=' : '<', 400);
        const filter = { list: 'administrative-calls', q, refused };
        return readPage(
          { pager, database },
          { ...request.query, order: listOrders.administrativeCalls, filter, url: request.url },
          reply,
          query,
          (row) => [String(row.id)],
        );
      },
    );

    const selectOrganizations = () =>
      database
        .selectFrom('organizations')
        .select(['organizations.id', 'organizations.name', 'organizations.slug'])
        .select((eb) => [
          timestampText('organizations.createdAt').as('createdAt'),
          eb
            .selectFrom('members')
            .select((count) => count.fn.countAll<number>().as('count'))
            .whereRef('members.organizationId', '=', 'organizations.id')
            .as('members'),
        ]);

    app.get(
      '/organizations',
      {
        schema: {
          summary: 'Every organization, by its address',
          tags,
          querystring: listQuery({
            q: Type.Optional(Words),
            id: Type.Optional(
              Type.Array(UserId, { maxItems: 200, description: 'Only these; it may be given repeatedly.' }),
            ),
          }),
          response: answers(pageOf(AdministeredOrganizationSchema)),
        },
      },
      async (request, reply) => {
        const { q, id } = request.query;
        let query = selectOrganizations();
        if (id !== undefined) query = query.where('organizations.id', 'in', id);
        if (q !== undefined) query = query.where(contains(['organizations.name', 'organizations.slug'], q));
        const paging = {
          ...request.query,
          order: listOrders.organizations,
          filter: { list: 'all-organizations', q, id },
          url: request.url,
        };
        return readPage({ pager, database }, paging, reply, query, (row) => [row.slug]);
      },
    );

    app.get(
      '/organizations/:organizationId',
      {
        schema: {
          summary: 'One organization',
          tags,
          params: Type.Object({ organizationId: UserId }),
          response: answers(AdministeredOrganizationSchema),
        },
      },
      async (request) => {
        const { organizationId } = request.params;
        const found = await selectOrganizations().where('organizations.id', '=', organizationId).executeTakeFirst();
        if (found === undefined) throw new Problem('TF_NOT_FOUND', `There is no organization ${organizationId}.`);
        return found;
      },
    );

    app.get(
      '/organizations/:organizationId/members',
      {
        schema: {
          summary: 'Who belongs to an organization, in the order they joined',
          tags,
          params: Type.Object({ organizationId: UserId }),
          querystring: listQuery({}),
          response: answers(pageOf(MemberSchema)),
        },
      },
      async (request, reply) => {
        const { organizationId } = request.params;
        const { items, page } = await readPage(
          { pager, database },
          {
            ...request.query,
            order: listOrders.organizationMembers,
            filter: { list: 'all-members', organizationId },
            url: request.url,
          },
          reply,
          database
            .selectFrom('members')
            .innerJoin('users', 'users.id', 'members.userId')
            .select(['members.userId', 'users.name', 'users.email', 'members.role'])
            .select(timestampText('members.createdAt').as('createdAt'))
            .where('members.organizationId', '=', organizationId),
          (row) => [row.createdAt, row.userId],
        );
        return { items: items.map((row) => ({ ...row, role: strongestRole(row.role) })), page };
      },
    );
  };

function missingUser(userId: string): Problem {
  return new Problem('TF_NOT_FOUND', `There is no user ${userId}.`);
}
