import { Type } from 'typebox';
import { identityOf, membershipOf, strongestRole } from '../http/identity.ts';
import type { AccountContext, Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { readPage, timestampText } from './listing.ts';
import { answers, inOrganization, listQuery, OrganizationSchema, pageOf } from './schemas.ts';

const Me = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    name: Type.String(),
    email: Type.String(),
    role: Type.String({ enum: ['admin', 'user'], description: 'admin: runs this installation.' }),
    by: Type.String({ enum: ['session', 'api-key'] }),
  },
  { additionalProperties: false },
);

/** Who the caller is and where he belongs: the routes outside any organization. */
export const meRoutes: Routes<AccountContext> =
  ({ database, pager }) =>
  async (app) => {
    app.get(
      '/me',
      { schema: { summary: 'Who is signed in', tags: ['account'], response: answers(Me) } },
      async (request) => {
        const { user, by } = identityOf(request);
        return { ...user, by };
      },
    );

    app.get(
      '/organizations',
      {
        schema: {
          summary: 'The organizations of the caller',
          tags: ['account'],
          querystring: listQuery({}),
          response: answers(pageOf(OrganizationSchema)),
        },
      },
      async (request, reply) => {
        const { user } = identityOf(request);
        const query = database
          .selectFrom('members')
          .innerJoin('organizations', 'organizations.id', 'members.organizationId')
          .select(['organizations.id', 'organizations.name', 'organizations.slug', 'members.role'])
          .select(timestampText('members.createdAt').as('since'))
          .where('members.userId', '=', user.id);
        const { items, page } = await readPage(
          { pager, database },
          {
            ...request.query,
            order: listOrders.myOrganizations,
            filter: { list: 'organizations', user: user.id },
            url: request.url,
          },
          reply,
          query,
          (row) => [row.since, row.id],
        );
        return {
          items: items.map(({ id, name, slug, role }) => ({ id, name, slug, role: strongestRole(role) })),
          page,
        };
      },
    );
  };

/** The organization itself. */
export const organizationRoutes: Routes<AccountContext> =
  ({ database }) =>
  async (app) => {
    app.get(
      '',
      {
        schema: {
          summary: 'One organization',
          tags: ['organization'],
          params: inOrganization({}),
          response: answers(OrganizationSchema),
        },
      },
      async (request) => {
        const { organizationId, role } = membershipOf(request);
        const found = await database
          .selectFrom('organizations')
          .select(['id', 'name', 'slug'])
          .where('id', '=', organizationId)
          .executeTakeFirstOrThrow();
        return { ...found, role };
      },
    );
  };
