import { setTimeout as sleep } from 'node:timers/promises';
import type { AbortLimits } from '../../packages/autopilot/src/load/plan.ts';
import { runLoad } from '../../packages/autopilot/src/load/run-load.ts';
import type { StopReason } from '../../packages/autopilot/src/load/shared-state.ts';
import type { Tries } from './load-aborts.ts';
import { planFor, startTarget } from './start-target.ts';

/** From a target's first request to its trouble. */
const CALM_MS = 300;
/** Runs at a time: they mostly wait. */
const LANES = 3;

interface Safeguard {
  readonly reason: StopReason;
  readonly name: string;
  readonly mode: string;
  readonly abort: AbortLimits;
  /** From the trouble's beginning until the limit is crossed. */
  readonly crossedAfterMs: number;
}

const safeguards: readonly Safeguard[] = [
  {
    reason: 'error-ratio',
    name: 'error ratio over 50 %',
    mode: 'fail',
    abort: { errorRatio: 0.5 },
    // As many that failed as had not before.
    crossedAfterMs: CALM_MS,
  },
  { reason: 'latency', name: 'p95 over 200 ms', mode: 'slow', abort: { p95Ms: 200 }, crossedAfterMs: 200 },
  {
    reason: 'latency',
    name: 'p99 over 200 ms, no answer at all',
    mode: 'hang',
    abort: { p99Ms: 200 },
    crossedAfterMs: 200,
  },
  // 50 users are busy after 250 ms, and the first arrival that waits has waited enough 300 ms later.
  { reason: 'rate-unreachable', name: 'rate out of reach', mode: 'hang', abort: { waitMs: 300 }, crossedAfterMs: 550 },
  { reason: 'requested', name: 'signal to the engine', mode: 'none', abort: {}, crossedAfterMs: 0 },
];

/** Tries of what the generator sees by itself. */
export async function engineAborts(tries: number, log: (line: string) => void): Promise<readonly Tries[]> {
  const found: Tries[] = [];
  for (const safeguard of safeguards) {
    log(`load-aborts: ${safeguard.name}, ${tries} tries`);
    const timesMs: number[] = [];
    let wrong = 0;
    let begun = 0;
    const lane = async (): Promise<void> => {
      while (begun++ < tries) {
        const { lastAfterMs, reason } = await tryOnce(safeguard);
        if (reason !== safeguard.reason) wrong++;
        timesMs.push(Math.max(0, (lastAfterMs ?? Number.POSITIVE_INFINITY) - safeguard.crossedAfterMs));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    found.push({ safeguard: safeguard.name, timesMs, wrong });
  }
  return found;
}

async function tryOnce({
  mode,
  abort,
  reason,
}: Safeguard): Promise<{ readonly lastAfterMs: number | null; readonly reason: StopReason | undefined }> {
  await using target = await startTarget(mode, String(CALM_MS));
  const button = new AbortController();
  target.onTrouble(() => {
    if (reason === 'requested') button.abort();
  });
  const load = { kind: 'arrivals', users: 50, stages: [{ durationMs: 10_000, ratePerSecond: 200 }] } as const;
  const result = await runLoad(planFor(target.url, load, abort), { signal: button.signal });
  await sleep(100);
  const { lastAfterMs } = await target.report();
  return { lastAfterMs, reason: result.stop?.reason };
}
