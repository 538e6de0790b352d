import type { ColumnFactsBook } from './column-facts.ts';
import { candidateDdl, type IndexCandidate } from './index-candidate.ts';
import { qualified, quoted } from './shadow-ddl.ts';
import type { TargetTable } from './target-catalog.ts';

/** Gives indexes names that no other one of the database has, nor any that was given before. */
export class IndexNames {
  readonly #book: ColumnFactsBook;
  readonly #given = new Set<string>();

  constructor(book: ColumnFactsBook) {
    this.#book = book;
  }

  /** Table and columns, as PostgreSQL names indexes itself; at most 63 bytes. */
  nameFor({ table, keys, where }: IndexCandidate): string {
    const words = [table.name, ...keys.map(({ column }) => column), ...(where === null ? [] : ['where'])];
    return this.#free(table, words);
  }

  #free(table: TargetTable, words: readonly string[]): string {
    const stem = words.join('_').replaceAll(/[^\p{L}\p{N}_]+/gu, '_');
    for (let number = 0; ; number += 1) {
      const end = number === 0 ? '_idx' : `_idx${number}`;
      const start = Buffer.from(stem)
        .subarray(0, 63 - end.length)
        .toString()
        .replaceAll('\uFFFD', '');
      const name = start + end;
      const place = qualified({ schema: table.schema, name });
      if (this.#given.has(place) || this.#book.indexById(place) || this.#book.table(table.schema, name)) continue;
      this.#given.add(place);
      return name;
    }
  }
}

/**
 * The statements that make an index while others read and write, each by itself and outside a transaction. A partitioned table gets an
 * index that is not valid yet, each partition one of its own beside the traffic, and these are attached: with the last of them it is valid.
 */
export function indexSteps(
  candidate: IndexCandidate,
  name: string,
  book: ColumnFactsBook,
  names: IndexNames,
): readonly string[] {
  const { table } = candidate;
  if (table.kind !== 'p') return [candidateDdl(candidate, name, 'concurrently')];
  return [
    candidateDdl(candidate, name, 'only'),
    ...book.partitions(table).flatMap((partition) => {
      const own = { ...candidate, table: partition };
      const part = names.nameFor(own);
      return [
        ...indexSteps(own, part, book, names),
        `ALTER INDEX ${qualified({ schema: table.schema, name })} ATTACH PARTITION ${quoted(partition.schema)}.${quoted(part)}`,
      ];
    }),
  ];
}
