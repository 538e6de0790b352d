import type { Family, Window } from '../../contract/series.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { ByteReader, type ByteWriter } from '../bytes.ts';
import { familyNumbers, familyOf } from './stored-names.ts';

/**
 * Which windows a bucket was made of: what tells "nothing happened" from "nothing known".
 *
 *   bytes = windows first-start length-to-last-end (family count)*     varints; first-start in ms since 1970
 */
export class WindowCoverage {
  #windows = 0;
  #firstStart = Number.POSITIVE_INFINITY;
  #lastEnd = Number.NEGATIVE_INFINITY;
  readonly #overflow: Map<number, number> = new Map();

  get windows(): number {
    return this.#windows;
  }

  get start(): EpochMs {
    return this.#firstStart;
  }

  get durationMs(): number {
    return this.#lastEnd - this.#firstStart;
  }

  get overflow(): Window['overflow'] {
    const overflow: Partial<Record<Family, number>> = {};
    for (const [number, count] of this.#overflow) {
      const family = familyOf(number);
      if (family !== undefined) overflow[family] = count;
    }
    return overflow;
  }

  addWindow(start: EpochMs, durationMs: number, overflow: Window['overflow'] | null): void {
    this.#extend(1, start, start + durationMs);
    for (const [family, count] of Object.entries(overflow ?? {})) {
      // What is not a family of this release has no number here; Object.entries forgets that the others are.
      const number = familyNumbers[family as Family];
      if (number !== undefined) this.#overflow.set(number, (this.#overflow.get(number) ?? 0) + count);
    }
  }

  /** Adds what {@link write} wrote. */
  add(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    const windows = reader.varint();
    const start = reader.varint();
    this.#extend(windows, start, start + reader.varint());
    while (!reader.atEnd) {
      const number = reader.varint();
      this.#overflow.set(number, (this.#overflow.get(number) ?? 0) + reader.varint());
    }
  }

  write(writer: ByteWriter): void {
    writer.varint(this.#windows);
    writer.varint(this.#firstStart);
    writer.varint(this.durationMs);
    for (const [number, count] of [...this.#overflow].sort(([a], [b]) => a - b)) {
      writer.varint(number);
      writer.varint(count);
    }
  }

  #extend(windows: number, start: EpochMs, end: EpochMs): void {
    this.#windows += windows;
    this.#firstStart = Math.min(this.#firstStart, start);
    this.#lastEnd = Math.max(this.#lastEnd, end);
  }
}
