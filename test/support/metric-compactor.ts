/**
 * A process that compacts a store over and over, to be killed by a test: its first argument is the orders as JSON. It says "ready" when it
 * begins.
 */
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';

/** What the process is to do. */
export interface CompactorOrders {
  readonly url: string;
  /** The time it takes it for. */
  readonly now: number;
}

if (import.meta.main) {
  const { url, now } = JSON.parse(process.argv[2] ?? '{}') as CompactorOrders; // the test's own words
  const clock = new FakeClock(now);
  const store = new PostgresMetricStore({ connectionString: url, clock });
  // Connected before it says so: what is to be killed is the work.
  await store.extent('orders', now);
  process.stdout.write('ready\n');
  for (;;) {
    await store.compact(clock.now());
    clock.advance(6 * 60_000);
  }
}
