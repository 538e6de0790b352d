import { type SelectQueryBuilder, sql } from 'kysely';
import { Type } from 'typebox';
import type { OrganizationTables } from '../database/database.ts';
import type { OrganizationDatabase } from '../database/organization-scope.ts';
import { identityOf, membershipOf } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { Routes } from './context.ts';
import { listOrders } from './list-orders.ts';
import { nullableTimestampText, readPage, timestampText } from './listing.ts';
import { recordActivity } from './record-activity.ts';
import { answers, body, Id, inOrganization, listQuery, noContent, ProjectSchema, pageOf } from './schemas.ts';

const tags = ['projects'];
const fields = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  description: Type.String({ maxLength: 10_000 }),
  teamId: Type.Union([Id, Type.Null()]),
};

/** A project as answers show it. */
interface ProjectRow {
  id: number;
  teamId: number | null;
  name: string;
  description: string;
  archivedAt: string | null;
  createdAt: string;
  updatedAt: string;
}

function selectProjects(
  database: OrganizationDatabase,
): SelectQueryBuilder<OrganizationTables, 'projects', ProjectRow> {
  return database
    .selectFrom('projects')
    .select(['projects.id', 'projects.teamId', 'projects.name', 'projects.description'])
    .select(nullableTimestampText('projects.archivedAt').as('archivedAt'))
    .select([timestampText('projects.createdAt').as('createdAt'), timestampText('projects.updatedAt').as('updatedAt')]);
}

async function projectOf(database: OrganizationDatabase, projectId: number): Promise<ProjectRow> {
  const found = await selectProjects(database).where('projects.id', '=', projectId).executeTakeFirst();
  if (found === undefined) {
    throw new Problem('TF_NOT_FOUND', `There is no project ${projectId} in this organization.`);
  }
  return found;
}

/** Projects: what tasks are grouped by, and what a board shows. */
export const projectRoutes: Routes =
  ({ pager }) =>
  async (app) => {
    app.get(
      '/projects',
      {
        schema: {
          summary: 'The projects of the organization, by name',
          tags,
          params: inOrganization({}),
          querystring: listQuery({
            teamId: Type.Optional(Id),
            archived: Type.Optional(Type.Boolean({ default: false, description: 'The archived ones instead.' })),
          }),
          response: answers(pageOf(ProjectSchema)),
        },
      },
      async (request, reply) => {
        const { database, organizationId } = membershipOf(request);
        const { teamId, archived = false } = request.query;
        let query = selectProjects(database).where('projects.archivedAt', archived ? 'is not' : 'is', null);
        if (teamId !== undefined) query = query.where('projects.teamId', '=', teamId);
        const filter = { list: 'projects', organizationId, teamId, archived };
        return readPage(
          { pager, database },
          { ...request.query, order: listOrders.projects, filter, url: request.url },
          reply,
          query,
          (row) => [row.name],
        );
      },
    );

    app.post(
      '/projects',
      {
        schema: {
          summary: 'Start a project',
          tags,
          params: inOrganization({}),
          body: body({
            name: fields.name,
            description: Type.Optional(fields.description),
            teamId: Type.Optional(fields.teamId),
          }),
          response: answers(ProjectSchema, 201),
        },
      },
      async (request, reply) => {
        const { name, description = '', teamId = null } = request.body;
        const project = await membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            const { id } = await transaction
              .insertInto('projects')
              .values({ name, description, teamId })
              .returning('id')
              .executeTakeFirstOrThrow();
            const actorId = identityOf(request).user.id;
            await recordActivity(transaction, { kind: 'project.created', actorId, projectId: id, detail: { name } });
            return projectOf(transaction, id);
          });
        return reply.code(201).header('location', `${request.url}/${project.id}`).send(project);
      },
    );

    app.get(
      '/projects/:projectId',
      {
        schema: {
          summary: 'One project',
          tags,
          params: inOrganization({ projectId: Id }),
          response: answers(ProjectSchema),
        },
      },
      async (request) => projectOf(membershipOf(request).database, request.params.projectId),
    );

    app.patch(
      '/projects/:projectId',
      {
        schema: {
          summary: 'Change a project, archive it or take it back',
          tags,
          params: inOrganization({ projectId: Id }),
          body: body({
            name: Type.Optional(fields.name),
            description: Type.Optional(fields.description),
            teamId: Type.Optional(fields.teamId),
            archived: Type.Optional(Type.Boolean()),
          }),
          response: answers(ProjectSchema),
        },
      },
      async (request) => {
        const { projectId } = request.params;
        const { archived, ...changes } = request.body;
        return membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            const now = sql<Date>`now()`;
            await transaction
              .updateTable('projects')
              .set({ ...changes, updatedAt: now })
              .$if(archived !== undefined, (query) => query.set({ archivedAt: archived === true ? now : null }))
              .where('id', '=', projectId)
              .execute();
            const project = await projectOf(transaction, projectId);
            const actorId = identityOf(request).user.id;
            const detail = { changed: Object.keys(request.body) };
            await recordActivity(transaction, { kind: 'project.updated', actorId, projectId, detail });
            return project;
          });
      },
    );

    app.delete(
      '/projects/:projectId',
      {
        config: { minimumRole: 'admin' },
        schema: {
          summary: 'Delete a project with all of its tasks',
          tags,
          params: inOrganization({ projectId: Id }),
          response: noContent,
        },
      },
      async (request, reply) => {
        const { projectId } = request.params;
        await membershipOf(request)
          .database.transaction()
          .execute(async (transaction) => {
            const { name } = await projectOf(transaction, projectId);
            await transaction.deleteFrom('projects').where('id', '=', projectId).execute();
            const actorId = identityOf(request).user.id;
            await recordActivity(transaction, { kind: 'project.deleted', actorId, projectId, detail: { name } });
          });
        return reply.code(204).send();
      },
    );
  };
