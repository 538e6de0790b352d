import type { TimeSpan } from '../contract/frame.ts';
import { type Origin, processKey } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { Slice } from './ports.ts';

/**
 * Compares what two stores hold of the same windows: which part of the live hour is better taken from history.
 *
 * Windows of history that touch the same blocks belong together. Where they cover more time than the live windows of those blocks,
 * all of these are left out and all of those put in, so that nothing counts twice.
 */

type Span = Pick<Slice, 'origin' | 'start' | 'durationMs'>;

/** What {@link findGaps} found. */
export interface Gaps {
  readonly isEmpty: boolean;
  /** From the first to the last window of history that is to be put in; nothing when there is none. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Whether a slice of the live hour, no longer than a block, is to be left out. */
  replaces(live: Span): boolean;
  /** Whether a window of history is to be put in. */
  takes(stored: Span): boolean;
}

/** What is compared. */
export interface GapOptions extends Partial<TimeSpan> {
  /** Windows of both begin anew at its multiples, but for one that a blocked event loop stretched. */
  readonly blockMs: number;
  /** Time within a live slice that it knows nothing of: it was joined over it. Default: none. */
  readonly lacks?: (origin: Origin) => readonly TimeSpan[];
}

interface Group {
  readonly instance: string;
  readonly firstBlock: number;
  lastBlock: number;
  readonly spans: Span[];
}

/** Live slices may be longer than a block: whether history has more than they is then told as well, but not what replaces what. */
export function findGaps(live: readonly Span[], stored: readonly Span[], options: GapOptions): Gaps {
  const { blockMs, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, lacks = () => [] } = options;
  const inRange = ({ start, durationMs }: Span): TimeSpan => ({
    from: Math.max(start, from),
    to: Math.min(start + durationMs, to),
  });
  const liveMs = new Map<string, number>();
  const blockOf = (span: Span): string => `${processKey(span.origin)}\u0000${Math.floor(span.start / blockMs)}`;
  for (const span of live) {
    const covered = inRange(span);
    const unknown = lacks(span.origin);
    const instance = processKey(span.origin);
    for (let block = Math.floor(span.start / blockMs); ; block++) {
      const isLast = lastBlockOf(span, blockMs) <= block;
      const part = {
        from: Math.max(covered.from, block * blockMs),
        // What reaches a little into the next one is of this one.
        to: isLast ? covered.to : Math.min(covered.to, (block + 1) * blockMs),
      };
      const knownMs = unknown.reduce((sum, one) => sum - overlapMs(part, one), lengthOf(part));
      const name = `${instance}\u0000${block}`;
      liveMs.set(name, (liveMs.get(name) ?? 0) + knownMs);
      if (isLast) break;
    }
  }
  const replaced = new Set<string>();
  const taken = new Map<string, Span>();
  for (const { instance, firstBlock, lastBlock, spans } of groupsOf(stored, blockMs)) {
    const blocks = Array.from({ length: lastBlock - firstBlock + 1 }, (_, i) => `${instance}\u0000${firstBlock + i}`);
    const coveredMs = blocks.reduce((sum, block) => sum + (liveMs.get(block) ?? 0), 0);
    if (spans.reduce((sum, span) => sum + lengthOf(inRange(span)), 0) <= coveredMs) continue;
    for (const block of blocks) replaced.add(block);
    for (const span of spans) taken.set(nameOf(span), span);
  }
  const wanted = [...taken.values()];
  return {
    isEmpty: taken.size === 0,
    from: wanted.reduce((first, { start }) => Math.min(first, start), Number.POSITIVE_INFINITY),
    to: wanted.reduce((last, { start, durationMs }) => Math.max(last, start + durationMs), Number.NEGATIVE_INFINITY),
    replaces: (span) => replaced.has(blockOf(span)),
    takes: (span) => taken.has(nameOf(span)),
  };
}

function lengthOf({ from, to }: TimeSpan): number {
  return Math.max(0, to - from);
}

function overlapMs(a: TimeSpan, b: TimeSpan): number {
  return lengthOf({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) });
}

function nameOf(span: Span): string {
  return `${processKey(span.origin)}\u0000${span.start}\u0000${span.durationMs}`;
}

/** Where a clock was set back, windows begin some milliseconds late and end as late: that does not join all blocks to one. */
function lastBlockOf({ start, durationMs }: Span, blockMs: number): number {
  return Math.max(Math.floor(start / blockMs), Math.ceil((start + durationMs - blockMs / 20) / blockMs) - 1);
}

function groupsOf(spans: readonly Span[], blockMs: number): readonly Group[] {
  const groups: Group[] = [];
  const latest = new Map<string, Group>();
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const instance = processKey(span.origin);
    const firstBlock = Math.floor(span.start / blockMs);
    const lastBlock = lastBlockOf(span, blockMs);
    const before = latest.get(instance);
    if (before !== undefined && before.lastBlock >= firstBlock) {
      before.spans.push(span);
      before.lastBlock = Math.max(before.lastBlock, lastBlock);
      continue;
    }
    const group = { instance, firstBlock, lastBlock, spans: [span] };
    groups.push(group);
    latest.set(instance, group);
  }
  return groups;
}
