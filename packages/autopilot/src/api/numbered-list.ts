import type { KeysetOrder, OpenPage } from '../page/page.ts';
import type { ListPart } from '../storage/ports.ts';

/** The order of lists whose rows are numbered as they come. */
export const newestFirst: KeysetOrder = { columns: [{ sql: 'number', type: 'bigint' }], direction: 'descending' };

/** The part of such a list that a page is read from. */
export function partOf({ from, toward, fetch }: OpenPage): ListPart {
  const [edge] = from ?? [];
  return {
    edge: edge === undefined ? null : Number(edge),
    toward: toward === 'previous' ? 'newer' : 'older',
    limit: fetch,
  };
}
