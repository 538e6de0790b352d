import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { LOOP_DELAY_EVERY_MS, type LoopDelay } from '../track/loop-delay.ts';

/** How hard the process has it, easiest first. */
export type StrainName = 'idle' | 'normal' | 'busy' | 'strained' | 'overloaded';

/**
 * What a byte less is worth, in ns of CPU time. A client on 40 Mbit/s waits 200 ns for a byte: spending as much on saving
 * it makes nobody's answer slower. An idle processor costs nothing. One that others wait for costs all of them; but a byte
 * sent costs CPU time too, and at 30 ns all that is left is what is cheapest: gzip 1 and zstd 1. At 10 and at 15 ns answers of
 * 1 to 2 KB went as they are on a busy machine, where coding takes twice its time: more than twice the bytes, for 15 us.
 */
const byteValuesNs: readonly (readonly [StrainName, number])[] = [
  ['idle', 1_000],
  ['normal', 200],
  ['busy', 100],
  ['strained', 40],
  ['overloaded', 30],
];
const NORMAL = 1;
const BUSY = 2;

/** A judgement is of half a second. */
const JUDGE_EVERY = 500 / LOOP_DELAY_EVERY_MS;
/** Calm for so many judgements in a row: one step back. Stepping down is quick and stepping back slow, so that it does not swing. */
const CALM_JUDGEMENTS = 4;
/** An event loop busy for more than this share has no time left: what one answer takes, the next one waits for, late or not. */
const SATURATED = 0.95;
/** A loop busy for a shorter part of half a second says nothing of the processor. */
const LEAST_ACTIVE_MS = 100;
/** With less of the processor than this part of the time that the loop was busy, other processes have the rest. */
const STARVED_SHARE = 0.6;

/** What was seen since the judgement before. */
export interface Seen {
  /** How late timers were at most. */
  readonly lateMs: number;
  /** Busy share of the event loop. */
  readonly utilization: number;
  /** CPU time of the process by busy time of its loop; null: too little of both. */
  readonly cpuShare: number | null;
}

/** Judges how hard the process has it, by how late its event loop is and whether it gets the processor when it wants it. */
export class Strain {
  #step = NORMAL;
  #calm = 0;

  get name(): StrainName {
    return byteValuesNs[this.#step]?.[0] ?? 'normal';
  }

  /** What a byte less is worth now, in ns of CPU time. */
  get byteValueNs(): number {
    return byteValuesNs[this.#step]?.[1] ?? 0;
  }

  /** Takes in half a second. Later than `lateMs` is late. */
  judge({ lateMs: seenMs, utilization, cpuShare }: Seen, lateMs: number): void {
    const starved = cpuShare !== null && cpuShare < STARVED_SHARE;
    if (seenMs > lateMs || starved) {
      this.#calm = 0;
      const steps = seenMs > lateMs * 5 ? 2 : 1;
      this.#step = Math.min(this.#step + steps, byteValuesNs.length - 1);
      return;
    }
    if (seenMs > lateMs / 2 || utilization > 0.8) {
      // Neither better nor worse; one that is idle no more is not idle, and one without a pause is busy.
      this.#calm = 0;
      this.#step = Math.max(this.#step, utilization > SATURATED ? BUSY : NORMAL);
      return;
    }
    if (++this.#calm < CALM_JUDGEMENTS) return;
    this.#calm = 0;
    // Idle is who has time to spare, not who is merely on time.
    const least = utilization < 0.3 ? 0 : NORMAL;
    this.#step = this.#step > least ? this.#step - 1 : least;
  }

  /** Judges by the delays of this process's event loop until disposed; `lateMs` is asked for each judgement. */
  follow(loopDelay: LoopDelay, lateMs: () => number): Disposable {
    let probes = 0;
    let latestMs = 0;
    let loop: EventLoopUtilization = performance.eventLoopUtilization();
    let cpu = process.cpuUsage();
    return loopDelay.follow((_atMs, delayMs) => {
      if (delayMs > latestMs) latestMs = delayMs;
      if (++probes < JUDGE_EVERY) return;
      const loopNow = performance.eventLoopUtilization();
      const cpuNow = process.cpuUsage();
      const { active, utilization } = performance.eventLoopUtilization(loopNow, loop);
      const cpuMs = (cpuNow.user - cpu.user + cpuNow.system - cpu.system) / 1_000;
      this.judge(
        { lateMs: latestMs, utilization, cpuShare: active < LEAST_ACTIVE_MS ? null : cpuMs / active },
        lateMs(),
      );
      probes = 0;
      latestMs = 0;
      loop = loopNow;
      cpu = cpuNow;
    });
  }
}
