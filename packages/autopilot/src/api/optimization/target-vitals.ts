import type { InstanceStatus } from '../../contract/performance.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { TargetVitals } from '../../load/load.ts';
import type { QueryEngine } from '../../query/query-engine.ts';

/** The last windows that have closed and arrived. */
const LOOK_BACK_MS = 3000;

/** What a service's processes and pools use now, and what they have; of nothing heard lately, nothing. */
export async function targetVitals(
  engine: QueryEngine,
  service: string,
  now: EpochMs,
  instances: readonly Pick<InstanceStatus, 'state'>[],
): Promise<{ readonly used: TargetVitals; readonly has: TargetVitals }> {
  const to = Math.floor(now / 1000) * 1000;
  const range = { from: to - LOOK_BACK_MS, to, complete: true, notes: [] };
  const runtime = await engine.summary({ service, family: 'runtime' }, range, [
    'cpuBusy',
    'eventLoopDelayMaxMs',
    'rssBytes',
  ]);
  const pools = await engine.summary({ service, family: 'pool' }, range, ['poolSize', 'poolIdle', 'poolMax']);
  const { cpuBusy, eventLoopDelayMaxMs, rssBytes } = runtime.values;
  const { poolSize, poolIdle, poolMax } = pools.values;
  const live = instances.filter(({ state }) => state === 'live').length;
  return {
    used: {
      ...(cpuBusy === null ? {} : { cpuCores: cpuBusy }),
      ...(eventLoopDelayMaxMs === null ? {} : { eventLoopDelayMs: eventLoopDelayMaxMs }),
      ...(rssBytes === null ? {} : { rssBytes }),
      ...(poolSize === null ? {} : { databaseConnections: poolSize - (poolIdle ?? 0) }),
    },
    has: {
      // A process of Node runs JavaScript on one core, which is what comes to its end.
      ...(live === 0 ? {} : { cpuCores: live }),
      ...(poolMax === null ? {} : { databaseConnections: poolMax }),
    },
  };
}

/** Requests a second that a service had in its last seconds; null: nothing was heard of it. */
export async function recentRequestRate(engine: QueryEngine, service: string, now: EpochMs): Promise<number | null> {
  const to = Math.floor(now / 1000) * 1000;
  const range = { from: to - LOOK_BACK_MS, to, complete: true, notes: [] };
  const { values } = await engine.summary({ service, family: 'route' }, range, ['requestRate']);
  return values.requestRate;
}
