import type { Cell, Family, GaugeCell } from '../../contract/series.ts';
import { ExponentialHistogram } from '../../kernel/histogram.ts';
import type { ByteWriter } from '../bytes.ts';
import { isGauge, layouts } from '../cell-accumulator.ts';

/**
 * Cells in bytes: a varint with one bit for each field of the family that is there, then those fields in order.
 * A number is a varint of its double where it is a whole one from 0 to 2^51 (even, so its first bit is 0), else the
 * byte 1 and a float64. A gauge is four numbers, a histogram its length and its own encoding. A route's second takes
 * about 70 bytes so, where the same as an object takes about 700.
 */

const FLOAT_MARK = 1;

/** One series; `cells[i]` is the family's field i. */
export function writeCells(writer: ByteWriter, cells: readonly (Cell | undefined)[]): void {
  let mask = 0;
  for (let field = 0; field < cells.length; field++) if (cells[field] !== undefined) mask |= 1 << field;
  writer.varint(mask);
  for (const cell of cells) {
    if (cell === undefined) continue;
    if (typeof cell === 'number') writer.number(cell);
    else if (isGauge(cell)) {
      writer.number(cell.count);
      writer.number(cell.sum);
      writer.number(cell.min);
      writer.number(cell.max);
    } else writer.block(cell);
  }
}

/** Of this field nothing is read. */
export const SKIP = 0;
/** The cell of this field is read. */
export const CELL = 1;
/** Of this field's histogram the sum is read. */
export const SUM = 2;

/** One of the above for each field of a family, by position; null: every cell. */
export type WantedFields = Uint8Array | null;

/** Where the next number is read. The bytes were written above, so nothing is checked. */
let position = 0;

/** Reads one series that begins at `at`. Histograms are views of `bytes`, not copies. */
export function readCells(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  family: Family,
  wanted: WantedFields,
): Record<string, Cell> {
  const { names, kinds } = layouts[family];
  const cells: Record<string, Cell> = {};
  position = at;
  let mask = readVarint(bytes);
  for (let field = 0; mask !== 0; field++, mask >>>= 1) {
    if ((mask & 1) === 0) continue;
    const want = wanted === null ? CELL : (wanted[field] ?? SKIP);
    const name = want === SKIP ? undefined : names[field];
    switch (kinds[field]) {
      case 'counter': {
        const value = readNumber(bytes, view);
        if (name !== undefined) cells[name] = value;
        break;
      }
      case 'gauge': {
        const gauge: GaugeCell = {
          count: readNumber(bytes, view),
          sum: readNumber(bytes, view),
          min: readNumber(bytes, view),
          max: readNumber(bytes, view),
        };
        if (name !== undefined) cells[name] = gauge;
        break;
      }
      default: {
        const length = readVarint(bytes);
        if (name !== undefined) {
          cells[name] =
            want === SUM ? ExponentialHistogram.sumOf(bytes, position) : bytes.subarray(position, position + length);
        }
        position += length;
      }
    }
  }
  return cells;
}

function readNumber(bytes: Uint8Array, view: DataView): number {
  if (bytes[position] !== FLOAT_MARK) return readVarint(bytes) / 2;
  const value = view.getFloat64(position + 1, true);
  position += 9;
  return value;
}

function readVarint(bytes: Uint8Array): number {
  let value = 0;
  let factor = 1;
  for (;;) {
    const byte = bytes[position++] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 0x80;
  }
}
