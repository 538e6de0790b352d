import type { Origin, SeriesWindow, Window } from '../../contract/series.ts';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import { layouts } from '../cell-accumulator.ts';
import type { Appended, Compacted, Extent, MetricStore, SeriesQuery, Slice } from '../ports.ts';
import { CELL, SKIP, SUM, type WantedFields } from './cell-codec.ts';
import { bytesOf, mergeSegments, packWindow, readFamily, readIds, releaseSegment, type Segment } from './segment.ts';
import { SeriesDictionary, type SeriesEntry } from './series-dictionary.ts';

const FINE_MS = 1000;
const FINE_KEPT_MS = 10 * 60_000;
const COARSE_MS = 10_000;
const COARSE_KEPT_MS = 60 * 60_000;
const MINUTE_MS = 60_000;
/** Blocks stay a little longer than promised, so that a range of just an hour, aligned to its steps, is whole. */
const MARGIN_MS = COARSE_MS;
/** After a block's end: agents flush once a second, so its last window comes within this. */
const SETTLE_MS = 2000;
/** No window is longer. Agents make windows of 1 s and 10 s; a blocked event loop may stretch one. */
const LONGEST_WINDOW_MS = 10 * 60_000;
/** Clocks of two machines differ; a window further ahead is a mistake that would push out the real ones. */
const LONGEST_AHEAD_MS = 60_000;
const BLOCK_OVERHEAD_BYTES = 400;
const SEEN_BYTES = 16;

/** What a {@link MemoryMetricStore} is made with. */
export interface MemoryMetricStoreOptions {
  readonly clock: Clock;
  /** Default 134,217,728 (128 MiB); an estimate that counts arrays to the byte and objects by their usual size. */
  readonly maxBytes?: number;
}

interface Block {
  readonly start: EpochMs;
  /** As they came; emptied when they are older than the fine resolution is kept. */
  fine: Segment[];
  /** All windows of the block in one; null until it is made, or after a late window. */
  merged: Segment | null;
  /** Start and length of each window taken, in turn: a window that comes again is known by it, also after the merge. */
  readonly seen: number[];
}

interface InstanceMemory {
  readonly origin: Origin;
  readonly blocks: Map<EpochMs, Block>;
  /** By start; made of the blocks in it, and unmade when one of them changes. */
  readonly minutes: Map<EpochMs, Segment>;
  newestEnd: EpochMs;
}

/**
 * The last hour in memory: windows as they came (1 s) for ten minutes, merged to 10 s for an hour.
 *
 * A block is ten seconds of one instance: its windows, and, from two seconds after its end, one segment merged from
 * them. Coarse reads take the merged one, fine reads the windows while they are kept. A window that comes late makes
 * its block merge again; when the windows themselves are gone, it is merged into what is left of them.
 *
 * Six blocks merged once more are a minute: nothing that they do not hold, but a sixth of the work for questions about
 * an hour of a thousand routes, which a live page asks every second.
 *
 * Memory of an hour of one instance, measured: 50 routes called every second 4 MB, 1,000 routes 63 MB, 1,000 routes and
 * as many statements 160 MB. Over `maxBytes` the oldest blocks of all go first, and are counted.
 */
export class MemoryMetricStore implements MetricStore {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #dictionary = new SeriesDictionary();
  readonly #instances: Map<string, InstanceMemory> = new Map();
  /** By service, where the bound has cut: nothing before is kept whole. */
  readonly #droppedUntil: Map<string, EpochMs> = new Map();
  readonly #droppedWindows: Map<string, number> = new Map();
  #bytes = 0;

  constructor(options: MemoryMetricStoreOptions) {
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes ?? 128 * 1024 * 1024;
  }

  /** Estimated memory in use; stays within `maxBytes`. */
  get bytes(): number {
    return this.#bytes + this.#dictionary.bytes;
  }

