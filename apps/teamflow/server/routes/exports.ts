import { sql } from 'kysely';
import { Type } from 'typebox';
import { identityOf, type Membership, membershipOf } from '../http/identity.ts';
import { Problem } from '../http/problem.ts';
import type { RequestExport } from '../jobs/request-export.ts';
import type { RouteContext, Routes } from './context.ts';
import { nullableTimestampText, timestampText } from './listing.ts';
import { answers, ExportSchema, Id, inOrganization, UserId } from './schemas.ts';

const tags = ['exports'];

/** What the routes of exports are made with. */
export interface ExportContext extends RouteContext {
  readonly requestExport: RequestExport;
}

interface ExportRow {
  id: string;
  projectId: number;
  status: string;
  rowCount: number | null;
  isCut: boolean;
  createdAt: string;
  finishedAt: string | null;
  expiresAt: string;
}

/** An export as answers show it; to everybody but who asked for it, it is not there. */
async function exportOf({ database }: Membership, exportId: string, userId: string): Promise<ExportRow> {
  const found = await database
    .selectFrom('exports')
    .select(['exports.id', 'exports.projectId', 'exports.status', 'exports.rowCount', 'exports.isCut'])
    .select([timestampText('exports.createdAt').as('createdAt'), timestampText('exports.expiresAt').as('expiresAt')])
    .select(nullableTimestampText('exports.finishedAt').as('finishedAt'))
    .where('exports.id', '=', exportId)
    .where('exports.requestedBy', '=', userId)
    .where('exports.expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst();
  if (found === undefined) throw new Problem('TF_NOT_FOUND', `You have no export ${exportId} in this organization.`);
  return found;
}

/** The tasks of a project as a CSV file, made in the background. */
export const exportRoutes: Routes<ExportContext> =
  ({ requestExport }) =>
  async (app) => {
    app.post(
      '/projects/:projectId/exports',
      {
        schema: {
          summary: 'Ask for the tasks of a project as CSV',
          description:
            'It is made in the background: ask the address in Location until its status is `done`, then get its file. A file holds at most 50,000 tasks and 8 MiB (`isCut` says that there are more), and is deleted after a day.',
          tags,
          params: inOrganization({ projectId: Id }),
          response: answers(ExportSchema, 202),
        },
      },
      async (request, reply) => {
        const membership = membershipOf(request);
        const { organizationId } = membership;
        const { id: userId } = identityOf(request).user;
        const exportId = await requestExport(organizationId, request.params.projectId, userId);
        const address = `/api/v1/organizations/${organizationId}/exports/${exportId}`;
        return reply
          .code(202)
          .header('location', address)
          .send(await exportOf(membership, exportId, userId));
      },
    );

    app.get(
      '/exports/:exportId',
      {
        schema: {
          summary: 'How an export of yours is doing',
          tags,
          params: inOrganization({ exportId: UserId }),
          response: answers(ExportSchema),
        },
      },
      async (request) => exportOf(membershipOf(request), request.params.exportId, identityOf(request).user.id),
    );

    app.get(
      '/exports/:exportId/file',
      {
        schema: {
          summary: 'The file of an export of yours, as text/csv',
          tags,
          params: inOrganization({ exportId: UserId }),
          response: answers(Type.String({ description: 'CSV by RFC 4180 in UTF-8, with a line of names.' })),
        },
      },
      async (request, reply) => {
        const membership = membershipOf(request);
        const { exportId } = request.params;
        const { status, projectId } = await exportOf(membership, exportId, identityOf(request).user.id);
        if (status !== 'done') throw new Problem('TF_CONFLICT', `The export is ${status}; it has no file yet.`);
        const { file } = await membership.database
          .selectFrom('exports')
          .select('exports.file')
          .where('exports.id', '=', exportId)
          .executeTakeFirstOrThrow();
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="project-${projectId}-tasks.csv"`)
          .send(file);
      },
    );
  };
