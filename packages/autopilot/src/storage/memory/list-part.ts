import type { ListPart } from '../ports.ts';

/** A part of rows that are numbered, in its order. */
export function partOf<Row extends { readonly number: number }>(
  rows: readonly Row[],
  { edge, toward, limit }: ListPart,
): Row[] {
  const isOlder = toward === 'older';
  return rows
    .filter(({ number }) => edge === null || (isOlder ? number < edge : number > edge))
    .sort((a, b) => (isOlder ? b.number - a.number : a.number - b.number))
    .slice(0, limit);
}