  append(origin: Origin, windows: readonly Window[]): Promise<Appended> {
    const now = this.#clock.now();
    let taken = 0;
    let duplicates = 0;
    let refused = 0;
    let invalid = 0;
    for (const window of windows) {
      const { start, durationMs } = window;
      const possible = Number.isSafeInteger(start) && Number.isSafeInteger(durationMs) && durationMs > 0;
      const near = start + durationMs > now - COARSE_KEPT_MS - MARGIN_MS && start <= now + LONGEST_AHEAD_MS;
      if (!possible || !near || durationMs > LONGEST_WINDOW_MS) {
        refused++;
        continue;
      }
      const instance = this.#instanceOf(origin);
      const block = this.#blockOf(instance, Math.floor(start / COARSE_MS) * COARSE_MS);
      if (wasSeen(block, start, durationMs)) {
        duplicates++;
        continue;
      }
      const packed = packWindow(this.#dictionary, window);
      invalid += packed.invalid;
      this.#take(block, packed.segment);
      this.#dropMinute(instance, block.start);
      block.seen.push(start, durationMs);
      this.#bytes += SEEN_BYTES;
      instance.newestEnd = Math.max(instance.newestEnd, start + durationMs);
      taken++;
    }
    this.#keepWithinBound();
    return Promise.resolve({ taken, duplicates, refused, invalid });
  }

  // An async generator because a store may have to wait; this one never does.
  async *read(query: SeriesQuery): AsyncIterable<Slice> {
    const wanted = wantedFields(query);
    const entries = this.#entriesOf(query);
    for (const instance of this.#instances.values()) {
      if (instance.origin.service !== query.service) continue;
      if (query.instance !== undefined && instance.origin.instance !== query.instance) continue;
      if (query.release !== undefined && instance.origin.release !== query.release) continue;
      for (const segment of segmentsFor(instance, query)) {
        const series: SeriesWindow[] = [
          ...(entries === null
            ? readFamily(segment, this.#dictionary, query.family, query.database, wanted)
            : readIds(segment, entries, wanted)),
        ];
        const { start, durationMs, overflow } = segment;
        yield { origin: instance.origin, start, durationMs, series, overflow };
      }
    }
  }

  compact(now: EpochMs): Promise<Compacted> {
    let merged = 0;
    let expired = 0;
    for (const [name, instance] of this.#instances) {
      for (const block of instance.blocks.values()) {
        const end = block.start + COARSE_MS;
        if (end <= now - COARSE_KEPT_MS - MARGIN_MS) {
          expired += this.#dropBlock(instance, block);
          continue;
        }
        if (block.merged === null && end + SETTLE_MS <= now) {
          merged += block.fine.length;
          this.#setMerged(block, mergeSegments(this.#dictionary, block.fine));
        }
        if (block.fine.length > 0 && end <= now - FINE_KEPT_MS - MARGIN_MS) this.#dropFine(block);
      }
      this.#makeMinutes(instance, now);
      if (instance.blocks.size === 0) this.#instances.delete(name);
    }
    this.#keepWithinBound();
    return Promise.resolve({ merged, expired });
  }

  extent(service: string, now: EpochMs): Promise<Extent> {
    const droppedUntil = this.#droppedUntil.get(service) ?? 0;
    let newestEnd: EpochMs | null = null;
    for (const { origin, newestEnd: end } of this.#instances.values()) {
      if (origin.service === service) newestEnd = Math.max(newestEnd ?? end, end);
    }
    const level = (resolutionMs: number, keptMs: number): Extent['levels'][number] => ({
      resolutionMs,
      from: Math.max(Math.floor((now - keptMs - MARGIN_MS) / COARSE_MS) * COARSE_MS, droppedUntil),
    });
    return Promise.resolve({
      levels: [level(FINE_MS, FINE_KEPT_MS), level(COARSE_MS, COARSE_KEPT_MS)],
      newestEnd,
      droppedWindows: this.#droppedWindows.get(service) ?? 0,
    });
  }

  #instanceOf(origin: Origin): InstanceMemory {
    const name = `${origin.service}\u0000${origin.instance}\u0000${origin.release}`;
    const known = this.#instances.get(name);
    if (known !== undefined) return known;
    const made: InstanceMemory = { origin, blocks: new Map(), minutes: new Map(), newestEnd: Number.NEGATIVE_INFINITY };
    this.#instances.set(name, made);
    return made;
  }

  #blockOf(instance: InstanceMemory, start: EpochMs): Block {
    const known = instance.blocks.get(start);
    if (known !== undefined) return known;
    const made: Block = { start, fine: [], merged: null, seen: [] };
    instance.blocks.set(start, made);
    this.#bytes += BLOCK_OVERHEAD_BYTES;
    return made;
  }

