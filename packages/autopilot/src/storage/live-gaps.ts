import { processKey } from '../contract/series.ts';
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
  /** Whether a slice of the live hour is to be left out. */
  replaces(live: Span): boolean;
  /** Whether a window of history is to be put in. */
  takes(stored: Span): boolean;
}

interface Group {
  readonly instance: string;
  readonly firstBlock: number;
  lastBlock: number;
  readonly spans: Span[];
}

/** `blockMs`: windows of both begin anew at its multiples, but for one that a blocked event loop stretched. */
export function findGaps(live: readonly Span[], stored: readonly Span[], blockMs: number): Gaps {
  const liveMs = new Map<string, number>();
  const blockOf = (span: Span): string => `${processKey(span.origin)}\u0000${Math.floor(span.start / blockMs)}`;
  for (const span of live) liveMs.set(blockOf(span), (liveMs.get(blockOf(span)) ?? 0) + span.durationMs);
  const replaced = new Set<string>();
  const taken = new Set<string>();
  for (const { instance, firstBlock, lastBlock, spans } of groupsOf(stored, blockMs)) {
    const blocks = Array.from({ length: lastBlock - firstBlock + 1 }, (_, i) => `${instance}\u0000${firstBlock + i}`);
    const coveredMs = blocks.reduce((sum, block) => sum + (liveMs.get(block) ?? 0), 0);
    if (spans.reduce((sum, { durationMs }) => sum + durationMs, 0) <= coveredMs) continue;
    for (const block of blocks) replaced.add(block);
    for (const span of spans) taken.add(nameOf(span));
  }
  return {
    isEmpty: taken.size === 0,
    replaces: (span) => replaced.has(blockOf(span)),
    takes: (span) => taken.has(nameOf(span)),
  };
}

function nameOf(span: Span): string {
  return `${processKey(span.origin)}\u0000${span.start}\u0000${span.durationMs}`;
}

function groupsOf(spans: readonly Span[], blockMs: number): readonly Group[] {
  const groups: Group[] = [];
  const latest = new Map<string, Group>();
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const instance = processKey(span.origin);
    const firstBlock = Math.floor(span.start / blockMs);
    const lastBlock = Math.ceil((span.start + span.durationMs) / blockMs) - 1;
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
