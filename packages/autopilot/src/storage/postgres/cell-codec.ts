import type { Cell, Family, GaugeCell } from '../../contract/series.ts';
import { ExponentialHistogram } from '../../kernel/histogram.ts';
import { ByteReader, type ByteWriter, damaged } from '../bytes.ts';
import { CellAccumulator, isGauge, layouts } from '../cell-accumulator.ts';
import { kindNumbers, metricNames } from './stored-names.ts';

/**
 * The cells of one series in one window, as stored.
 *
 *   cells   = (tag value)*                          in the order of the metrics' numbers
 *   tag     = varint: metric number x 4 + kind      so that a reader can skip a metric it does not know
 *   counter = number
 *   gauge   = count sum min max, four numbers
 *   histogram = length and ExponentialHistogram.encode()
 *
 * About 85 bytes for a busy route's minute.
 */

interface StoredField {
  readonly name: string;
  /** Position in the layout of the metric table; -1 where this release has no such metric any more. */
  readonly field: number;
}

function fieldsOf(family: Family): readonly StoredField[] {
  return metricNames[family].map((name) => ({ name, field: layouts[family].indexOf.get(name) ?? -1 }));
}

const stored: Readonly<Record<Family, readonly StoredField[]>> = {
  route: fieldsOf('route'),
  tenant: fieldsOf('tenant'),
  statement: fieldsOf('statement'),
  'route-statement': fieldsOf('route-statement'),
  pool: fieldsOf('pool'),
  runtime: fieldsOf('runtime'),
  job: fieldsOf('job'),
  compression: fieldsOf('compression'),
  test: fieldsOf('test'),
};

/** Cells by the position of their field in the metric table; a {@link CellAccumulator} is one. */
export interface CellSource {
  cell(field: number): Cell | undefined;
}

/** Writes the cells of one series. */
export function writeCells(writer: ByteWriter, family: Family, cells: CellSource): void {
  const fields = stored[family];
  for (let at = 0; at < fields.length; at++) {
    const cell = cells.cell(fields[at]?.field ?? -1);
    if (cell === undefined) continue;
    const tag = (at + 1) * 4;
    if (typeof cell === 'number') {
      writer.varint(tag + kindNumbers.counter);
      writer.number(cell);
    } else if (isGauge(cell)) {
      writer.varint(tag + kindNumbers.gauge);
      writer.number(cell.count);
      writer.number(cell.sum);
      writer.number(cell.min);
      writer.number(cell.max);
    } else {
      writer.varint(tag + kindNumbers.histogram);
      writer.block(cell);
    }
  }
}

/** Calls `visit` for each cell of a metric that this release knows; histograms are views of `bytes`. Null: all are wanted. */
function visitCells(
  bytes: Uint8Array,
  family: Family,
  wanted: ReadonlySet<string> | null,
  visit: (field: StoredField, cell: Cell) => void,
): void {
  const reader = new ByteReader(bytes);
  const fields = stored[family];
  while (!reader.atEnd) {
    const tag = reader.varint();
    const field = fields[Math.floor(tag / 4) - 1];
    if (field === undefined || field.field < 0 || (wanted !== null && !wanted.has(field.name)))
      skipCell(reader, tag % 4);
    else visit(field, readCell(reader, tag % 4));
  }
}

/** A chart asks for one or two of a dozen cells: nothing is made of the others. */
function skipCell(reader: ByteReader, kind: number): void {
  if (kind === kindNumbers.histogram) reader.skipBlock();
  else if (kind === kindNumbers.counter) reader.skipNumber();
  else readCell(reader, kind);
}

function readCell(reader: ByteReader, kind: number): Cell {
  switch (kind) {
    case kindNumbers.counter:
      return reader.number();
    case kindNumbers.gauge: {
      const count = reader.number();
      const sum = reader.number();
      const min = reader.number();
      const max = reader.number();
      return { count, sum, min, max } satisfies GaugeCell;
    }
    case kindNumbers.histogram:
      return reader.block();
    default:
      throw damaged(`a cell is of the unknown kind ${kind}`);
  }
}

/** Which cells are read. */
export interface WantedCells {
  /** Null: all. */
  readonly names: ReadonlySet<string> | null;
  /** Histograms of which the sum is given in their place. */
  readonly sumsOf: ReadonlySet<string>;
}

/** Reads cells; histograms are views of `bytes`. */
export function readCells(bytes: Uint8Array, family: Family, wanted: WantedCells): Record<string, Cell> {
  const cells: Record<string, Cell> = {};
  visitCells(bytes, family, wanted.names, ({ name }, cell) => {
    const given = wantedCell(name, cell, wanted);
    if (given !== undefined) cells[name] = given;
  });
  return cells;
}

/** The cell as it is wanted; undefined when it is not. */
export function wantedCell(name: string, cell: Cell, { names, sumsOf }: WantedCells): Cell | undefined {
  if (names !== null && !names.has(name)) return undefined;
  return cell instanceof Uint8Array && sumsOf.has(name) ? ExponentialHistogram.sumOf(cell) : cell;
}

/** Adds stored cells of the same series to an accumulator. */
export function addCells(cells: CellAccumulator, bytes: Uint8Array, family: Family): void {
  visitCells(bytes, family, null, ({ field }, cell) => {
    cells.add(field, cell);
  });
}

/** The sum of stored cells of one series. What was added alone is kept as it is, without being taken apart. */
export class StoredSum {
  readonly #family: Family;
  #only: Uint8Array | null = null;
  #cells: CellAccumulator | null = null;

  constructor(family: Family) {
    this.#family = family;
  }

  /** `bytes` must stay as they are while the sum is in use. */
  add(bytes: Uint8Array): void {
    if (this.#cells === null) {
      if (this.#only === null) {
        this.#only = bytes;
        return;
      }
      this.#cells = new CellAccumulator(this.#family);
      addCells(this.#cells, this.#only, this.#family);
      this.#only = null;
    }
    addCells(this.#cells, bytes, this.#family);
  }

  /** Puts the sum into a writer. */
  write(writer: ByteWriter): void {
    if (this.#cells !== null) writeCells(writer, this.#family, this.#cells);
    else if (this.#only !== null) writer.raw(this.#only);
  }
}
