import { createHash } from 'node:crypto';
import type { DatabaseIndex } from '../../contract/database.ts';

/** A digest of the indexes there are: advice that was worked out among other ones says nothing of these. */
export function indexCatalog(indexes: readonly Pick<DatabaseIndex, 'definition' | 'isValid'>[]): string {
  const lines = indexes.map(({ definition, isValid }) => `${definition} ${isValid}`).toSorted();
  return createHash('sha256').update(lines.join('\n')).digest('base64url');
}
