import type { ListPart } from '../ports.ts';

/** The condition on a part's rows, with its edge as $1, and their order. */
export function rangeOf(
  column: string,
  toward: ListPart['toward'],
): { readonly where: string; readonly order: string } {
  return toward === 'older'
    ? { where: `${column} < coalesce($1::bigint, 9223372036854775807)`, order: `${column} DESC` }
    : { where: `${column} > coalesce($1::bigint, 0)`, order: column };
}
