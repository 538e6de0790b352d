import { setImmediate as immediate } from 'node:timers/promises';
import type { Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { packWindow, unpackWindow } from './packed-window.ts';
import { WindowMerge } from './window-merge.ts';

/** How much a {@link HistoryBacklog} keeps. */
export interface HistoryBacklogLimits {
  /** Windows kept as they came; older ones are merged. */
  readonly wholeWindows: number;
  /** Windows that have waited longer are dropped. */
  readonly keptMs: number;
  /** Bytes of all together; over it the oldest are merged, and dropped when that is not enough. */
  readonly bytes: number;
}

const MINUTE_MS = 60_000;
/** Fifteen minutes as they came; a day in all. */
const DEFAULT_LIMITS: HistoryBacklogLimits = {
  wholeWindows: 90,
  keptMs: 24 * 60 * MINUTE_MS,
  bytes: 16 * 1024 * 1024,
};

/** Windows become one a minute, and one for five minutes: no store takes any that are longer than ten. */
const UNITS_MS: readonly number[] = [MINUTE_MS, 5 * MINUTE_MS];

interface Packed {
  readonly start: EpochMs;
  /** When it came, on the monotonic clock: one that was set wrongly for a minute must not cost what waits. */
  readonly atMs: number;
  readonly bytes: Buffer;
  /** How often it was merged: 0, 1 or 2 times. */
  readonly merges: number;
}

/**
 * Windows that the store has not taken yet, oldest first, as bytes, so that the limit is exact.
 *
 *   newest 90                      as they came
 *   older, or over the byte limit  merged to minutes, oldest first, then to five minutes: nothing is lost but resolution
 *   still over it, or over a day   the oldest are dropped, and counted
 *
 * What was offered to the store once is never merged: it may have been taken before the answer got lost, and is known there
 * by its start and length.
 */
export class HistoryBacklog {
  readonly #limits: HistoryBacklogLimits;
  #windows: Packed[] = [];
  /** The first so many were offered. */
  #offered = 0;
  #bytes = 0;
  #mergedWindows = 0;
  #lostWindows = 0;
  #isFitting = false;

  constructor(limits: Partial<HistoryBacklogLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get size(): number {
    return this.#windows.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Windows that were merged into longer ones. */
  get mergedWindows(): number {
    return this.#mergedWindows;
  }

  /** Windows dropped because they were too old or too much; a merged one counts once. */
  get lostWindows(): number {
    return this.#lostWindows;
  }

  /** Adds the newest window; `atMs` is now, on the monotonic clock. What has to make room does so in turns; the promise is fulfilled when it has. */
  async push(window: Window, atMs: number): Promise<void> {
    this.#insert(this.#windows.length, window, atMs, 0);
    if (this.#isFitting) return;
    this.#isFitting = true;
    try {
      while (await this.#makeRoom(atMs));
    } finally {
      this.#isFitting = false;
    }
  }

  /**
   * What is to be offered next, until drop(): the same as the last time as long as that was not taken; else the oldest, up to
   * `maxBytes` but at least one.
   */
  offer(maxBytes: number): readonly Window[] {
    if (this.#offered === 0) {
      let bytes = 0;
      for (const packed of this.#windows) {
        bytes += packed.bytes.length;
        if (this.#offered > 0 && bytes > maxBytes) break;
        this.#offered++;
      }
    }
    return this.#windows.slice(0, this.#offered).map(({ bytes }) => unpackWindow(bytes));
  }

  /** Forgets what was offered; `isLost`: nobody will ever take it. */
  drop(isLost = false): void {
    for (const { bytes } of this.#windows.splice(0, this.#offered)) this.#bytes -= bytes.length;
    if (isLost) this.#lostWindows += this.#offered;
    this.#offered = 0;
  }

  /** Of what was offered, only the oldest is offered next: to find the one that can't be taken. */
  offerLess(): void {
    this.#offered = Math.min(this.#offered, 1);
  }

  /** Forgets everything; `isLost`: it counts as lost. */
  clear(isLost: boolean): void {
    this.#offered = this.#windows.length;
    this.drop(isLost);
  }

  /** False: there is room. */
  async #makeRoom(nowMs: number): Promise<boolean> {
    const isFull = this.#bytes > this.#limits.bytes;
    const whole = this.#windows.filter(({ merges }, at) => at >= this.#offered && merges === 0).length;
    if (isFull || whole > this.#limits.wholeWindows) {
      const merged = (await this.#mergeOldest(1)) || (isFull && (await this.#mergeOldest(2)));
      if (merged) return true;
    }
    const oldest = this.#windows[this.#offered];
    const isOld = oldest !== undefined && nowMs - oldest.atMs > this.#limits.keptMs;
    // The newest stays, however large it is.
    if (!(isOld || isFull) || this.#windows.length <= this.#offered + 1) return false;
    this.#windows.splice(this.#offered, 1);
    this.#bytes -= oldest?.bytes.length ?? 0;
    this.#lostWindows++;
    return true;
  }

  /** Makes one window of the oldest that were merged less often and lie in the same minute, or five; false: there are none. */
  async #mergeOldest(merges: number): Promise<boolean> {
    const unitMs = UNITS_MS[merges - 1] ?? MINUTE_MS;
    const first = this.#windows.findIndex((packed, at) => at >= this.#offered && packed.merges < merges);
    const start = this.#windows[first]?.start;
    if (start === undefined) return false;
    const unit = Math.floor(start / unitMs);
    let end = first + 1;
    const belongs = (packed: Packed | undefined): boolean =>
      packed !== undefined && packed.merges < merges && Math.floor(packed.start / unitMs) === unit;
    while (belongs(this.#windows[end])) end++;
    // The minute of the newest is not over yet.
    if (end === this.#windows.length) return false;
    const group = this.#windows.splice(first, end - first);
    const merge = new WindowMerge();
    for (const packed of group) {
      await merge.addInTurns(unpackWindow(packed.bytes));
      await immediate();
    }
    for (const { bytes } of group) this.#bytes -= bytes.length;
    // More may have been taken meanwhile.
    const at = this.#windows.findIndex((packed, index) => index >= this.#offered && packed.start >= merge.start);
    this.#insert(at === -1 ? this.#windows.length : at, merge.window(), group[0]?.atMs ?? 0, merges);
    if (group.length > 1) this.#mergedWindows += group.length;
    return true;
  }

  #insert(at: number, window: Window, atMs: number, merges: number): void {
    const bytes = packWindow(window);
    this.#windows.splice(at, 0, { start: window.start, atMs, bytes, merges });
    this.#bytes += bytes.length;
  }
}
