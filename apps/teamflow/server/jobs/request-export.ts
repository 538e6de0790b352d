import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { forOrganization } from '../database/organization-scope.ts';
import { Problem } from '../http/problem.ts';
import type { ExportPayload } from './export-project.ts';
import { type JobKind, jobsSchema } from './job-kinds.ts';

/** Files that one member may have in an organization until they expire. */
const MAX_EXPORTS = 10;
const kind: JobKind = 'export';

/** Asks for an export of a project; answers its id. */
export type RequestExport = (organizationId: string, projectId: number, userId: string) => Promise<string>;

/**
 * Puts an export and its job there together, or neither. One of the same project that has not ended yet is answered again.
 * @throws Problem TF_NOT_FOUND, TF_TOO_MANY
 */
export function requestExport(database: Database): RequestExport {
  return (organizationId, projectId, userId) =>
    database.transaction().execute(async (transaction) => {
      const own = forOrganization(transaction, organizationId);
      const project = await own.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst();
      if (project === undefined) {
        throw new Problem('TF_NOT_FOUND', `There is no project ${projectId} in this organization.`);
      }
      const held = await own
        .selectFrom('exports')
        .select(['id', 'projectId', 'status'])
        .where('requestedBy', '=', userId)
        .where('expiresAt', '>', sql<Date>`now()`)
        .execute();
      const open = held.find(
        (one) => one.projectId === projectId && (one.status === 'queued' || one.status === 'running'),
      );
      if (open !== undefined) return open.id;
      if (held.length >= MAX_EXPORTS) {
        throw new Problem('TF_TOO_MANY', `You have ${held.length} exports already. Each is deleted after a day.`);
      }
      const { id: exportId } = await own
        .insertInto('exports')
        .values({ projectId, requestedBy: userId })
        .returning('id')
        .executeTakeFirstOrThrow();
      const payload: ExportPayload = { organizationId, exportId };
      await sql`select ${sql.id(jobsSchema, 'add_job')}(${kind}, ${JSON.stringify(payload)}::json, max_attempts => 5)`.execute(
        transaction,
      );
      return exportId;
    });
}
