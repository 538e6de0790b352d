import { setImmediate as immediate } from 'node:timers/promises';
import type { Cell, Family, Origin, SeriesWindow, Window } from '../../contract/series.ts';
import type { Clock } from '../../kernel/clock.ts';
import { ByteWriter } from '../bytes.ts';
import { CellAccumulator, layouts } from '../cell-accumulator.ts';
import type { Appended } from '../ports.ts';
import { type CellSource, writeCells } from './cell-codec.ts';
import { PackWriter } from './pack.ts';
import { ACCEPTED_AHEAD_MS, ACCEPTED_BACK_MS, LONGEST_WINDOW_MS } from './retention.ts';
import { blocksOfSeries, scopeIdOf, storableName } from './series-id.ts';
import { type NumberedSeries, SeriesNumbers } from './series-numbers.ts';
import type { StoreConnection } from './store-connection.ts';
import { familiesWithTotal, familyNumbers } from './stored-names.ts';

/**
 * The agent's half of the store: hands windows over in one call of `append_windows_v1`, a transaction. (More than 2 MB, as after an
 * outage, in several.)
 *
 * Cost for 200 series: half a millisecond of this process's CPU. It yields every 500 series, so that it never holds the event loop for
 * more than a few milliseconds. Memory: names handed over are remembered as numbers, at most 50,000.
 */

const SERIES_PER_BLOCK = 64;
const SERIES_PER_TURN = 500;
/** Cells in one call; more windows, as after an outage, are handed over in several. */
const CALL_BYTES = 2 * 1024 * 1024;
const MOST_NAMES = 50_000;
/** Names are handed over again after a day: the store removes names that it has not seen for two years. */
const NAMES_VALID_MS = 86_400_000;
const TOTAL_KEY = '';

/** The arguments of one call. */
interface Batch {
  readonly starts: number[];
  readonly durations: number[];
  readonly overflows: (string | null)[];
  readonly blocks: {
    readonly window: number;
    readonly family: number;
    readonly first: number;
    readonly last: number;
    readonly cells: Uint8Array;
  }[];
  /** Series whose names go along, by number. */
  readonly names: Map<number, NumberedSeries>;
  bytes: number;
}

function emptyBatch(): Batch {
  return { starts: [], durations: [], overflows: [], blocks: [], names: new Map(), bytes: 0 };
}

interface AppendRow {
  readonly taken: number;
  readonly duplicates: number;
  readonly too_old: number;
  readonly ahead: number;
}

export class WindowWriter {
  readonly #connection: StoreConnection;
  readonly #clock: Clock | null;
  readonly #numbers = new SeriesNumbers();
  #named: Set<number> = new Set();
  #namedSince = 0;
  readonly #cells = new ByteWriter();
  readonly #pack = new PackWriter();

  /** `clock`: null for the server's, which all instances share. */
  constructor(connection: StoreConnection, clock: Clock | null) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /**
   * Throws when the store is away. The windows are then to be handed in again as they are, all of them: those of a call that
   * succeeded before are known. (Merged into longer ones they would be new windows: that is for those that were never handed in.)
   */
  async append(origin: Origin, windows: readonly Window[]): Promise<Appended> {
    const named: Origin = {
      service: storableName(origin.service),
      instance: storableName(origin.instance),
      release: storableName(origin.release),
    };
    const answer = { taken: 0, duplicates: 0, tooOld: 0, ahead: 0, impossible: 0, invalid: 0 };
    const send = async (batch: Batch): Promise<void> => {
      const row = await this.#send(named, batch);
      answer.taken += row.taken;
      answer.duplicates += row.duplicates;
      answer.tooOld += row.too_old;
      answer.ahead += row.ahead;
    };
    let batch = emptyBatch();
    const seen = new Set<string>();
    for (const window of windows) {
      const { start, durationMs } = window;
      if (!isPossible(window)) answer.impossible++;
      else if (seen.has(`${start} ${durationMs}`)) answer.duplicates++;
      else {
        seen.add(`${start} ${durationMs}`);
        answer.invalid += await this.#encode(named.service, window, batch);
        if (batch.bytes < CALL_BYTES) continue;
        await send(batch);
        batch = emptyBatch();
      }
    }
    if (batch.starts.length > 0) await send(batch);
    const reasons = reasonsOf(answer);
    return {
      taken: answer.taken,
      duplicates: answer.duplicates,
      refused: answer.tooOld + answer.ahead + answer.impossible,
      invalid: answer.invalid,
      ...(reasons.length > 0 ? { reasons } : {}),
    };
  }

