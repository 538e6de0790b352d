import type { JudgementRules, TrialSample } from '../../packages/autopilot/src/tune/trial-judgement.ts';
import { judgeTrial } from '../../packages/autopilot/src/tune/trial-judgement.ts';
import { random } from './random.ts';

/** A change whose effect is known, under traffic that was made up. */
export interface SimulatedTrial {
  /** Everything random follows from it. */
  readonly seed: number;
  /** What the change does to the time of the statement: 1 nothing, 1.2 a fifth more. */
  readonly effect: number;
  /** Whether there are statements that the change does not touch. */
  readonly hasControls: boolean;
  /** The change is on and off in turn, for so many blocks at a time; absent: it stays. */
  readonly flipBlocks?: number;
  readonly blocksBefore: number;
  /** Without a verdict by then it ends. */
  readonly mostBlocksAfter: number;
}

/** How a simulated trial went. */
export interface SimulatedOutcome {
  readonly verdict: 'better' | 'worse' | 'no difference' | 'none';
  readonly requestsBefore: number;
  readonly requestsAfter: number;
  /** As it was measured; null: it was not. */
  readonly effect: number | null;
}

const simulatedRules: JudgementRules = {
  blockMs: 10_000,
  blockCalls: 100,
  leastBlocks: 12,
  alpha: 0.01,
  leastEffect: 0.05,
};

/**
 * A trial by a simulated clock, looked at after every block. A day's cycle of 4 : 1 between its peak and its low, bursts of three
 * times the rate every ten minutes, latency that grows with the load and drifts with a memory of 20 to 120 s (all statements
 * together, those besides by four fifths of it), and calls of log-normal duration.
 */
export function simulateTrial({
  seed,
  effect,
  hasControls,
  flipBlocks,
  blocksBefore,
  mostBlocksAfter,
}: SimulatedTrial): SimulatedOutcome {
  const next = random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const startS = next() * 86_400;
  const usualRate = 10 + 30 * next();
  const memory = Math.exp(-1 / (20 + 100 * next()));
  const driftSize = 0.15 + 0.15 * next();
  const spread = Math.sqrt(Math.log1p((0.5 + 0.7 * next()) ** 2));
  let drift = 0;
  let burstLeftS = 0;
  const phases: [TrialSample[], TrialSample[]] = [[], []];
  const requests: [number, number] = [0, 0];
  const look = (): Pick<SimulatedOutcome, 'verdict' | 'effect'> => {
    const controls = hasControls ? ['control'] : [];
    const near = flipBlocks === undefined ? {} : { nearMs: 2 * flipBlocks * meanBlockMs };
    const question = { affected: ['statement'], controls, ...near };
    const judged = judgeTrial(phases[0], phases[1], question, simulatedRules);
    return { verdict: judged.verdict === 'not enough evidence' ? 'none' : judged.verdict, effect: judged.effect };
  };
  let sample = emptySample();
  let meanBlockMs = simulatedRules.blockMs;
  for (let second = 0; ; second++) {
    const sinceBlocks = phases[0].length + phases[1].length - blocksBefore;
    const isOff = sinceBlocks < 0 || (flipBlocks !== undefined && Math.floor(sinceBlocks / flipBlocks) % 2 === 1);
    const phase = isOff ? 0 : 1;
    const day = 1 + 0.6 * Math.sin((2 * Math.PI * (startS + second)) / 86_400);
    if (burstLeftS > 0) burstLeftS--;
    else if (next() < 1 / 600) burstLeftS = 20 + Math.floor(60 * next());
    const rate = usualRate * day * (burstLeftS > 0 ? 3 : 1);
    drift = memory * drift + Math.sqrt(1 - memory * memory) * driftSize * normal();
    const strain = drift + 0.3 * Math.log(rate / usualRate);
    const calls = Math.max(0, Math.round(rate + Math.sqrt(rate) * normal()));
    const sum = (factor: number): number => {
      let total = 0;
      for (let call = 0; call < calls; call++) total += factor * Math.exp(spread * normal());
      return total;
    };
    sample.durationMs += 1000;
    sample.calls += calls;
    sample.ms += sum(Math.exp(strain) * (phase === 1 ? effect : 1));
    sample.controlMs += sum(Math.exp(0.8 * strain));
    if (sample.durationMs < simulatedRules.blockMs || sample.calls < simulatedRules.blockCalls) continue;
    phases[phase].push({
      at: second * 1000,
      durationMs: sample.durationMs,
      service: null,
      statements: {
        // Its work is not simulated: constant work says nothing, and time decides alone.
        statement: { calls: sample.calls, totalMs: sample.ms, buffers: sample.calls },
        control: { calls: sample.calls, totalMs: sample.controlMs, buffers: sample.calls },
      },
    });
    requests[phase] += sample.calls;
    meanBlockMs = (second * 1000) / (phases[0].length + phases[1].length);
    sample = emptySample();
    if (phase === 0) continue;
    const said = look();
    if (said.verdict === 'none' && phases[1].length < mostBlocksAfter) continue;
    return { ...said, requestsBefore: requests[0], requestsAfter: requests[1] };
  }
}

/** The upper end of the exact one-sided 95 % interval of a share (Clopper & Pearson 1934), by bisection. */
export function upperBound(hits: number, of: number): number {
  const atMost = (share: number): number => {
    let term = of * Math.log1p(-share);
    let sum = Math.exp(term);
    for (let count = 1; count <= hits; count++) {
      term += Math.log((of - count + 1) / count) + Math.log(share) - Math.log1p(-share);
      sum += Math.exp(term);
    }
    return sum;
  };
  let [low, high] = [hits / of, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (atMost(middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

function emptySample(): { durationMs: number; calls: number; ms: number; controlMs: number } {
  return { durationMs: 0, calls: 0, ms: 0, controlMs: 0 };
}
