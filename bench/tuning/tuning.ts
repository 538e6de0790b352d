import { type SimulatedOutcome, simulateTrial, upperBound } from '../../test/support/tuning-traffic.ts';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';
import { simulatedLedger } from './ledger.ts';

/**
 * How often the judging of trials is wrong, and how soon it is right: simulated trials of a change that does nothing, one that makes
 * a statement a fifth slower and one that makes it a fifth faster, looked at after every block of 10 s and 100 calls.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const trials = quick ? 250 : 2_000;
  const rows: BenchRow[] = [];
  const outcomes = new Map<string, readonly SimulatedOutcome[]>();
  const surroundings = [
    { where: 'beside others', hasControls: true },
    { where: 'alone', hasControls: false },
    { where: 'on and off', hasControls: false, flipBlocks: 8 },
  ] as const;
  for (const { where, ...simulated } of surroundings) {
    for (const effect of [1, 1.2, 0.8]) {
      const name = `${effect === 1 ? 'nothing' : `${signed(effect)} time`}, ${where}`;
      log(`${trials} trials: ${name}`);
      const all = Array.from({ length: trials }, (_, at) =>
        simulateTrial({ seed: at + 1, effect, ...simulated, blocksBefore: 40, mostBlocksAfter: 360 }),
      );
      outcomes.set(name, all);
      const requests = all.map(({ requestsAfter }) => requestsAfter).toSorted((a, b) => a - b);
      rows.push({
        change: name,
        worse: shareOf(all, 'worse'),
        better: shareOf(all, 'better'),
        'no difference': shareOf(all, 'no difference'),
        unclear: shareOf(all, 'none'),
        'median requests': requests[trials >> 1] ?? 0,
        'p99 requests': requests[Math.floor(trials * 0.99)] ?? 0,
      });
    }
  }
  const goals: BenchGoal[] = [];
  const goal = (text: string, measured: string, met: boolean): void => {
    goals.push({ goal: text, measured, met });
  };
  for (const { where } of surroundings) {
    const idle = outcomes.get(`nothing, ${where}`) ?? [];
    const wrong = idle.filter(({ verdict }) => verdict === 'worse' || verdict === 'better').length;
    const most = upperBound(wrong, idle.length);
    goal(
      `wrong verdicts of a change that does nothing, ${where}: upper 95 % bound at most 6 %`,
      percent(most),
      most <= 0.06,
    );
  }
  const slower = outcomes.get('+20 % time, beside others') ?? [];
  const found = slower.map(({ verdict, requestsAfter }) =>
    verdict === 'worse' ? requestsAfter : Number.POSITIVE_INFINITY,
  );
  found.sort((a, b) => a - b);
  const median = found[found.length >> 1] ?? 0;
  goal('+20 %: taken back after a median of at most 6,000 requests', String(median), median <= 6_000);
  const soon = found.filter((requests) => requests <= 15_000).length / found.length;
  goal('+20 %: 99 % taken back within 15,000 requests', percent(soon), soon >= 0.99);
  const faster = shareOf(outcomes.get('-20 % time, beside others') ?? [], 'better');
  goal('-20 %: kept in at least 95 %', percent(faster), faster >= 0.95);
  const turns = quick ? 25 : 75;
  log(`${4 * turns} predictions of four kinds, tried one after the other`);
  const ledger = simulatedLedger(turns, 1);
  const within = (entries: typeof ledger): number =>
    entries.filter(({ measured, low, high }) => measured >= low && measured <= high).length / entries.length;
  for (const [category, entries] of Map.groupBy(ledger, (one) => one.category)) {
    rows.push({
      change: `predicted: ${category}`,
      trials: entries.length,
      'within 80 %': within(entries),
      'width, first': entries[0]?.factor ?? null,
      'width, last': entries.at(-1)?.factor ?? null,
    });
  }
  const share = within(ledger);
  goal(
    `intervals of 80 % hold the measured effect in 70 to 90 % of ${ledger.length} trials of mixed kinds`,
    percent(share),
    share >= 0.7 && share <= 0.9,
  );
  return {
    rows,
    goals,
    notes: [
      'The traffic is made up, with a simulated clock: no recording was replayed. Rates of 10 to 40 calls a second with a day’s cycle and bursts, latency that drifts with a memory of 20 to 120 s.',
      '"Beside others": there are statements that the change does not touch, which go through four fifths of the same drift. "Alone": the load is all that is known of the surroundings. "On and off": that, and the change is flipped every 8 blocks.',
      'Predictions: each kind errs by a bias and a spread of its own, one in ten by two and a half times more, and learns from its own trials; their effects are measured under the same traffic. The width is a factor.',
      'Before the change 40 blocks were measured, after it at most 360; requests are those after it.',
    ],
  };
}

function shareOf(all: readonly SimulatedOutcome[], verdict: SimulatedOutcome['verdict']): number {
  return all.filter((one) => one.verdict === verdict).length / Math.max(1, all.length);
}

function signed(effect: number): string {
  return `${effect > 1 ? '+' : '-'}${Math.round(100 * Math.abs(effect - 1))} %`;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}
