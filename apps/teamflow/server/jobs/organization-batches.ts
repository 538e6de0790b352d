import type { Database } from '../database/database.ts';

const BATCH = 100;

/** All organizations by id, some at a time, so that no statement of a job takes long. @throws when `signal` aborts */
export async function* organizationBatches(database: Database, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    signal.throwIfAborted();
    const rows = await database
      .selectFrom('organizations')
      .select('id')
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
    yield rows.map(({ id }) => id);
  }
}