  /** Answers how many series and cells could not be read. */
  async #encode(service: string, window: Window, batch: Batch): Promise<number> {
    let invalid = 0;
    const byFamily = new Map<Family, FamilyCells>();
    let turn = 0;
    for (const one of window.series) {
      // A window that came over the link may be of another release, with families that are not known here.
      if (!Object.hasOwn(layouts, one.family)) invalid++;
      else {
        let cells = byFamily.get(one.family);
        if (cells === undefined) byFamily.set(one.family, (cells = new FamilyCells(one.family)));
        const total = familiesWithTotal.has(one.family)
          ? this.#numbers.of(service, one.family, TOTAL_KEY, one.database, null, true)
          : null;
        const series = this.#numbers.of(service, one.family, one.key, one.database, one.route, false);
        invalid += cells.add(series, total, one.cells);
      }
      if (++turn % SERIES_PER_TURN === 0) await immediate();
    }
    batch.starts.push(window.start);
    batch.durations.push(window.durationMs);
    batch.overflows.push(overflowOf(window));
    for (const [family, cells] of byFamily) {
      const sorted = cells.sorted();
      for (const block of blocksOfSeries(sorted, ([series]) => series.id, SERIES_PER_BLOCK)) {
        for (const [series, of] of block) {
          writeCells(this.#cells, family, of);
          this.#pack.add(series.id, this.#cells.written);
          this.#cells.clear();
          if (!this.#named.has(series.id)) batch.names.set(series.id, series);
        }
        const cells = this.#pack.take();
        batch.blocks.push({
          window: batch.starts.length,
          family: familyNumbers[family],
          first: block[0]?.[0].id ?? 0,
          last: block.at(-1)?.[0].id ?? 0,
          cells,
        });
        batch.bytes += cells.length;
        if (sorted.length > SERIES_PER_TURN) await immediate();
      }
    }
    return invalid;
  }

  async #send(origin: Origin, batch: Batch): Promise<AppendRow> {
    const since = performance.now();
    if (this.#named.size > MOST_NAMES || since - this.#namedSince > NAMES_VALID_MS) {
      this.#named = new Set();
      this.#namedSince = since;
    }
    const names = [...batch.names.values()];
    const now = this.#clock?.now();
    const rows = await this.#connection.query<AppendRow>(
      `Writing ${batch.starts.length} windows of ${origin.instance}`,
      `SELECT taken, duplicates, too_old, ahead FROM autopilot.append_windows_v1(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
      [
        scopeIdOf(origin),
        origin.service,
        origin.instance,
        origin.release,
        names.map(({ id }) => id),
        names.map(({ key }) => familyNumbers[key.family]),
        names.map(({ key }) => key.key),
        names.map(({ key }) => key.database),
        names.map(({ key }) => key.route),
        names.map(({ isTotal }) => isTotal),
        now === undefined ? null : now - ACCEPTED_BACK_MS,
        now === undefined ? null : now + ACCEPTED_AHEAD_MS,
        batch.starts,
        batch.durations,
        batch.overflows,
        batch.blocks.map(({ window }) => window),
        batch.blocks.map(({ family }) => family),
        batch.blocks.map(({ first }) => first),
        batch.blocks.map(({ last }) => last),
        batch.blocks.map(({ cells }) => cells.length),
        Buffer.concat(batch.blocks.map(({ cells }) => cells)),
      ],
    );
    for (const id of batch.names.keys()) this.#named.add(id);
    return rows[0] ?? { taken: 0, duplicates: 0, too_old: 0, ahead: 0 };
  }
}

function isPossible({ start, durationMs }: Window): boolean {
  return (
    Number.isSafeInteger(start) &&
    start >= 0 &&
    Number.isSafeInteger(durationMs) &&
    durationMs > 0 &&
    durationMs <= LONGEST_WINDOW_MS
  );
}

/** As JSON, without what is no family or no count; null: nothing. */
function overflowOf({ overflow }: Window): string | null {
  const counts = Object.entries(overflow).filter(
    ([family, count]) => Object.hasOwn(familyNumbers, family) && Number.isSafeInteger(count) && count > 0,
  );
  return counts.length === 0 ? null : JSON.stringify(Object.fromEntries(counts));
}

/**
 * The series of one family in one window. Cells stay the bytes they came as: what is valid is seen where they are added to the
 * family's total, and taking each histogram apart once more would be half of the cost of a flush.
 */
class FamilyCells {
  readonly #family: Family;
  readonly #series: Map<NumberedSeries, CellsByField> = new Map();
  readonly #totals: Map<NumberedSeries, CellAccumulator> = new Map();

  constructor(family: Family) {
    this.#family = family;
  }

  /** Answers how many cells could not be read. */
  add(series: NumberedSeries, total: NumberedSeries | null, cells: SeriesWindow['cells']): number {
    let known = this.#series.get(series);
    if (known === undefined) this.#series.set(series, (known = new CellsByField(this.#family)));
    const sum = total === null ? null : this.#totalOf(total);
    let invalid = 0;
    for (const name in cells) {
      const cell = cells[name];
      const field = layouts[this.#family].indexOf.get(name);
      if (cell === undefined || field === undefined || !known.add(field, cell, sum)) invalid++;
    }
    return invalid;
  }

  #totalOf(total: NumberedSeries): CellAccumulator {
    const known = this.#totals.get(total);
    if (known !== undefined) return known;
    const made = new CellAccumulator(this.#family);
    this.#totals.set(total, made);
    return made;
  }

  sorted(): (readonly [NumberedSeries, CellSource])[] {
    return [...this.#series, ...this.#totals].sort(([a], [b]) => a.id - b.id);
  }
}

/** Cells of one series as they came. */
class CellsByField implements CellSource {
  readonly #family: Family;
  readonly #cells: (Cell | undefined)[] = [];

  constructor(family: Family) {
    this.#family = family;
  }

  /** Adds a cell here and, as one of several levels at the same time, to the total; false when it can't be read. */
  add(field: number, cell: Cell, total: CellAccumulator | null): boolean {
    if (total === null) {
      if (!new CellAccumulator(this.#family).add(field, cell)) return false;
    } else if (!total.addBeside(field, cell)) return false;
    const before = this.#cells[field];
    this.#cells[field] = before === undefined ? cell : this.#sum(field, before, cell);
    return true;
  }

  cell(field: number): Cell | undefined {
    return this.#cells[field];
  }

  /** A series that comes twice in a window is one. */
  #sum(field: number, a: Cell, b: Cell): Cell | undefined {
    const sum = new CellAccumulator(this.#family);
    sum.add(field, a);
    sum.add(field, b);
    return sum.cell(field);
  }
}

function reasonsOf({
  ahead,
  tooOld,
  impossible,
}: Record<'ahead' | 'tooOld' | 'impossible', number>): readonly string[] {
  const reasons: string[] = [];
  if (ahead > 0)
    reasons.push(`${ahead} windows begin over a minute after the store's time: this machine's clock is ahead.`);
  if (tooOld > 0)
    reasons.push(
      `${tooOld} windows are older than the 7 days in which late ones are taken, or this machine's clock is behind.`,
    );
  if (impossible > 0) reasons.push(`${impossible} windows have a start or a length that none can have.`);
  return reasons;
}
