import { Type } from 'typebox';
import { identityOf, membershipOf } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { readPage, timestampText } from './listing.ts';
import { recordActivity } from './record-activity.ts';
import {
  answers,
  body,
  Id,
  inOrganization,
  listQuery,
  MemberSchema,
  noContent,
  pageOf,
  TeamSchema,
  UserId,
} from './schemas.ts';

const tags = ['teams'];
const Name = Type.String({ minLength: 1, maxLength: 100 });
const config = { minimumRole: 'admin' } as const;

function missing(teamId: number): Problem {
  return new Problem('TF_NOT_FOUND', `There is no team ${teamId} in this organization.`);
}

/** Teams and who is in them. */
export const teamRoutes: Routes =
  ({ pager }) =>
  async (app) => {
    app.get(
      '/teams',
      {
        schema: {
          summary: 'The teams of the organization, by name',
          tags,
          params: inOrganization({}),
          querystring: listQuery({}),
          response: answers(pageOf(TeamSchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        return readPage(
          { pager, database },
          { ...request.query, order: listOrders.teams, filter: { list: 'teams', organizationId }, url: request.url },
          reply,
          database.selectFrom('teams').select(['id', 'name']).select(timestampText('teams.createdAt').as('createdAt')),
          (row) => [row.name],
        );
      },
    );

    app.post(
      '/teams',
      {
        config,
        schema: {
          summary: 'Make a team',
          tags,
          params: inOrganization({}),
          body: body({ name: Name }),
          response: answers(TeamSchema, 201),
        },
      },
      async (request, reply) => {
        const { database } = membershipOf(request);
        const team = await database.transaction().execute(async (transaction) => {
          const made = await transaction
            .insertInto('teams')
            .values({ name: request.body.name })
            .returning(['id', 'name'])
            .returning(timestampText('createdAt').as('createdAt'))
            .executeTakeFirstOrThrow();
          const actorId = identityOf(request).user.id;
          await recordActivity(transaction, { kind: 'team.created', actorId, detail: { name: made.name } });
          return made;
        });
        return reply.code(201).header('location', `${request.url}/${team.id}`).send(team);
      },
    );

    app.get(
      '/teams/:teamId',
      {
        schema: {
          summary: 'One team',
          tags,
          params: inOrganization({ teamId: Id }),
          response: answers(TeamSchema),
        },
      },
      async (request) => {
        const { teamId } = request.params;
        const found = await membershipOf(request)
          .database.selectFrom('teams')
          .select(['id', 'name'])
          .select(timestampText('createdAt').as('createdAt'))
          .where('id', '=', teamId)
          .executeTakeFirst();
        if (found === undefined) throw missing(teamId);
        return found;
      },
    );

    app.patch(
      '/teams/:teamId',
      {
        config,
        schema: {
          summary: 'Rename a team',
          tags,
          params: inOrganization({ teamId: Id }),
          body: body({ name: Name }),
          response: answers(TeamSchema),
        },
      },
      async (request) => {
        const { teamId } = request.params;
        const changed = await membershipOf(request)
          .database.updateTable('teams')
          .set({ name: request.body.name })
          .where('id', '=', teamId)
          .returning(['id', 'name'])
          .returning(timestampText('createdAt').as('createdAt'))
          .executeTakeFirst();
        if (changed === undefined) throw missing(teamId);
        return changed;
      },
    );

    app.delete(
      '/teams/:teamId',
      {
        config,
        schema: {
          summary: 'Dissolve a team; its projects stay, with no team',
          tags,
          params: inOrganization({ teamId: Id }),
          response: noContent,
        },
      },
      async (request, reply) => {
        const { teamId } = request.params;
        await membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            await transaction.updateTable('projects').set({ teamId: null }).where('teamId', '=', teamId).execute();
            const gone = await transaction
              .deleteFrom('teams')
              .where('id', '=', teamId)
              .returning('name')
              .executeTakeFirst();
            if (gone === undefined) throw missing(teamId);
            const actorId = identityOf(request).user.id;
            await recordActivity(transaction, { kind: 'team.deleted', actorId, detail: { name: gone.name } });
          });
        return reply.code(204).send();
      },
    );

    app.get(
      '/teams/:teamId/members',
      {
        schema: {
          summary: 'Who is in a team, in the order they joined the organization',
          tags,
          params: inOrganization({ teamId: Id }),
          querystring: listQuery({}),
          response: answers(pageOf(MemberSchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { teamId } = request.params;
        const team = await database.selectFrom('teams').select('id').where('id', '=', teamId).executeTakeFirst();
        if (team === undefined) throw missing(teamId);
        return readPage(
          { pager, database },
          {
            ...request.query,
            order: listOrders.teamMembers,
            filter: { list: 'team-members', organizationId, teamId },
            url: request.url,
          },
          reply,
          database
            .selectFrom('teamMembers')
            .innerJoin('people', 'people.userId', 'teamMembers.userId')
            .select(['people.userId', 'people.name', 'people.email', 'people.role'])
            .select(timestampText('people.createdAt').as('createdAt'))
            .where('teamMembers.teamId', '=', teamId),
          (row) => [row.createdAt, row.userId],
        );
      },
    );

    app.put(
      '/teams/:teamId/members/:userId',
      {
        config,
        schema: {
          summary: 'Put a member of the organization into a team',
          tags,
          params: inOrganization({ teamId: Id, userId: UserId }),
          response: noContent,
        },
      },
      async (request, reply) => {
        const { database } = membershipOf(request);
        const { teamId, userId } = request.params;
        const [team, person] = [
          await database.selectFrom('teams').select('id').where('id', '=', teamId).executeTakeFirst(),
          await database.selectFrom('people').select('userId').where('userId', '=', userId).executeTakeFirst(),
        ];
        if (team === undefined) throw missing(teamId);
        if (person === undefined) throw new Problem('TF_NOT_FOUND', `No member of this organization is "${userId}".`);
        await database
          .insertInto('teamMembers')
          .values({ teamId, userId })
          .onConflict((conflict) => conflict.columns(['teamId', 'userId']).doNothing())
          .execute();
        return reply.code(204).send();
      },
    );

    app.delete(
      '/teams/:teamId/members/:userId',
      {
        config,
        schema: {
          summary: 'Take a member out of a team',
          tags,
          params: inOrganization({ teamId: Id, userId: UserId }),
          response: noContent,
        },
      },
      async (request, reply) => {
        const { teamId, userId } = request.params;
        const gone = await membershipOf(request)
          .database.deleteFrom('teamMembers')
          .where('teamId', '=', teamId)
          .where('userId', '=', userId)
          .executeTakeFirst();
        if (gone.numDeletedRows === 0n) {
          throw new Problem('TF_NOT_FOUND', `"${userId}" is not in a team ${teamId} of this organization.`);
        }
        return reply.code(204).send();
      },
    );
  };
