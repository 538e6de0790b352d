import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { MeasuredPool } from '../../packages/autopilot/src/advise/pool-advice.ts';
import { PgRecorder } from '../../packages/autopilot/src/host/pg-instrumentation.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { CodePlaces } from '../../packages/autopilot/src/track/code-places.ts';
import { RequestContext } from '../../packages/autopilot/src/track/request-scope.ts';
import { StatementRegistry } from '../../packages/autopilot/src/track/statement-registry.ts';
import { random } from '../../test/support/random.ts';

/** One call of the pool: what is asked, with a value for it. */
export type Ask = (pool: pg.Pool, exponential: (mean: number) => number) => Promise<unknown>;

/** What one run of a pool showed, as the agent measures it. */
export interface PoolRun extends MeasuredPool {
  readonly waitMeanMs: number;
  readonly perSecond: number;
}

/** Callers that come independently of each other, so many a second, whatever the pool does. */
export async function openRun(
  url: string,
  size: number,
  ratePerSecond: number,
  durationMs: number,
  ask: Ask,
): Promise<PoolRun> {
  return await measured(url, size, async (pool, exponential) => {
    const calls = new Set<Promise<unknown>>();
    const start = performance.now();
    let due = start + exponential(1_000 / ratePerSecond);
    while (due < start + durationMs) {
      while (due <= performance.now()) {
        const call = ask(pool, exponential).finally(() => calls.delete(call));
        calls.add(call);
        due += exponential(1_000 / ratePerSecond);
      }
      // Timers are a millisecond coarse: that would make bursts of the callers.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(calls);
    return durationMs;
  });
}

/** So many clients, each of which asks again when it was answered and has thought for a while. */
export async function closedRun(
  url: string,
  size: number,
  clients: number,
  thinkMs: number,
  durationMs: number,
  ask: Ask,
): Promise<PoolRun> {
  return await measured(url, size, async (pool, exponential) => {
    const start = performance.now();
    const client = async (): Promise<void> => {
      // All at once they come only where they do not think.
      while (performance.now() < start + durationMs) {
        if (thinkMs > 0) await sleep(exponential(thinkMs));
        await ask(pool, exponential);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    return performance.now() - start;
  });
}

async function measured(
  url: string,
  size: number,
  run: (pool: pg.Pool, exponential: (mean: number) => number) => Promise<number>,
): Promise<PoolRun> {
  const pool = new pg.Pool({ connectionString: url, max: size, idleTimeoutMillis: 0 });
  const [waits, uses] = [new ExponentialHistogram(), new ExponentialHistogram()];
  const clock = systemClock;
  const about = { pool: 'bench', database: 'bench' };
  const recorder = new PgRecorder({
    pool,
    poolName: about.pool,
    database: about.database,
    clock,
    context: new RequestContext(),
    statements: new StatementRegistry(),
    places: new CodePlaces(clock),
  });
  // Opened before anybody is measured.
  await Promise.all(Array.from({ length: size }, () => pool.query('SELECT pg_sleep(0.05)')));
  const attached = recorder.attach({
    record: (one) => {
      if (one.kind === 'pool-wait') waits.record(one.waitMs);
      else if (one.kind === 'pool-use') uses.record(one.useMs);
    },
  });
  const next = random(size);
  const lastedMs = await run(pool, (mean) => -mean * Math.log(1 - next()));
  attached[Symbol.dispose]();
  await pool.end();
  const perSecond = (1_000 * waits.count) / lastedMs;
  return {
    ...about,
    instances: 1,
    size,
    acquired: waits.count,
    ratePerSecond: perSecond,
    peakPerSecond: perSecond,
    perSecond,
    useMs: uses.mean,
    useVariation: uses.variation,
    waitMeanMs: waits.mean,
  };
}
