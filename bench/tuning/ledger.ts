import { calibrate, type PredictedMeasured } from '../../packages/autopilot/src/tune/calibration.ts';
import { random } from '../../test/support/random.ts';
import { simulateTrial } from '../../test/support/tuning-traffic.ts';

/** How advice of one kind errs, for the simulation. */
interface Advisor {
  readonly category: string;
  /** What its model predicts, from and to: time after : before. */
  readonly modelled: readonly [number, number];
  /** What comes of it is as many times as much, in the middle. */
  readonly bias: number;
  /** Standard deviation of the logarithm of what comes of it. */
  readonly spread: number;
}

/** Planners are too bright about indexes and wrong by far now and then; of what nothing uses, nothing comes; models of settings and pools are in between. */
const advisors: readonly Advisor[] = [
  { category: 'indexes', modelled: [0.02, 0.6], bias: 1.6, spread: 0.5 },
  { category: 'index drops', modelled: [0.99, 1.01], bias: 1, spread: 0.03 },
  { category: 'settings', modelled: [0.7, 0.95], bias: 1.08, spread: 0.1 },
  { category: 'pool', modelled: [0.4, 0.9], bias: 0.85, spread: 0.25 },
];

/** A simulated prediction that was tried. */
export interface LedgerEntry extends PredictedMeasured {
  /** The how-manyth of its kind. */
  readonly turn: number;
  readonly factor: number;
}

/** Advice of mixed kinds, each predicted with what was learnt of its kind until then, and measured by a simulated trial. */
export function simulatedLedger(turns: number, seed: number): readonly LedgerEntry[] {
  const next = random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const entries: LedgerEntry[] = [];
  for (let turn = 0; turn < turns; turn++) {
    for (const {
      category,
      modelled: [from, to],
      bias,
      spread,
    } of advisors) {
      const past = entries.filter((one) => one.category === category).toReversed();
      const learnt = calibrate(past);
      const modelled = from + (to - from) * next();
      // One in ten is wrong by more: tails are heavier than normal.
      const truth = modelled * bias * Math.exp(spread * (next() < 0.1 ? 2.5 : 1) * normal());
      const seedOfTrial = 1 + Math.floor(next() * 1e9);
      const { effect } = simulateTrial({
        seed: seedOfTrial,
        effect: truth,
        hasControls: true,
        blocksBefore: 40,
        mostBlocksAfter: 60,
      });
      if (effect === null) continue;
      const predicted = modelled * learnt.bias;
      const { factor } = learnt;
      const interval = { low: predicted / factor, high: predicted * factor };
      entries.push({ category, modelled, measured: effect, ...interval, factor, turn });
    }
  }
  return entries;
}
