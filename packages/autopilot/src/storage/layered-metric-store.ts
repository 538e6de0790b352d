import type { TimeSpan } from '../contract/frame.ts';
import type { Origin, Window } from '../contract/series.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { findGaps } from './live-gaps.ts';
import type { Appended, Compacted, Extent, MetricStore, SeriesQuery, Slice } from './ports.ts';
import { TakenElsewhere } from './taken-elsewhere.ts';

/**
 * The live hour and history as one store.
 *
 * Agents send each window twice: over the link, for the live view, and into the database themselves. The two hold the same facts in
 * other lengths, so a range is cut in two: before the cut history answers, from the cut on the live hour, and blocks of 10 s that
 * the live hour lacks (the control plane was started meanwhile, or the link was broken) come from history again.
 *
 *   cut = where the live hour begins              short ranges and fine steps
 *         two minutes ago                         long ranges and coarse steps: history has merged the hour to minutes, of all
 *                                                 instances together, where the live hour would have 360 blocks of each to merge;
 *                                                 if history has every block of that minute that the live hour has
 *
 * What lies within the last ten minutes does not wait for history, unless another control plane had the link meanwhile: then
 * history has what that one took, or gets it within seconds, and until then extent() says which time is not settled
 * (taken-elsewhere.ts). When history fails, the question that found out fails, if it was
 * about more than the live hour; then, for five seconds at a time, the live hour answers alone, and extent() says that nothing
 * older can be had.
 */

const MINUTE_MS = 60_000;
/** Windows belong to the block they start in. Agents cut theirs at the same times. */
const BLOCK_MS = 10_000;
const LIVE_ALONE_MS = 10 * MINUTE_MS;
/** An agent hands its windows to the database every 10 s; one slow flush is waited for. */
const SETTLED_MS = 2 * MINUTE_MS;
/** How long an answer about what history keeps is believed. */
const EXTENT_VALID_MS = 5000;
/** While something is on its way to history it is looked for as often. */
const LOOK_EVERY_MS = 1000;
/** How long history is left alone after it failed, so that nobody waits for it over and over. */
const REST_MS = 5000;

export interface LayeredMetricStoreOptions {
  /** Windows from the link. */
  readonly recent: MetricStore;
  /** What agents write by themselves. */
  readonly history: MetricStore;
  readonly clock: Clock;
  /** Whether history is kept in order from here at this moment, and not by another process; default: it is. */
  readonly mayCompact?: () => boolean;
  /** Called when history fails: with the first failure, and again when it fails after having answered. */
  readonly onTrouble: (error: unknown) => void;
}

interface KnownExtent {
  readonly extent: Extent;
  readonly atMs: number;
}

export class LayeredMetricStore implements MetricStore {
  readonly #recent: MetricStore;
  readonly #history: MetricStore;
  readonly #clock: Clock;
  readonly #onTrouble: (error: unknown) => void;
  /** Since when windows from the link are kept. */
  #recentSince: EpochMs;
  readonly #mayCompact: () => boolean;
  readonly #extents: Map<string, KnownExtent> = new Map();
  readonly #elsewhere: TakenElsewhere = new TakenElsewhere();
  /** By service, when history was last looked at for what was taken elsewhere. */
  readonly #lookedAtMs: Map<string, number> = new Map();
  #failedAtMs = Number.NEGATIVE_INFINITY;
  /** Why history could not be asked the last time; null: it could. */
  #failure: string | null = null;
  #failedWith: unknown = null;
  #compacting: Promise<void> | null = null;
  #compactionFailedAtMs = Number.NEGATIVE_INFINITY;
  #compactionFailure: string | null = null;

  constructor(options: LayeredMetricStoreOptions) {
    this.#recent = options.recent;
    this.#history = options.history;
    this.#clock = options.clock;
    this.#onTrouble = options.onTrouble;
    this.#recentSince = options.clock.now();
    this.#mayCompact = options.mayCompact ?? ((): boolean => true);
  }

  /** What goes wrong with history: it can't be asked, or not be compacted; null: nothing. */
  get trouble(): string | null {
    return this.#failure ?? this.#compactionFailure;
  }

  /** Windows from the link come here from now on. `tookOver`: they went to another control plane before. */
  beginLive(tookOver: boolean): void {
    this.#recentSince = this.#clock.now();
    this.#elsewhere.begin(this.#recentSince, tookOver);
  }

  /**
   * An agent says that all its windows that end by `until` were taken, here or by another control plane; to be told before what it
   * sends with it.
   */
  noteTaken(origin: Origin, until: EpochMs): void {
    this.#elsewhere.taken(origin, until, this.#clock.now());
  }

