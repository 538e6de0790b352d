import { AutopilotError } from '../kernel/errors.ts';
import { bindingOf, type CursorPosition, decodeCursor, encodeCursor } from './cursor.ts';
import { type KeysetOrder, keysetCondition, keysetOrderBy, type SqlFragment, type Toward } from './keyset.ts';

export type { KeysetColumn, KeysetOrder, SqlFragment, Toward } from './keyset.ts';
export { keysetCondition, keysetOrderBy, numberedFragment } from './keyset.ts';

/** What every paged answer carries as `page`. */
export interface Page {
  readonly limit: number;
  /** The cursor of the page after this one; null: this is the last. */
  readonly next: string | null;
  /** The cursor of the page before this one; null: this is the first. */
  readonly previous: string | null;
}

export interface PagerOptions {
  /** Signs the cursors; every process of a service needs the same. At least 32 bytes. */
  readonly key: Uint8Array;
  /** Rows when the caller names no limit; default 50. */
  readonly defaultLimit?: number;
  /** The most rows a caller may ask for; default 200. */
  readonly maxLimit?: number;
}

export interface PageRequest {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  readonly order: KeysetOrder;
  /** Everything else that decides which rows the list has (tenant, filters), as a JSON value; a cursor fits no other. */
  readonly filter: unknown;
}

/** One page about to be read: put `condition`, `orderBy` and `fetch` into the query, then give its rows to `close`. */
export interface OpenPage {
  readonly limit: number;
  /** Rows to read: one more than the limit tells whether there is a further page. */
  readonly fetch: number;
  /** Absent on the first page. */
  readonly condition: SqlFragment | undefined;
  readonly orderBy: string;
  /** `valuesOf` gives a row's sort values as texts, one for each column of the order. */
  close<Row>(
    rows: readonly Row[],
    valuesOf: (row: Row) => readonly string[],
  ): { readonly items: readonly Row[]; readonly page: Page };
}

/** Opens pages of any list; holds nothing but the key, so one is enough for a process. */
export class Pager {
  readonly #key: Uint8Array;
  readonly defaultLimit: number;
  readonly maxLimit: number;

  constructor(options: PagerOptions) {
    if (options.key.length < 32) {
      throw new RangeError(`The key that signs page cursors has ${options.key.length} bytes; it needs at least 32.`);
    }
    this.#key = options.key;
    this.maxLimit = options.maxLimit ?? 200;
    this.defaultLimit = Math.min(options.defaultLimit ?? 50, this.maxLimit);
  }

  /**
   * @throws AutopilotError AP_PAGE_CURSOR_INVALID for a cursor that was forged, changed or made for another list,
   * AP_PARAMETER_INVALID for a limit that is not a whole number from 1 to `maxLimit`.
   */
  open(request: PageRequest): OpenPage {
    const { order } = request;
    const limit = this.#limit(request.limit);
    const binding = bindingOf([order.direction, order.columns.map((column) => column.sql), request.filter]);
    const from = request.cursor === undefined ? undefined : decodeCursor(this.#key, binding, request.cursor);
    const toward: Toward = from?.toward ?? 'next';
    const cursorTo = (position: CursorPosition): string => encodeCursor(this.#key, binding, position);
    return {
      limit,
      fetch: limit + 1,
      condition: from === undefined ? undefined : keysetCondition(order, from.values, toward),
      orderBy: keysetOrderBy(order, toward),
      close: (rows, valuesOf) => {
        const items = rows.slice(0, limit);
        if (toward === 'previous') items.reverse();
        // Where the page is empty (its rows are gone) the way back starts at the row that its own cursor names.
        const edge = (row: (typeof items)[number] | undefined): readonly string[] | undefined =>
          row === undefined ? from?.values : valuesOf(row);
        const cursorAt = (values: readonly string[] | undefined, way: Toward): string | null =>
          values === undefined ? null : cursorTo({ toward: way, values });
        const more = rows.length > limit;
        const hasNext = toward === 'previous' || more;
        const hasPrevious = toward === 'previous' ? more : from !== undefined;
        return {
          items,
          page: {
            limit,
            next: hasNext ? cursorAt(edge(items.at(-1)), 'next') : null,
            previous: hasPrevious ? cursorAt(edge(items[0]), 'previous') : null,
          },
        };
      },
    };
  }

  #limit(asked: number | undefined): number {
    if (asked === undefined) return this.defaultLimit;
    if (Number.isInteger(asked) && asked >= 1 && asked <= this.maxLimit) return asked;
    throw new AutopilotError(
      'AP_PARAMETER_INVALID',
      `The limit ${asked} is not a whole number from 1 to ${this.maxLimit}.`,
      { remedy: `Ask for at most ${this.maxLimit} rows and follow the "next" link for more.` },
    );
  }
}

/**
 * The value of an RFC 8288 `Link` header for a page: `first`, and `next` and `prev` where there are such pages.
 * `requestTarget` is the path and query of the request; all of its parameters but `cursor` are kept.
 */
export function linkHeader(requestTarget: string, page: Page): string {
  const mark = requestTarget.indexOf('?');
  const path = mark === -1 ? requestTarget : requestTarget.slice(0, mark);
  const link = (cursor: string | undefined, relation: string): string => {
    const query = new URLSearchParams(mark === -1 ? '' : requestTarget.slice(mark + 1));
    query.delete('cursor');
    if (cursor !== undefined) query.set('cursor', cursor);
    const search = query.toString();
    return `<${search === '' ? path : `${path}?${search}`}>; rel="${relation}"`;
  };
  return [
    link(undefined, 'first'),
    ...(page.next === null ? [] : [link(page.next, 'next')]),
    ...(page.previous === null ? [] : [link(page.previous, 'prev')]),
  ].join(', ');
}