  #take(block: Block, segment: Segment): void {
    this.#bytes += bytesOf(segment);
    const { merged } = block;
    if (merged === null) block.fine.push(segment);
    else if (block.fine.length > 0) {
      block.fine.push(segment);
      this.#release(merged);
      block.merged = null;
    } else {
      // Its windows are gone by now: what comes this late goes into what they were merged to.
      this.#setMerged(block, mergeSegments(this.#dictionary, [merged, segment]));
      this.#release(merged);
      this.#release(segment);
    }
  }

  #setMerged(block: Block, merged: Segment): void {
    this.#bytes += bytesOf(merged);
    block.merged = merged;
  }

  #makeMinutes(instance: InstanceMemory, now: EpochMs): void {
    const first = Math.ceil((now - COARSE_KEPT_MS - MARGIN_MS) / MINUTE_MS) * MINUTE_MS;
    for (let start = first; start + MINUTE_MS + SETTLE_MS <= now; start += MINUTE_MS) {
      if (instance.minutes.has(start)) continue;
      const parts: Segment[] = [];
      for (let at = start; at < start + MINUTE_MS; at += COARSE_MS) {
        const merged = instance.blocks.get(at)?.merged;
        if (merged != null) parts.push(merged);
      }
      // One block is as quick to read by itself. And a minute with a block missing in the middle would hide that.
      const first = parts[0]?.start ?? 0;
      const blocks = Math.floor((parts.at(-1)?.start ?? 0) / COARSE_MS) - Math.floor(first / COARSE_MS) + 1;
      if (parts.length < 2 || parts.length < blocks) continue;
      const minute = mergeSegments(this.#dictionary, parts);
      this.#bytes += bytesOf(minute);
      instance.minutes.set(start, minute);
    }
  }

  #dropMinute(instance: InstanceMemory, at: EpochMs): void {
    const start = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    const minute = instance.minutes.get(start);
    if (minute === undefined) return;
    instance.minutes.delete(start);
    this.#release(minute);
  }

  #release(segment: Segment): void {
    this.#bytes -= bytesOf(segment);
    releaseSegment(this.#dictionary, segment);
  }

  #dropFine(block: Block): void {
    for (const segment of block.fine) this.#release(segment);
    block.fine = [];
  }

  /** @returns how many windows went. */
  #dropBlock(instance: InstanceMemory, block: Block): number {
    this.#dropFine(block);
    this.#dropMinute(instance, block.start);
    if (block.merged !== null) this.#release(block.merged);
    instance.blocks.delete(block.start);
    const windows = block.seen.length / 2;
    this.#bytes -= BLOCK_OVERHEAD_BYTES + windows * SEEN_BYTES;
    return windows;
  }

  #keepWithinBound(): void {
    while (this.bytes > this.#maxBytes) {
      let oldest: { readonly instance: InstanceMemory; readonly block: Block } | undefined;
      for (const instance of this.#instances.values()) {
        for (const block of instance.blocks.values()) {
          if (oldest === undefined || block.start < oldest.block.start) oldest = { instance, block };
        }
      }
      if (oldest === undefined) return;
      const { instance, block } = oldest;
      const { service } = instance.origin;
      this.#droppedUntil.set(service, Math.max(this.#droppedUntil.get(service) ?? 0, block.start + COARSE_MS));
      const dropped = this.#dropBlock(instance, block);
      this.#droppedWindows.set(service, (this.#droppedWindows.get(service) ?? 0) + dropped);
    }
  }

  /** The series that the query names; null: a whole family, whose series each segment lists itself. */
  #entriesOf({ family, select, database }: SeriesQuery): readonly SeriesEntry[] | null {
    if (select.kind === 'each') return null;
    const entries =
      select.kind === 'total'
        ? [...this.#dictionary.totalsOf(family)]
        : select.keys.flatMap((key) => [...this.#dictionary.withKey(family, key)]);
    return entries.filter((entry) => database === undefined || entry.database === null || entry.database === database);
  }
}

function wasSeen({ seen }: Block, start: EpochMs, durationMs: number): boolean {
  for (let at = 0; at < seen.length; at += 2) if (seen[at] === start && seen[at + 1] === durationMs) return true;
  return false;
}

/** The segments of an instance that answer a question, none overlapping another. */
function segmentsFor(instance: InstanceMemory, query: SeriesQuery): readonly Segment[] {
  const { from, to, resolutionMs } = query;
  const segments: Segment[] = [];
  let at = Math.floor((from - LONGEST_WINDOW_MS) / COARSE_MS) * COARSE_MS;
  while (at < to) {
    const wholeMinute = resolutionMs >= MINUTE_MS && at % MINUTE_MS === 0 && at >= from && at + MINUTE_MS <= to;
    const minute = wholeMinute ? instance.minutes.get(at) : undefined;
    if (minute !== undefined) {
      segments.push(minute);
      at += MINUTE_MS;
      continue;
    }
    const block = instance.blocks.get(at);
    if (block !== undefined) segments.push(...segmentsOf(block, query));
    at += COARSE_MS;
  }
  return segments;
}

/** The merged segment where it fits the question, else the windows themselves. */
function segmentsOf(block: Block, { from, to, resolutionMs }: SeriesQuery): readonly Segment[] {
  const { merged, fine } = block;
  const overlapping = (segment: Segment): boolean => segment.start < to && segment.start + segment.durationMs > from;
  const coarse = resolutionMs >= COARSE_MS && block.start >= from && block.start + COARSE_MS <= to;
  if (merged !== null && (coarse || fine.length === 0)) return overlapping(merged) ? [merged] : [];
  return fine.filter(overlapping);
}

function wantedFields({ family, fields, sumsOf = [] }: SeriesQuery): WantedFields {
  if (fields === undefined && sumsOf.length === 0) return null;
  return Uint8Array.from(layouts[family].names, (name) => {
    if (fields !== undefined && !fields.includes(name)) return SKIP;
    return sumsOf.includes(name) ? SUM : CELL;
  });
}
