import { type SqlBool, sql } from 'kysely';
import { hasRole, identityOf, membershipOf, strongestRole } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { readPage, timestampText } from './listing.ts';
import { recordActivity } from './record-activity.ts';
import { answers, body, inOrganization, listQuery, MemberSchema, pageOf, RoleSchema, UserId } from './schemas.ts';

const tags = ['members'];

/** Who belongs to an organization. Invitations and removals are better-auth's, below /api/auth/organization. */
export const memberRoutes: Routes =
  ({ pager }) =>
  async (app) => {
    app.get(
      '/members',
      {
        schema: {
          summary: 'The members of the organization, in the order they joined',
          tags,
          params: inOrganization({}),
          querystring: listQuery({}),
          response: answers(pageOf(MemberSchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { items, page } = await readPage(
          { pager, database },
          {
            ...request.query,
            order: listOrders.members,
            filter: { list: 'members', organizationId },
            url: request.url,
          },
          reply,
          database
            .selectFrom('people')
            .select(['people.userId', 'people.name', 'people.email', 'people.role'])
            .select(timestampText('people.createdAt').as('createdAt')),
          (row) => [row.createdAt, row.userId],
        );
        return { items: items.map((row) => ({ ...row, role: strongestRole(row.role) })), page };
      },
    );

    app.patch(
      '/members/:userId',
      {
        config: { minimumRole: 'admin' },
        schema: {
          summary: 'Change the role of a member',
          description: 'Only owners make owners or change one; the last owner stays.',
          tags,
          params: inOrganization({ userId: UserId }),
          body: body({ role: RoleSchema }),
          response: answers(MemberSchema),
        },
      },
      async (request) => {
        const membership = membershipOf(request);
        const { userId } = request.params;
        const { role } = request.body;
        return membership.database.transaction().execute(async (transaction) => {
          // All owners are locked in one order, so that two of them can not step down at once.
          const owners = await transaction
            .selectFrom('members')
            .select(['userId', 'role'])
            .where(sql<SqlBool>`role like '%owner%'`)
            .orderBy('userId')
            .forUpdate()
            .execute();
          const found = await transaction
            .selectFrom('people')
            .select(['people.userId', 'people.name', 'people.email', 'people.role'])
            .select(timestampText('people.createdAt').as('createdAt'))
            .where('people.userId', '=', userId)
            .executeTakeFirst();
          if (found === undefined) throw new Problem('TF_NOT_FOUND', `No member of this organization is "${userId}".`);
          const before = strongestRole(found.role);
          if ((before === 'owner' || role === 'owner') && !hasRole(membership, 'owner')) {
            throw new Problem('TF_FORBIDDEN', 'Only an owner can make an owner or change one.');
          }
          const others = owners.filter(
            (owner) => strongestRole(owner.role) === 'owner' && owner.userId !== found.userId,
          );
          if (before === 'owner' && role !== 'owner' && others.length === 0) {
            throw new Problem('TF_CONFLICT', 'This is the last owner; make another one first.');
          }
          if (before !== role) {
            await transaction.updateTable('members').set({ role }).where('userId', '=', found.userId).execute();
            await recordActivity(transaction, {
              kind: 'member.role-changed',
              actorId: identityOf(request).user.id,
              detail: { userId: found.userId, from: before, to: role },
            });
          }
          return { ...found, role };
        });
      },
    );
  };
