import type { PageCount } from './count.ts';
import type { KeysetValue, SqlFragment } from './keyset.ts';
import type { ClosedPage, OpenPage, PageCut } from './page.ts';

/** What one page may cost. */
export interface PageBudget {
  /** Of the rows as JSON; default 1 MiB. One row is served whatever its size. */
  readonly bytes?: number;
  /** Default that of the pager's limits, or 1,000. The first rows are waited for; it decides how many more are read. */
  readonly durationMs?: number;
}

/** One statement of a page. */
export interface PageStep {
  /** As in OpenPage. */
  readonly branches: readonly SqlFragment[] | undefined;
  readonly orderBy: string;
  /** Rows to read. */
  readonly fetch: number;
}

/** Rows of the first statement at most: the usual page and the one more row that tells of a next page. */
const firstRows = 51;
const defaultBytes = 1024 * 1024;
const defaultDurationMs = 1000;

/**
 * Reads a page in one statement, or in two when many rows were asked for: what the first rows weigh and how long they
 * took tells how many more fit. A page that was cut says so and goes on at its `next`.
 */
export async function readWithin<Row>(
  open: OpenPage,
  read: (step: PageStep) => Promise<readonly Row[]>,
  valuesOf: (row: Row) => readonly KeysetValue[],
  options: PageBudget & { readonly count?: PageCount | undefined; readonly now?: () => number } = {},
): Promise<ClosedPage<Row>> {
  const { limits } = open;
  const { bytes: bytesAllowed = defaultBytes, durationMs = limits?.durationMs ?? defaultDurationMs, count } = options;
  const now = options.now ?? (() => performance.now());
  const startedAt = now();
  const { orderBy } = open;
  const rows: Row[] = [];
  let bytes = 0;
  /** False when the next one does not fit. The one row beyond the limit is not sent and costs nothing. */
  const take = (row: Row): boolean => {
    const size = rows.length < open.limit ? Buffer.byteLength(JSON.stringify(row)) : 0;
    if (rows.length > 0 && bytes + size > bytesAllowed) return false;
    bytes += size;
    rows.push(row);
    return true;
  };
  const close = (cut?: PageCut): ClosedPage<Row> => {
    const known = { ...(cut === undefined ? {} : { cut }), ...(count === undefined ? {} : { count }) };
    const closed = open.close(rows, valuesOf, known);
    limits?.read({
      rows: closed.items.length,
      durationMs: now() - startedAt,
      byDefault: open.byDefault,
      followed: open.from !== undefined,
      more: closed.page.next !== null,
      overTime: cut === 'time',
    });
    return closed;
  };

  const first = Math.min(open.fetch, firstRows);
  const head = await read({ branches: open.branches, orderBy, fetch: first });
  if (!head.every(take)) return close('bytes');
  const last = rows.at(-1);
  if (head.length < first || first === open.fetch || last === undefined) return close();

  const wanted = open.fetch - rows.length;
  const elapsedMs = Math.max(now() - startedAt, Number.MIN_VALUE);
  const fitting: readonly [PageCut, number][] = [
    ['bytes', Math.floor(((bytesAllowed - bytes) * rows.length) / bytes)],
    ['time', Math.floor(((durationMs - elapsedMs) * rows.length) / elapsedMs)],
  ];
  const [by, fit] = fitting.reduce((least, one) => (one[1] < least[1] ? one : least));
  if (fit < 1) return close(by);
  const fetch = Math.min(wanted, fit);
  const tail = await read({ branches: open.branchesBeyond(valuesOf(last)), orderBy, fetch });
  if (!tail.every(take)) return close('bytes');
  return fetch < wanted && tail.length === fetch ? close(by) : close();
}
