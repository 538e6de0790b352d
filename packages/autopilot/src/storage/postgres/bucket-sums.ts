import type { EpochMs } from '../../kernel/clock.ts';
import { ByteWriter } from '../bytes.ts';
import { StoredSum } from './cell-codec.ts';
import { visitPack } from './pack.ts';
import { familiesOfService, familyOf, WINDOWS_FAMILY } from './stored-names.ts';
import { WindowCoverage } from './window-coverage.ts';

/** The only label in blocks of the windows themselves, and their "series" in chunks. */
export const WINDOWS_SERIES = 0;

/** A series' number and its stored cells. */
export type Entry = readonly [series: number, bytes: Uint8Array];

const writer = new ByteWriter();

/** Everything one scope measured in one bucket of time, added up. */
export class BucketSums {
  readonly coverage: WindowCoverage = new WindowCoverage();
  readonly #families: Map<number, Map<number, StoredSum>> = new Map();

  get isEmpty(): boolean {
    return this.coverage.windows === 0;
  }

  /** Adds the pack of a block. A family of a later release is left out: how its cells add up is not known here. */
  addBlock(family: number, pack: Uint8Array): void {
    visitPack(pack, (series, bytes) => {
      this.addCells(family, series, bytes);
    });
  }

  addCells(family: number, series: number, bytes: Uint8Array): void {
    if (family === WINDOWS_FAMILY) {
      this.coverage.add(bytes);
      return;
    }
    const name = familyOf(family);
    if (name === undefined) return;
    let sums = this.#families.get(family);
    if (sums === undefined) this.#families.set(family, (sums = new Map<number, StoredSum>()));
    let sum = sums.get(series);
    if (sum === undefined) sums.set(series, (sum = new StoredSum(name)));
    sum.add(bytes);
  }

  addWindow(start: EpochMs, durationMs: number, overflow: WindowCoverage['overflow'] | null): void {
    this.coverage.addWindow(start, durationMs, overflow);
  }

  /** What it holds, the windows first, by family and then by series. */
  encode(): ReadonlyMap<number, readonly Entry[]> {
    const encoded = new Map<number, Entry[]>();
    this.coverage.write(writer);
    encoded.set(WINDOWS_FAMILY, [[WINDOWS_SERIES, writer.take()]]);
    for (const [family, sums] of this.#families) {
      const entries: Entry[] = [];
      for (const [series, sum] of sums) {
        sum.write(writer);
        entries.push([series, writer.take()]);
      }
      encoded.set(
        family,
        entries.sort(([a], [b]) => a - b),
      );
    }
    return encoded;
  }
}

/** Adds an instance's bucket to its service's. */
export function addToService(service: BucketSums, instance: ReadonlyMap<number, readonly Entry[]>): void {
  for (const [family, entries] of instance) {
    const name = familyOf(family);
    if (family !== WINDOWS_FAMILY && (name === undefined || !familiesOfService.has(name))) continue;
    for (const [series, bytes] of entries) service.addCells(family, series, bytes);
  }
}
