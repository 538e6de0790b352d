import { AutopilotError } from '../kernel/errors.ts';
import type { PageCount } from './count.ts';
import { bindingOf, type CursorPosition, decodeCursor, encodeCursor } from './cursor.ts';
import {
  type KeysetOrder,
  type KeysetValue,
  keysetBranches,
  keysetOrderBy,
  keysetOrderByNames,
  type SqlFragment,
  type Toward,
} from './keyset.ts';

export { type CountSource, countRows, type PageCount, plannedRows } from './count.ts';
export type { Direction, KeysetColumn, KeysetOrder, KeysetValue, SqlFragment, Toward } from './keyset.ts';
export { numberedFragment } from './keyset.ts';
export { type PageBudget, type PageStep, readWithin } from './read-within.ts';

/** Which budget a page was cut to. */
export type PageCut = 'bytes' | 'time';

/** What every paged answer carries as `page`. */
export interface Page {
  /** What was asked for; a page that was cut has fewer items and yet a next page. */
  readonly limit: number;
  /** The cursor of the page after this one; null: this is the last. */
  readonly next: string | null;
  /** The cursor of the page before this one; null: this is the first. */
  readonly previous: string | null;
  /** Why the page has fewer items than asked for though there are more; absent: it was not cut. */
  readonly cut?: PageCut;
  /** Given where it costs nothing, as on a list's only page, and where it was asked for. */
  readonly count?: PageCount;
}

/** A page's items in their order, and where the list goes on. */
export interface ClosedPage<Row> {
  readonly items: readonly Row[];
  readonly page: Page;
}

export interface PagerOptions {
  /** Signs the cursors; every process of a service needs the same. At least 32 bytes. */
  readonly key: Uint8Array;
  /** Rows when the caller names no limit; default 50. */
  readonly defaultLimit?: number;
  /** The most rows a caller may ask for; default 200. */
  readonly maxLimit?: number;
  /** `agent.paging`: limits by settings, which may change while the service runs. They stand in for the other two. */
  readonly limits?: PageLimits;
}

/** What pages may have now, and who is told of those that were read. */
export interface PageLimits {
  readonly defaultLimit: number;
  readonly maxLimit: number;
  /** Of a page of many rows. */
  readonly durationMs: number;
  read(page: {
    readonly rows: number;
    readonly durationMs: number;
    /** The caller named no limit. */
    readonly byDefault: boolean;
    /** It goes on from another page. */
    readonly followed: boolean;
    readonly more: boolean;
    /** Cut because more would have taken too long. */
    readonly overTime: boolean;
  }): void;
}

export interface PageRequest {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  readonly order: KeysetOrder;
  /** Everything else that decides which rows the list has (tenant, filters), as a JSON value; a cursor fits no other. */
  readonly filter: unknown;
}

/** One page about to be read: put `branches`, `orderBy` and `fetch` into the query, then give its rows to `close`. */
export interface OpenPage {
  readonly limit: number;
  /** The caller named no limit. */
  readonly byDefault: boolean;
  /** By which limits it was opened; absent: those that the pager was made with. */
  readonly limits?: PageLimits;
  /** Rows to read: one more than the limit tells whether there is a further page. */
  readonly fetch: number;
  /** The sort values of the row that the cursor names; absent on the first page. */
  readonly from: readonly KeysetValue[] | undefined;
  readonly toward: Toward;
  /**
   * Absent on the first page. Otherwise the conditions of a UNION ALL, each one index range and each to be ordered and
   * limited by itself; usually one, and none when no row can follow.
   */
  readonly branches: readonly SqlFragment[] | undefined;
  readonly orderBy: string;
  /** `orderBy` for a query whose sort columns go by these names. */
  orderByNames(names: readonly string[]): string;
  /** The branches of this page beyond a row that was read already. */
  branchesBeyond(values: readonly KeysetValue[]): readonly SqlFragment[];
  /** `valuesOf` gives a row's sort values as texts, one for each column of the order. */
  close<Row>(
    rows: readonly Row[],
    valuesOf: (row: Row) => readonly KeysetValue[],
    known?: { readonly cut?: PageCut; readonly count?: PageCount },
  ): ClosedPage<Row>;
}

/** Opens pages of any list; holds nothing but the key and the limits, so one is enough for a process. */
export class Pager {
  readonly #key: Uint8Array;
  readonly #options: PagerOptions;

  constructor(options: PagerOptions) {
    if (options.key.length < 32) {
      throw new RangeError(`The key that signs page cursors has ${options.key.length} bytes; it needs at least 32.`);
    }
    this.#key = options.key;
    this.#options = options;
  }

  get maxLimit(): number {
    const { limits, maxLimit = 200 } = this.#options;
    return limits?.maxLimit ?? maxLimit;
  }

  get defaultLimit(): number {
    const { limits, defaultLimit = 50 } = this.#options;
    return Math.min(limits?.defaultLimit ?? defaultLimit, this.maxLimit);
  }

  /**
   * @throws AutopilotError AP_PAGE_CURSOR_INVALID for a cursor that was forged, changed or made for another list,
   * AP_PARAMETER_INVALID for a limit that is not a whole number from 1 to `maxLimit`.
   */
  open(request: PageRequest): OpenPage {
    const { order } = request;
    const limit = this.#limit(request.limit);
    const columns = order.columns.map(({ sql, direction, nulls }) => [sql, direction, nulls]);
    const binding = bindingOf([order.direction, columns, request.filter]);
    const position = request.cursor === undefined ? undefined : decodeCursor(this.#key, binding, request.cursor);
    const from = position?.values;
    const toward: Toward = position?.toward ?? 'next';
    const cursorTo = (to: CursorPosition): string => encodeCursor(this.#key, binding, to);
    const { limits } = this.#options;
    return {
      limit,
      byDefault: request.limit === undefined,
      ...(limits === undefined ? {} : { limits }),
      fetch: limit + 1,
      from,
      toward,
      branches: from === undefined ? undefined : keysetBranches(order, from, toward),
      orderBy: keysetOrderBy(order, toward),
      orderByNames: (names) => keysetOrderByNames(order, toward, names),
      branchesBeyond: (values) => keysetBranches(order, values, toward),
      close: (rows, valuesOf, known = {}) => {
        const items = rows.slice(0, limit);
        if (toward === 'previous') items.reverse();
        // Where the page is empty (its rows are gone) the way back starts at the row that its own cursor names.
        const edge = (row: (typeof items)[number] | undefined): readonly KeysetValue[] | undefined =>
          row === undefined ? from : valuesOf(row);
        const cursorAt = (values: readonly KeysetValue[] | undefined, way: Toward): string | null =>
          values === undefined ? null : cursorTo({ toward: way, values });
        const more = rows.length > limit || known.cut !== undefined;
        const hasNext = toward === 'previous' || more;
        const hasPrevious = toward === 'previous' ? more : from !== undefined;
        const count = known.count ?? (hasNext || hasPrevious ? undefined : { value: items.length, exact: true });
        return {
          items,
          page: {
            limit,
            next: hasNext ? cursorAt(edge(items.at(-1)), 'next') : null,
            previous: hasPrevious ? cursorAt(edge(items[0]), 'previous') : null,
            ...(known.cut === undefined ? {} : { cut: known.cut }),
            ...(count === undefined ? {} : { count }),
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
