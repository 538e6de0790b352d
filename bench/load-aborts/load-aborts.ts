import { loadavg } from 'node:os';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';
import { engineAborts } from './engine-aborts.ts';
import { serviceAborts } from './service-aborts.ts';

/** Tries of one safeguard. */
export interface Tries {
  readonly safeguard: string;
  /** From the limit crossed to the last request that the target received. */
  readonly timesMs: readonly number[];
  /** Tries that ended for another reason. */
  readonly wrong: number;
}

/**
 * Whether a load test stops before it hurts: 50 tries of each safeguard, with the times that the target itself saw. What the
 * generator sees is tried with the engine alone; what is the target's own comes from a real application over its agent and its control
 * plane, and so does the stop button.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const tries = quick ? 2 : 50;
  const found = [...(await engineAborts(tries, log)), ...(await serviceAborts(tries, log))];
  const rows = found.map(({ safeguard, timesMs }): BenchRow => {
    const sorted = timesMs.toSorted((a, b) => a - b);
    return {
      case: safeguard,
      tries: timesMs.length,
      'median ms': sorted[Math.floor(sorted.length / 2)] ?? null,
      'longest ms': sorted.at(-1) ?? null,
    };
  });
  const worst = Math.max(...found.flatMap(({ timesMs }) => timesMs));
  const wrong = found.reduce((sum, one) => sum + one.wrong, 0);
  const goal: BenchGoal = {
    goal: `at most 1 s from a limit crossed to the last request, in ${tries} tries of each of ${found.length} safeguards`,
    measured: `${worst.toFixed(0)} ms at most${wrong === 0 ? '' : `; ${wrong} ended for another reason`}`,
    met: worst <= 1000 && wrong === 0,
  };
  return {
    rows,
    goals: [goal],
    notes: [
      'From the limit crossed to the last request received, by the clock of the target process; the crossing is when the limit is true (of the last second, where it is a ratio or a mean), not when the trouble begins.',
      'Where the event loop is blocked the requests that were sent meanwhile are received after the block: that time is in the figure.',
      'The first five run three at a time, as they mostly wait.',
      `Load average of the machine at the end: ${loadavg()[0]?.toFixed(1) ?? '?'}.`,
    ],
  };
}
