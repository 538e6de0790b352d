import type { SettingsConsumer } from '../config/live-settings.ts';
import type { Window } from '../contract/series.ts';
import { packWindow, unpackWindow } from './packed-window.ts';
import { WindowMerge } from './window-merge.ts';

/** How much a {@link WindowBacklog} keeps. */
export interface BacklogLimits {
  /** Windows kept as they came; older ones are merged. */
  readonly fineWindows: number;
  /** Merged windows that began longer before the newest are dropped. */
  readonly keptMs: number;
  /** Bytes of all together; over it the oldest are dropped. */
  readonly bytes: number;
}

const DEFAULT_LIMITS: BacklogLimits = { fineWindows: 30, keptMs: 10 * 60_000, bytes: 16 * 1024 * 1024 };

/** Merged windows begin at multiples of this where their first second was kept. */
const COARSE_MS = 10_000;

interface Packed {
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * Windows that nobody has taken yet, oldest first: the last half minute as it came, before that ten seconds merged
 * into one, for ten minutes. They are kept as bytes, a third of what they take as objects, so that the limit is exact.
 * Each second of being away costs one merge; nothing is done all at once.
 */
export class WindowBacklog {
  #limits: BacklogLimits;
  #coarse: Packed[] = [];
  #merge = new WindowMerge();
  #fine: Packed[] = [];
  #bytes = 0;
  #lostWindows = 0;

  constructor(limits: Partial<BacklogLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get empty(): boolean {
    return this.#coarse.length === 0 && this.#merge.empty && this.#fine.length === 0;
  }

  /** Bytes in use, without the ten seconds that are being merged. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Windows dropped because they were too old or too much; a merged one counts once. */
  get lostWindows(): number {
    return this.#lostWindows;
  }

  /** From now on; what is too much by them goes with the next window. */
  setLimits(limits: BacklogLimits): void {
    this.#limits = limits;
  }

  push(window: Window): void {
    this.#fine.push(this.#pack(window));
    // Two at most, so that a lowered limit is reached little by little.
    for (let turn = 0; turn < 2 && this.#fine.length > this.#limits.fineWindows; turn++) this.#mergeOldest();
    for (;;) {
      const oldest = this.#coarse[0];
      const old = oldest !== undefined && window.start - oldest.start > this.#limits.keptMs;
      if (!old && this.#bytes <= this.#limits.bytes) return;
      if (!this.#dropOldest()) return;
    }
  }

  /** The oldest windows, up to `maxBytes` of them but at least one; they stay until drop(). */
  peek(maxBytes: number): readonly Window[] {
    const windows: Window[] = [];
    let bytes = 0;
    const take = (several: readonly Packed[]): boolean =>
      several.every((one) => {
        bytes += one.bytes.length;
        if (windows.length > 0 && bytes > maxBytes) return false;
        windows.push(unpackWindow(one.bytes));
        return true;
      });
    if (!take(this.#coarse)) return windows;
    // A copy: the ten seconds stay open, or looking each second would end each merge after one.
    if (!this.#merge.empty && !take([packed(this.#merge.window())])) return windows;
    take(this.#fine);
    return windows;
  }

  /** Forgets the `count` oldest: somebody has taken them. */
  drop(count: number): void {
    for (let dropped = 0; dropped < count; dropped++) {
      if (this.#coarse.length === 0 && !this.#merge.empty) {
        this.#merge = new WindowMerge();
        continue;
      }
      const packed = this.#coarse.length > 0 ? this.#coarse.shift() : this.#fine.shift();
      this.#bytes -= packed?.bytes.length ?? 0;
    }
  }

  /** Forgets everything, and counts it as lost. */
  abandon(): void {
    this.#lostWindows += this.#coarse.length + (this.#merge.empty ? 0 : 1) + this.#fine.length;
    this.#coarse = [];
    this.#merge = new WindowMerge();
    this.#fine = [];
    this.#bytes = 0;
  }

  #mergeOldest(): void {
    const packed = this.#fine.shift();
    if (packed === undefined) return;
    this.#bytes -= packed.bytes.length;
    if (!this.#merge.empty && !sameTen(this.#merge.start, packed.start)) this.#endMerge();
    this.#merge.add(unpackWindow(packed.bytes));
  }

  #endMerge(): void {
    if (this.#merge.empty) return;
    this.#coarse.push(this.#pack(this.#merge.window()));
    this.#merge = new WindowMerge();
  }

  #dropOldest(): boolean {
    if (this.#coarse.length === 0) this.#endMerge();
    const packed = this.#coarse.shift() ?? (this.#fine.length > 1 ? this.#fine.shift() : undefined);
    if (packed === undefined) return false;
    this.#bytes -= packed.bytes.length;
    this.#lostWindows++;
    return true;
  }

  #pack(window: Window): Packed {
    const made = packed(window);
    this.#bytes += made.bytes.length;
    return made;
  }
}

function packed(window: Window): Packed {
  return { start: window.start, bytes: packWindow(window) };
}

function sameTen(a: number, b: number): boolean {
  return Math.floor(a / COARSE_MS) === Math.floor(b / COARSE_MS);
}

/** Keeps a backlog within monitoring.backlog... */
export function backlogSettings(backlog: WindowBacklog): SettingsConsumer {
  return {
    name: 'the backlog of windows',
    apply: ({ monitoring: { backlogFineWindows, backlogKeptMs, backlogBytes } }) =>
      backlog.setLimits({ fineWindows: backlogFineWindows, keptMs: backlogKeptMs, bytes: backlogBytes }),
  };
}
