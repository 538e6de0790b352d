import { setImmediate as immediate } from 'node:timers/promises';
import type { Cell, Family, SeriesKey, SeriesWindow, Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { CellAccumulator, layouts } from '../storage/cell-accumulator.ts';

/** About a millisecond of work. */
const SERIES_PER_TURN = 500;

interface MergedSeries extends SeriesKey {
  readonly cells: CellAccumulator;
}

/** Several windows of one instance becoming one: counters add, gauges join their samples, histograms merge. */
export class WindowMerge {
  readonly #series = new Map<string, MergedSeries>();
  readonly #overflow: Partial<Record<Family, number>> = {};
  #start: EpochMs = Number.POSITIVE_INFINITY;
  #end: EpochMs = Number.NEGATIVE_INFINITY;

  get empty(): boolean {
    return this.#end === Number.NEGATIVE_INFINITY;
  }

  /** Start of the earliest window in it; Infinity while empty. */
  get start(): EpochMs {
    return this.#start;
  }

  add(window: Window): void {
    this.#start = Math.min(this.#start, window.start);
    this.#end = Math.max(this.#end, window.start + window.durationMs);
    for (const series of window.series) this.#addSeries(series);
    // Object.entries knows the keys of a Record as string only.
    for (const [family, count] of Object.entries(window.overflow) as [Family, number][])
      this.#overflow[family] = (this.#overflow[family] ?? 0) + count;
  }

  /** The same in turns, so that thousands of series never hold the event loop for more than a few milliseconds. */
  async addInTurns(window: Window): Promise<void> {
    const { series } = window;
    for (let at = SERIES_PER_TURN; at < series.length; at += SERIES_PER_TURN) {
      this.add({ ...window, series: series.slice(at, at + SERIES_PER_TURN), overflow: {} });
      await immediate();
    }
    this.add(series.length > SERIES_PER_TURN ? { ...window, series: series.slice(0, SERIES_PER_TURN) } : window);
  }

  /** From the start of the first to the end of the last; time between them without a window counts in. */
  window(): Window {
    return {
      start: this.#start,
      durationMs: this.#end - this.#start,
      series: Array.from(this.#series.values(), encode),
      overflow: { ...this.#overflow },
    };
  }

  #addSeries({ family, key, database, route, cells }: SeriesWindow): void {
    const name = `${family}\n${route ?? ''}\n${database ?? ''}\n${key}`;
    let merged = this.#series.get(name);
    if (merged === undefined) {
      merged = { family, key, database, route, cells: new CellAccumulator(family) };
      this.#series.set(name, merged);
    }
    const { indexOf } = layouts[family];
    for (const [field, cell] of Object.entries(cells)) {
      const index = indexOf.get(field);
      if (index !== undefined) merged.cells.add(index, cell);
    }
  }
}

function encode({ family, key, database, route, cells: merged }: MergedSeries): SeriesWindow {
  const cells: Record<string, Cell> = {};
  layouts[family].names.forEach((name, index) => {
    const cell = merged.cell(index);
    if (cell !== undefined) cells[name] = cell;
  });
  return { family, key, database, route, cells };
}
