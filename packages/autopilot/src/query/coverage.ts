import type { TimeSpan } from '../contract/frame.ts';
import type { EpochMs } from '../kernel/clock.ts';

/** Which part of a step, or of a range, instances reported: what rates divide by, and what tells nothing from not known. */
export class Coverage {
  readonly #byInstance: Map<string, TimeSpan[]> = new Map();
  #unionMs: number | undefined;

  add(instance: string, from: EpochMs, to: EpochMs): void {
    const spans = this.#byInstance.get(instance);
    if (spans === undefined) this.#byInstance.set(instance, [{ from, to }]);
    else spans.push({ from, to });
    this.#unionMs = undefined;
  }

  /** Time in which at least one instance reported; 0: nothing is known. */
  get unionMs(): number {
    this.#unionMs ??= lengthOf([...this.#byInstance.values()].flat());
    return this.#unionMs;
  }

  /** The part of that time in which this one reported, from 0 to 1. */
  shareOf(instance: string): number {
    const spans = this.#byInstance.get(instance);
    if (spans === undefined || this.unionMs === 0) return 0;
    return this.#byInstance.size === 1 ? 1 : lengthOf(spans) / this.unionMs;
  }
}

/** Length of the union; windows of two instances, or of one that sent them twice in other lengths, may overlap. */
function lengthOf(spans: readonly TimeSpan[]): number {
  return joinedSpans(spans).reduce((length, { from, to }) => length + to - from, 0);
}

/** The same time in as few spans as possible, oldest first. */
export function joinedSpans(spans: readonly TimeSpan[]): readonly TimeSpan[] {
  const joined: { from: EpochMs; to: EpochMs }[] = [];
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last === undefined || from > last.to) joined.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  return joined;
}

/** What the spans leave of [from, to), oldest first. */
export function gapsBetween(spans: readonly TimeSpan[], from: EpochMs, to: EpochMs): readonly TimeSpan[] {
  const gaps: TimeSpan[] = [];
  let at = from;
  for (const span of joinedSpans(spans)) {
    if (span.from > at) gaps.push({ from: at, to: Math.min(span.from, to) });
    at = Math.max(at, span.to);
    if (at >= to) return gaps;
  }
  if (at < to) gaps.push({ from: at, to });
  return gaps;
}
