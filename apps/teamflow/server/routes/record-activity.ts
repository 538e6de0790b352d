import type { Transaction } from 'kysely';
import type { OrganizationTables } from '../database/database.ts';

/** Something that somebody did, for the activity feed. */
export interface Deed {
  readonly kind: `${'task' | 'comment' | 'project' | 'team' | 'member'}.${string}`;
  readonly actorId: string;
  readonly projectId?: number;
  readonly taskId?: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Adds to the feed in the transaction that does the deed, so that neither is there without the other. */
export async function recordActivity(transaction: Transaction<OrganizationTables>, deed: Deed): Promise<void> {
  await transaction
    .insertInto('activity')
    .values({
      kind: deed.kind,
      actorId: deed.actorId,
      projectId: deed.projectId ?? null,
      taskId: deed.taskId ?? null,
      detail: JSON.stringify(deed.detail),
    })
    .execute();
}