  /** Into the live hour; agents write history themselves. */
  append(origin: Origin, windows: readonly Window[]): Promise<Appended> {
    this.#elsewhere.appended(origin, windows);
    return this.#recent.append(origin, windows);
  }

  /** Compacts the live hour, and history beside it: that may take longer, and is not waited for. */
  compact(now: EpochMs): Promise<Compacted> {
    const restedMs = this.#clock.monotonicMs() - this.#compactionFailedAtMs;
    if (this.#compacting === null && this.#mayCompact() && restedMs >= REST_MS)
      this.#compacting = this.#compactHistory(now);
    return this.#recent.compact(now);
  }

  async #compactHistory(now: EpochMs): Promise<void> {
    try {
      await this.#history.compact(now);
      this.#compactionFailure = null;
      // It answers again, though nobody has asked it since.
      if (!this.#isResting()) this.#failure = null;
    } catch (error) {
      // Not a reason to ask nothing any more: what can't be merged now can still be read.
      this.#compactionFailedAtMs = this.#clock.monotonicMs();
      if (this.#compactionFailure === null) this.#onTrouble(error);
      this.#compactionFailure = messageOf(error);
    } finally {
      this.#compacting = null;
    }
  }

  /** Waits for what is running. The two stores are the caller's to close. */
  async settled(): Promise<void> {
    await this.#compacting;
  }

  async extent(service: string, now: EpochMs): Promise<Extent> {
    const recent = await this.#recent.extent(service, now);
    const history = await this.#historyExtent(service, now);
    if (history !== null) await this.#look(service);
    const unsettled = this.#elsewhere.unsettled(service, now, history === null);
    if (history === null) {
      // The live hour alone: it began with this process.
      const since = Math.ceil(this.#recentSince / BLOCK_MS) * BLOCK_MS;
      const levels = recent.levels.map((level) => ({ ...level, from: Math.max(level.from, since) }));
      return {
        ...recent,
        levels,
        unsettled,
        trouble: `History can't be asked: ${this.#failure ?? 'it was not asked yet'}`,
      };
    }
    const levels = [...recent.levels];
    for (const level of history.levels) {
      const same = levels.findIndex(({ resolutionMs }) => resolutionMs === level.resolutionMs);
      if (same === -1) levels.push(level);
      else if ((levels[same]?.from ?? 0) > level.from) levels[same] = level;
    }
    const ends = [recent.newestEnd, history.newestEnd].filter((end) => end !== null);
    return {
      levels: levels.sort((a, b) => a.resolutionMs - b.resolutionMs),
      newestEnd: ends.length === 0 ? null : Math.max(...ends),
      // What memory dropped is in history.
      droppedWindows: history.droppedWindows,
      unsettled,
    };
  }

  async *read(query: SeriesQuery): AsyncIterable<Slice> {
    const now = this.#clock.now();
    const liveAlone =
      query.from >= Math.max(now - LIVE_ALONE_MS, this.#recentSince + BLOCK_MS) &&
      !this.#elsewhere.isIn(query.service, query);
    if (liveAlone || this.#isResting()) {
      yield* this.#recent.read(query);
      return;
    }
    const cut = await this.#cutOf(query, now);
    if (query.from < cut) yield* this.#older({ ...query, to: Math.min(query.to, cut) });
    if (query.to > cut) yield* this.#live({ ...query, from: Math.max(query.from, cut) }, cut);
  }

  /** An answer that was said to be complete, and can't be, is none: it throws, and the next one is said to be of the live hour alone. */
  async *#older(query: SeriesQuery): AsyncIterable<Slice> {
    try {
      yield* this.#history.read(query);
      this.#failure = null;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** The live hour from the cut on, with what it lacks. */
  async *#live(query: SeriesQuery, cut: EpochMs): AsyncIterable<Slice> {
    // A window that began before the cut was read from history already; where nothing was, it belongs to the answer.
    const isOurs = ({ start }: Slice): boolean => start >= cut || query.from > cut;
    const { from, to, service } = query;
    const lacks = (origin: Origin): readonly TimeSpan[] => this.#elsewhere.ofInstance(origin);
    const slices = (await gathered(this.#recent.read(query))).filter(isOurs);
    const stored = await this.#asking(async () => (await gathered(this.#history.read(headsOf(query)))).filter(isOurs));
    // As with what is older: it was said to be complete.
    if (stored === null && this.#elsewhere.isIn(service, query)) throw this.#failedWith;
    if (findGaps(slices, stored ?? [], { blockMs: BLOCK_MS, from, to, lacks }).isEmpty) {
      yield* slices;
      return;
    }
    // Once more without those that were joined to minutes, of which a part may have to go.
    const fine = { ...query, resolutionMs: Math.min(query.resolutionMs, BLOCK_MS), mergeInstances: false };
    const blocks = (await gathered(this.#recent.read(fine))).filter(isOurs);
    const gaps = findGaps(blocks, stored ?? [], { blockMs: BLOCK_MS, from, to, lacks });
    const part = { ...fine, resolutionMs: BLOCK_MS, from: Math.max(from, gaps.from), to: Math.min(to, gaps.to) };
    const filled = gaps.isEmpty ? [] : await this.#asking(() => gathered(this.#history.read(part)));
    if (filled === null && this.#elsewhere.isIn(service, query)) throw this.#failedWith;
    yield* filled === null ? blocks : blocks.filter((slice) => !gaps.replaces(slice));
    yield* (filled ?? []).filter((slice) => gaps.takes(slice));
  }

  async #cutOf(query: SeriesQuery, now: EpochMs): Promise<EpochMs> {
    const { levels } = await this.#recent.extent(query.service, now);
    const liveFrom = Math.ceil((levels.at(-1)?.from ?? now) / MINUTE_MS) * MINUTE_MS;
    const settled = Math.floor((now - SETTLED_MS) / MINUTE_MS) * MINUTE_MS;
    if (query.resolutionMs < MINUTE_MS || query.from >= liveFrom || settled <= liveFrom) return liveFrom;
    const minute = headsOf({ ...query, from: settled - MINUTE_MS, to: settled });
    const live = await gathered(this.#recent.read(minute));
    const stored = await this.#asking(() => gathered(this.#history.read(minute)));
    return stored !== null && findGaps(stored, live, { blockMs: BLOCK_MS }).isEmpty ? settled : liveFrom;
  }

  async #historyExtent(service: string, now: EpochMs): Promise<Extent | null> {
    const known = this.#extents.get(service);
    const atMs = this.#clock.monotonicMs();
    if (known !== undefined && atMs - known.atMs < EXTENT_VALID_MS) return known.extent;
    if (this.#isResting()) return null;
    const extent = await this.#asking(() => this.#history.extent(service, now));
    // A name that nobody has heard of must not be remembered with all others of its kind.
    if (this.#extents.size > 1000) this.#extents.clear();
    if (extent === null) this.#extents.delete(service);
    else this.#extents.set(service, { extent, atMs });
    return extent;
  }

  /** Looks what history has by now of what was taken elsewhere. */
  async #look(service: string): Promise<void> {
    const now = this.#clock.now();
    const atMs = this.#clock.monotonicMs();
    const restMs = this.#elsewhere.isOpen(service, now) ? LOOK_EVERY_MS : EXTENT_VALID_MS;
    if (this.#isResting() || atMs - (this.#lookedAtMs.get(service) ?? Number.NEGATIVE_INFINITY) < restMs) return;
    if (this.#lookedAtMs.size > 1000) this.#lookedAtMs.clear();
    this.#lookedAtMs.set(service, atMs);
    const from = this.#elsewhere.lookFrom(service, now);
    const anything = { service, family: 'runtime', select: { kind: 'total' }, from, to: now + MINUTE_MS } as const;
    const query = headsOf({ ...anything, resolutionMs: BLOCK_MS });
    const windows = await this.#asking(() => gathered(this.#history.read(query)));
    if (windows !== null) this.#elsewhere.stored(service, windows, now);
  }

  #isResting(): boolean {
    return this.#clock.monotonicMs() - this.#failedAtMs < REST_MS;
  }

  /** Asks history; null when it fails. */
  async #asking<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await ask();
      this.#failure = null;
      return answer;
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  #failed(error: unknown): void {
    this.#failedAtMs = this.#clock.monotonicMs();
    this.#failedWith = error;
    this.#extents.clear();
    if (this.#failure === null) this.#onTrouble(error);
    this.#failure = messageOf(error);
  }
}

async function gathered(slices: AsyncIterable<Slice>): Promise<Slice[]> {
  const list: Slice[] = [];
  for await (const slice of slices) list.push(slice);
  return list;
}

/** The same question for windows alone: when instances reported, without any of their series. */
function headsOf(query: SeriesQuery): SeriesQuery {
  return { ...query, select: { kind: 'keys', keys: [] }, fields: [], resolutionMs: BLOCK_MS, mergeInstances: false };
}
