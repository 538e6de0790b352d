import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';

/** Linux from 4.20 on: for how long some task has waited for a disk, in us. */
const PRESSURE = '/proc/pressure/io';
const SAMPLE_MS = 30_000;
const KEPT_MS = 30 * 60_000;
/** A shorter time says nothing of half an hour. */
const LEAST_MS = 60_000;

/** How much of the last half hour something on this machine has waited for its disks; it is measured from its start on. */
export class IoPressure {
  readonly #clock: Clock;
  readonly #read: () => Promise<string>;
  #samples: readonly { readonly atMs: number; readonly waitedMs: number }[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock, read: () => Promise<string> = () => readFile(PRESSURE, 'utf8')) {
    this.#clock = clock;
    this.#read = read;
  }

  start(): void {
    void this.sample();
    this.#timer = setInterval(() => void this.sample(), SAMPLE_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Never rejects: where the system does not tell, nothing is known. */
  async sample(): Promise<void> {
    const text = await this.#read().catch(() => '');
    const [, total] = /^some .*\btotal=(\d+)/m.exec(text) ?? [];
    if (total === undefined) return;
    const atMs = this.#clock.monotonicMs();
    const kept = this.#samples.filter((one) => atMs - one.atMs <= KEPT_MS);
    this.#samples = [...kept, { atMs, waitedMs: Number(total) / 1000 }];
  }

  /** 0 to 1; null: not known. */
  get ratio(): number | null {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < LEAST_MS) return null;
    return Math.min(1, (last.waitedMs - first.waitedMs) / (last.atMs - first.atMs));
  }
}
