import type { EpochMs } from '../../kernel/clock.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';

/** What tells a window of an instance from its others. */
export interface WindowKey {
  readonly start: EpochMs;
  readonly durationMs: number;
}

/**
 * A set of windows in few bytes: they follow each other in even steps, so an hour of them is a run or two.
 *
 *   bytes = run*      run = length-of-its-windows start step count      varints
 */
export class WindowLedger {
  /** Length of a window to the starts of those of that length. */
  readonly #starts: Map<number, Set<EpochMs>> = new Map();

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    const reader = new ByteReader(bytes);
    while (!reader.atEnd) {
      const durationMs = reader.varint();
      let start = reader.varint();
      const step = reader.varint();
      for (let left = reader.varint(); left > 0; left--) {
        this.add({ start, durationMs });
        start += step;
      }
    }
  }

  has({ start, durationMs }: WindowKey): boolean {
    return this.#starts.get(durationMs)?.has(start) ?? false;
  }

  add({ start, durationMs }: WindowKey): void {
    const starts = this.#starts.get(durationMs);
    if (starts === undefined) this.#starts.set(durationMs, new Set([start]));
    else starts.add(start);
  }

  encode(): Uint8Array {
    const writer = new ByteWriter();
    for (const [durationMs, starts] of [...this.#starts].sort(([a], [b]) => a - b)) {
      const sorted = [...starts].sort((a, b) => a - b);
      for (let at = 0; at < sorted.length; ) {
        const first = sorted[at] ?? 0;
        const step = (sorted[at + 1] ?? first) - first;
        let count = 1;
        while (at + count < sorted.length && (sorted[at + count] ?? 0) === first + step * count) count++;
        writer.varint(durationMs);
        writer.varint(first);
        writer.varint(step);
        writer.varint(count);
        at += count;
      }
    }
    return writer.take();
  }
}
