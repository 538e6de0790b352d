import { resources } from '../../packages/autopilot/src/config/groups/resources.ts';
import { startPlantedMix, worstError } from '../../test/support/planted-mix.ts';
import type { BenchFindings, BenchOptions, BenchRow } from '../result.ts';

/**
 * How near the estimated shares of the event loop come to the truth: four routes of known work, a fifteenth to eight
 * fifteenths of the whole, at concurrency 1, 10 and 100, sampled as by default.
 */

const GOAL = 0.1;

export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const seconds = quick ? 10 : 240;
  const sampledShare = quick ? 0.8 : resources.sampledShare.default;
  const rows: BenchRow[] = [];
  const errors: number[] = [];
  let interrupted = 0;
  await using mix = await startPlantedMix(sampledShare);
  for (const concurrency of [1, 10, 100]) {
    log(`loop-shares: ${concurrency} at once`);
    const shares = await mix.ask(concurrency, seconds * 1_000);
    errors.push(worstError(shares));
    interrupted = Math.max(interrupted, mix.interruptedShare());
    for (const { path, share, estimate } of shares) {
      rows.push({
        case: `${concurrency} at once: ${path}`,
        'true share': share,
        'estimated share': estimate,
        'error of it': estimate / share - 1,
      });
    }
  }
  const worst = Math.max(...errors);
  return {
    rows,
    goals: [
      {
        goal: `each share within ${100 * GOAL} % of the truth, at concurrency 1, 10 and 100`,
        measured: `${(100 * worst).toFixed(1)} % off at worst`,
        met: worst <= GOAL,
      },
    ],
    notes: [
      `Sampled: ${100 * sampledShare} % of the time, for ${seconds} s each (by default: ${100 * resources.sampledShare.default} %). The truth is what each route's own code took by the clock, and what a request without work costs the processor.`,
      'Each request works in two slices, with an immediate, a promise, a timer or both between them; clients ask for each route equally often, from another thread.',
      `The work was interrupted for ${(100 * interrupted).toFixed(1)} % of its time at most: what interrupts a small route counts as its own.`,
      'What is left is the error of a sample: it halves with four times as long, or as many requests.',
    ],
  };
}
