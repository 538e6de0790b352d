import { type Family, OVERFLOW_KEY, type SeriesKey, type SeriesWindow } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { Cells, RouteStatementCells } from './cells.ts';

/** One series' cells within a closed window, not yet encoded. */
export interface ClosedSeries extends SeriesKey {
  readonly cells: Cells;
}

/** What a family leaves behind when a window closes. */
export interface ClosedFamily {
  readonly series: readonly ClosedSeries[];
  readonly overflow: number;
}

/** Encodes the cells of a closed series; moved out of closing so that no request waits for it. */
export function encodeSeries(closed: ClosedSeries): SeriesWindow {
  const { family, key, database, route, cells } = closed;
  return { family, key, database, route, cells: cells.encode() };
}

interface Slot<C> {
  readonly key: string;
  readonly database: string | null;
  /** null until the series is observed in the open window. */
  cells: C | null;
  /** Start of the last window it was observed in. */
  usedAt: EpochMs;
}

/** When full, series that were not observed for this long make room; looked at no more often than SWEEP_EVERY_MS. */
const IDLE_MS = 10 * 60_000;
const SWEEP_EVERY_MS = 60_000;

/**
 * The series of one family, at most `limit` of them beside OVERFLOW_KEY (one of those per database). A series costs
 * a window nothing unless it is observed in it.
 */
export class SeriesFamily<C extends Cells> {
  readonly #family: Family;
  #limit: number;
  readonly #makeCells: () => C;
  readonly #slots = new Map<string, Slot<C>>();
  readonly #overflowSlots = new Map<string | null, Slot<C>>();
  #observed: Slot<C>[] = [];
  #overflow = 0;
  #windowStart: EpochMs = 0;
  #sweptAt: EpochMs = Number.NEGATIVE_INFINITY;

  constructor(family: Family, limit: number, makeCells: () => C) {
    this.#family = family;
    this.#limit = limit;
    this.#makeCells = makeCells;
  }

  /** Series that have a place of their own. */
  get size(): number {
    return this.#slots.size;
  }

  /** From now on. Over a lower one, series not observed in the open window make room, those unused for longest first. */
  setLimit(limit: number): void {
    this.#limit = limit;
    if (this.#slots.size <= limit) return;
    const idle = [...this.#slots].filter(([, { cells }]) => cells === null).sort(([, a], [, b]) => a.usedAt - b.usedAt);
    for (const [id] of idle.slice(0, this.#slots.size - limit)) this.#slots.delete(id);
  }

  open(windowStart: EpochMs): void {
    this.#windowStart = windowStart;
  }

  /** The cells in the open window of the series that `id` names; `key` and `database` are what it is called outside. */
  cells(id: string, key: string, database: string | null): C {
    const slot = this.#slots.get(id) ?? this.#admit(id, key, database);
    return slot.cells ?? this.#observe(slot);
  }

  close(): ClosedFamily {
    const series: ClosedSeries[] = [];
    for (const slot of this.#observed) {
      if (slot.cells === null) continue;
      series.push({ family: this.#family, key: slot.key, database: slot.database, route: null, cells: slot.cells });
      slot.cells = null;
    }
    const overflow = this.#overflow;
    this.#observed = [];
    this.#overflow = 0;
    return { series, overflow };
  }

  #observe(slot: Slot<C>): C {
    const cells = this.#makeCells();
    slot.cells = cells;
    slot.usedAt = this.#windowStart;
    this.#observed.push(slot);
    return cells;
  }

  #admit(id: string, key: string, database: string | null): Slot<C> {
    if (key !== OVERFLOW_KEY) {
      if (this.#slots.size >= this.#limit) this.#sweep();
      if (this.#slots.size < this.#limit) {
        const slot: Slot<C> = { key, database, cells: null, usedAt: this.#windowStart };
        this.#slots.set(id, slot);
        return slot;
      }
    }
    this.#overflow++;
    const existing = this.#overflowSlots.get(database);
    if (existing !== undefined) return existing;
    const slot: Slot<C> = { key: OVERFLOW_KEY, database, cells: null, usedAt: this.#windowStart };
    this.#overflowSlots.set(database, slot);
    return slot;
  }

  #sweep(): void {
    if (Math.abs(this.#windowStart - this.#sweptAt) < SWEEP_EVERY_MS) return;
    this.#sweptAt = this.#windowStart;
    for (const [id, slot] of this.#slots) {
      if (slot.cells === null && Math.abs(this.#windowStart - slot.usedAt) >= IDLE_MS) this.#slots.delete(id);
    }
  }
}

/** How many pairs are told apart while a window is open, for each one that is kept when it closes. */
const CANDIDATES = 4;

/**
 * Pairs of route and statement. A window keeps the `limit` pairs that took most time; the calls of the others are
 * counted as overflow.
 */
export class PairFamily {
  #limit: number;
  readonly #makeCells: () => RouteStatementCells;
  #size = 0;
  #overflow = 0;
  #routes = new Map<string, Map<string, ClosedSeries & { readonly cells: RouteStatementCells }>>();

  constructor(limit: number, makeCells: () => RouteStatementCells) {
    this.#limit = limit;
    this.#makeCells = makeCells;
  }

  /** From now on, also for the open window. */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** The cells of a pair in the open window; null when it can't be told apart, which is then counted. */
  cells(route: string, statementSeriesId: string, statement: string, database: string): RouteStatementCells | null {
    const pairs = this.#routes.get(route);
    const pair = pairs?.get(statementSeriesId);
    if (pair !== undefined) return pair.cells;
    if (this.#size >= this.#limit * CANDIDATES) {
      this.#overflow++;
      return null;
    }
    this.#size++;
    const cells = this.#makeCells();
    const added = { family: 'route-statement', key: statement, database, route, cells } as const;
    if (pairs === undefined) this.#routes.set(route, new Map([[statementSeriesId, added]]));
    else pairs.set(statementSeriesId, added);
    return cells;
  }

  close(): ClosedFamily {
    let series = [...this.#routes.values()].flatMap((pairs) => [...pairs.values()]);
    let overflow = this.#overflow;
    if (series.length > this.#limit) {
      series.sort((a, b) => b.cells.totalMs - a.cells.totalMs);
      for (const left of series.slice(this.#limit)) overflow += left.cells.calls;
      series = series.slice(0, this.#limit);
    }
    this.#routes = new Map();
    this.#size = 0;
    this.#overflow = 0;
    return { series, overflow };
  }
}
