import type { Settings } from '../config/registry.ts';

/** A page that was read. */
export interface PageRead {
  readonly rows: number;
  readonly durationMs: number;
  /** The caller named no limit. */
  readonly byDefault: boolean;
  /** It goes on from another page. */
  readonly followed: boolean;
  /** There is a page after it. */
  readonly more: boolean;
  /** It has fewer rows because more would have taken too long. */
  readonly overTime: boolean;
}

/** What pages of lists came to since they were counted last. */
export interface PageTotals {
  readonly pages: number;
  readonly pageRows: number;
  readonly pageMs: number;
  readonly pagesByDefault: number;
  /** Of those by default: that had a page after them. */
  readonly pagesByDefaultMore: number;
  /** Of those by default: that went on from another page. */
  readonly pagesByDefaultFollowed: number;
  readonly pagesOverTime: number;
}

const none: PageTotals = {
  pages: 0,
  pageRows: 0,
  pageMs: 0,
  pagesByDefault: 0,
  pagesByDefaultMore: 0,
  pagesByDefaultFollowed: 0,
  pagesOverTime: 0,
};

/** What pages may have, as the settings say it now, and how many were read. */
export class PageCounts {
  readonly #settings: { readonly current: Pick<Settings, 'paging'> };
  #totals: PageTotals = none;

  constructor(settings: { readonly current: Pick<Settings, 'paging'> }) {
    this.#settings = settings;
  }

  get defaultLimit(): number {
    return this.#settings.current.paging.defaultLimit;
  }

  get maxLimit(): number {
    return this.#settings.current.paging.maxLimit;
  }

  get durationMs(): number {
    return this.#settings.current.paging.durationMs;
  }

  read({ rows, durationMs, byDefault, followed, more, overTime }: PageRead): void {
    const now = this.#totals;
    this.#totals = {
      pages: now.pages + 1,
      pageRows: now.pageRows + rows,
      pageMs: now.pageMs + durationMs,
      pagesByDefault: now.pagesByDefault + (byDefault ? 1 : 0),
      pagesByDefaultMore: now.pagesByDefaultMore + (byDefault && more ? 1 : 0),
      pagesByDefaultFollowed: now.pagesByDefaultFollowed + (byDefault && followed ? 1 : 0),
      pagesOverTime: now.pagesOverTime + (overTime ? 1 : 0),
    };
  }

  /** Since it was asked last. */
  take(): PageTotals {
    const taken = this.#totals;
    this.#totals = none;
    return taken;
  }
}
