import type { Cell, Family, Origin, SeriesWindow } from '../../contract/series.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { CellAccumulator, layouts } from '../cell-accumulator.ts';
import type { SeriesQuery, Slice } from '../ports.ts';
import { WINDOWS_SERIES } from './bucket-sums.ts';
import { addCells, readCells, type WantedCells, wantedCell } from './cell-codec.ts';
import type { StoredSeries } from './series-names.ts';
import { familiesWithTotal, familyNumbers, WINDOWS_FAMILY } from './stored-names.ts';
import { WindowCoverage } from './window-coverage.ts';

/** What a slice is made of, before its series have names. */
interface Draft {
  readonly coverage: WindowCoverage;
  /** Usually one part a series; several where something was merged in several goes. */
  readonly parts: Map<number, Uint8Array[]>;
}

/** Puts stored rows of one question together to slices. */
export class SliceBuilder {
  readonly #query: SeriesQuery;
  readonly #family: number;
  readonly #wanted: WantedCells;
  readonly #drafts: Map<number, Map<string, Draft>> = new Map();
  readonly #ids: Set<number> = new Set();
  /** Cells come row by row, and those of a block are all of one draft. */
  #latest: { readonly scope: number; readonly bucket: string; readonly draft: Draft } | null = null;

  constructor(query: SeriesQuery) {
    this.#query = query;
    this.#family = familyNumbers[query.family];
    this.#wanted = {
      names: query.fields === undefined ? null : new Set(query.fields),
      sumsOf: new Set(query.sumsOf),
    };
  }

  /** The series of which something was added. */
  get seriesIds(): ReadonlySet<number> {
    return this.#ids;
  }

  /** `bucket` tells the buckets of a scope apart; it need not be their start. */
  addWindow(
    scope: number,
    bucket: string,
    start: EpochMs,
    durationMs: number,
    overflow: Slice['overflow'] | null,
  ): void {
    this.#draftOf(scope, bucket).coverage.addWindow(start, durationMs, overflow);
  }

  addCells(scope: number, bucket: string, family: number, series: number, bytes: Uint8Array): void {
    if (family === WINDOWS_FAMILY) {
      if (series === WINDOWS_SERIES) this.#draftOf(scope, bucket).coverage.add(bytes);
      return;
    }
    if (family !== this.#family) return;
    this.#ids.add(series);
    const { parts } = this.#draftOf(scope, bucket);
    const before = parts.get(series);
    if (before === undefined) parts.set(series, [bytes]);
    else before.push(bytes);
  }

  /** The slices; the builder is of no use after. */
  *build(origins: ReadonlyMap<number, Origin>, names: ReadonlyMap<number, StoredSeries>): IterableIterator<Slice> {
    for (const [scope, drafts] of this.#drafts) {
      const origin = origins.get(scope);
      if (origin === undefined) continue;
      for (const { coverage, parts } of drafts.values()) {
        // Without its window a block says nothing about time; whoever dropped half of it by hand gets a gap.
        if (coverage.windows === 0) continue;
        const { start, durationMs, overflow } = coverage;
        yield { origin, start, durationMs, series: this.#seriesOf(parts, names), overflow };
      }
    }
  }

  #seriesOf(parts: Draft['parts'], names: ReadonlyMap<number, StoredSeries>): readonly SeriesWindow[] {
    const { family, select, database } = this.#query;
    const list: SeriesWindow[] = [];
    const totals = new Map<string | null, CellAccumulator>();
    const addUp = select.kind === 'total' && !familiesWithTotal.has(family);
    for (const [id, bytes] of parts) {
      const series = names.get(id);
      if (series === undefined || series.isTotal !== (select.kind === 'total' && !addUp)) continue;
      if (select.kind === 'keys' && !select.keys.includes(series.key)) continue;
      if (database !== undefined && series.database !== null && series.database !== database) continue;
      if (addUp) {
        const total = totals.get(series.database) ?? new CellAccumulator(family);
        totals.set(series.database, total);
        addBeside(total, this.#sumOf(bytes), family);
        continue;
      }
      const { key, route } = series;
      list.push({ family, key, database: series.database, route, cells: this.#cellsOf(bytes) });
    }
    for (const [of, cells] of totals)
      list.push({ family, key: '', database: of, route: null, cells: this.#read(cells) });
    return list;
  }

  #cellsOf(parts: readonly Uint8Array[]): SeriesWindow['cells'] {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return readCells(only, this.#query.family, this.#wanted);
    return this.#read(this.#sumOf(parts));
  }

  #sumOf(parts: readonly Uint8Array[]): CellAccumulator {
    const sum = new CellAccumulator(this.#query.family);
    for (const part of parts) addCells(sum, part, this.#query.family);
    return sum;
  }

  #read(cells: CellAccumulator): SeriesWindow['cells'] {
    const read: Record<string, Cell> = {};
    for (const [field, name] of layouts[this.#query.family].names.entries()) {
      const cell = cells.cell(field);
      const given = cell === undefined ? undefined : wantedCell(name, cell, this.#wanted);
      if (given !== undefined) read[name] = given;
    }
    return read;
  }

  #draftOf(scope: number, bucket: string): Draft {
    const latest = this.#latest;
    if (latest !== null && latest.scope === scope && latest.bucket === bucket) return latest.draft;
    let drafts = this.#drafts.get(scope);
    if (drafts === undefined) this.#drafts.set(scope, (drafts = new Map<string, Draft>()));
    let draft = drafts.get(bucket);
    if (draft === undefined) drafts.set(bucket, (draft = { coverage: new WindowCoverage(), parts: new Map() }));
    this.#latest = { scope, bucket, draft };
    return draft;
  }
}

function addBeside(total: CellAccumulator, one: CellAccumulator, family: Family): void {
  for (let field = 0; field < layouts[family].names.length; field++) {
    const cell = one.cell(field);
    if (cell !== undefined) total.addBeside(field, cell);
  }
}
