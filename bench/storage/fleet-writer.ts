import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { TWO_HUNDRED } from './findings.ts';
import { Workload } from './workload.ts';

/** Writes as a fleet does, from a thread of its own: each instance a window of 200 series in every round, spread over the round. */

/** What the thread is told. */
export interface WriterOrder {
  readonly url: string;
  readonly now: number;
  readonly services: number;
  readonly fleet: number;
  readonly start: number;
  readonly rounds: number;
  /** How long a round takes. */
  readonly everyMs: number;
}

// The thread is started with this, nothing else.
const { url, now, services, fleet, start, rounds, everyMs } = workerData as WriterOrder;
await using store = new PostgresMetricStore({ connectionString: url, clock: new FakeClock(now) });
const workload = new Workload(TWO_HUNDRED, 200, 3);
for (let round = 0; round < rounds; round++) {
  const window = workload.window(start + round * 10_000, 10_000);
  const began = performance.now();
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let at = next++; at < fleet; at = next++) {
      const early = began + (at / fleet) * everyMs - performance.now();
      if (early > 1) await sleep(early);
      await store.append({ service: `s${at % services}`, instance: `i${at}`, release: '1.0.0' }, [window]);
    }
  };
  await Promise.all([writer(), writer(), writer(), writer()]);
}
