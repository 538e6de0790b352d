import type pg from 'pg';
import { messageOf } from '../kernel/errors.ts';
import type { NamedStatement } from './target-catalog.ts';

/** Statements sent at once; when one of them fails they are sent one by one. */
const batchSize = 60;

/** Runs statements of which some may fail, many in one journey. Answers those that failed, with the reason. */
export async function runAll(
  client: pg.Client,
  statements: readonly NamedStatement[],
): Promise<readonly (NamedStatement & { readonly reason: string })[]> {
  const failures: (NamedStatement & { readonly reason: string })[] = [];
  for (let at = 0; at < statements.length; at += batchSize) {
    const batch = statements.slice(at, at + batchSize);
    try {
      await client.query(batch.map(({ sql }) => sql.replace(/;\s*$/, '')).join(';\n'));
    } catch {
      for (const { subject, sql } of batch) {
        try {
          await client.query(sql);
        } catch (error) {
          failures.push({ subject, sql, reason: messageOf(error) });
        }
      }
    }
  }
  return failures;
}
