import { type SqlBool, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { forOrganization } from '../database/organization-scope.ts';
import { nullableTimestampText, timestampText } from '../routes/listing.ts';
import { csvLine } from './csv.ts';
import type { JobHandler } from './job-kinds.ts';

/** What a file may hold; beyond it the export says that it is cut. */
const MAX_ROWS = 50_000;
const MAX_BYTES = 8 * 1024 * 1024;
const PAGE = 500;

const columns = [
  'id',
  'title',
  'status',
  'priority',
  'assignee',
  'due on',
  'labels',
  'created at',
  'updated at',
  'completed at',
  'description',
] as const;

/** What the job of one export is told. */
export interface ExportPayload {
  readonly organizationId: string;
  readonly exportId: string;
}

/** Writes the tasks of a project, oldest first, into the row of the export, and tells who asked for it. */
export const exportProject: JobHandler = async (payload, { database, signal, isLastAttempt }) => {
  // Written by requestExport() alone.
  const asked = payload as ExportPayload;
  try {
    await writeExport(asked, database, signal);
  } catch (error) {
    if (isLastAttempt) {
      await forOrganization(database, asked.organizationId)
        .updateTable('exports')
        .set({ status: 'failed', finishedAt: sql<Date>`now()` })
        .where('id', '=', asked.exportId)
        .execute();
    }
    throw error;
  }
};

async function writeExport(payload: ExportPayload, database: Database, signal: AbortSignal): Promise<void> {
  const { organizationId, exportId } = payload;
  const own = forOrganization(database, organizationId);
  const asked = await own
    .updateTable('exports')
    .set({ status: 'running' })
    .where('id', '=', exportId)
    .where('status', 'in', ['queued', 'running'])
    .returning(['projectId', 'requestedBy'])
    .executeTakeFirst();
  // Done by a run before this one, or gone with its project.
  if (asked === undefined) return;
  const { projectId, requestedBy } = asked;

  const head = Buffer.from(`\ufeff${csvLine(columns)}`);
  const parts: Buffer[] = [head];
  let bytes = head.length;
  let rowCount = 0;
  let isCut = false;
  let after: { readonly createdAt: string; readonly id: number } | null = null;
  pages: for (;;) {
    signal.throwIfAborted();
    let query = own
      .selectFrom('tasks')
      .leftJoin('people', 'people.userId', 'tasks.assigneeId')
      .select(['tasks.id', 'tasks.title', 'tasks.description', 'tasks.status', 'tasks.priority', 'tasks.labels'])
      .select(['people.name as assignee', 'tasks.dueOn', nullableTimestampText('tasks.completedAt').as('completedAt')])
      .select([timestampText('tasks.createdAt').as('createdAt'), timestampText('tasks.updatedAt').as('updatedAt')])
      .where('tasks.projectId', '=', projectId)
      .orderBy('tasks.createdAt')
      .orderBy('tasks.id')
      .limit(PAGE);
    if (after !== null) {
      query = query.where(
        sql<SqlBool>`(tasks.created_at, tasks.id) > (${after.createdAt}::timestamptz, ${after.id}::bigint)`,
      );
    }
    const rows = await query.execute();
    for (const row of rows) {
      const { id, title, status, priority, assignee, dueOn, labels, createdAt, updatedAt, completedAt } = row;
      const text = [title, status, priority, assignee, dueOn, labels.join(' '), createdAt, updatedAt, completedAt];
      const line = Buffer.from(csvLine([id, ...text, row.description]));
      if (rowCount === MAX_ROWS || bytes + line.length > MAX_BYTES) {
        isCut = true;
        break pages;
      }
      parts.push(line);
      bytes += line.length;
      rowCount++;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) break;
    after = { createdAt: last.createdAt, id: last.id };
  }

  await own.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('exports')
      .set({ status: 'done', file: Buffer.concat(parts), rowCount, isCut, finishedAt: sql<Date>`now()` })
      .where('id', '=', exportId)
      .execute();
    await transaction
      .insertInto('notifications')
      .values({
        userId: requestedBy,
        kind: 'export',
        projectId,
        detail: JSON.stringify({ exportId, rowCount, isCut }),
        onceKey: `export ${exportId}`,
      })
      .onConflict((conflict) => conflict.columns(['userId', 'onceKey']).doNothing())
      .execute();
  });
}
