import type { EpochMs } from '../kernel/clock.ts';

/** Which part of a step, or of a range, instances reported: what rates divide by, and what tells nothing from not known. */
export class Coverage {
  readonly #byInstance: Map<string, [from: EpochMs, to: EpochMs][]> = new Map();
  #unionMs: number | undefined;

  add(instance: string, from: EpochMs, to: EpochMs): void {
    const intervals = this.#byInstance.get(instance);
    if (intervals === undefined) this.#byInstance.set(instance, [[from, to]]);
    else intervals.push([from, to]);
    this.#unionMs = undefined;
  }

  /** Time in which at least one instance reported; 0: nothing is known. */
  get unionMs(): number {
    this.#unionMs ??= lengthOf([...this.#byInstance.values()].flat());
    return this.#unionMs;
  }

  /** The part of that time in which this one reported, from 0 to 1. */
  shareOf(instance: string): number {
    const intervals = this.#byInstance.get(instance);
    if (intervals === undefined || this.unionMs === 0) return 0;
    return this.#byInstance.size === 1 ? 1 : lengthOf(intervals) / this.unionMs;
  }
}

/** Length of the union; windows of two instances, or of one that sent them twice in other lengths, may overlap. */
function lengthOf(intervals: [from: EpochMs, to: EpochMs][]): number {
  intervals.sort((a, b) => a[0] - b[0]);
  let length = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const [from, to] of intervals) {
    if (to <= end) continue;
    length += to - Math.max(from, end);
    end = to;
  }
  return length;
}
