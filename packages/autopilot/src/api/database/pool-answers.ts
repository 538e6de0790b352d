import { type MeasuredPool, poolAdvice } from '../../advise/pool-advice.ts';
import type { ConnectionsView } from '../../contract/database.ts';
import type { PoolRow } from '../../contract/performance.ts';
import type { PoolAdvice } from '../../contract/pool-advice.ts';
import type { InstanceFacts } from '../../query/query-engine.ts';
import type { Scope } from '../../query/summaries.ts';
import type { SteppedRange } from '../../query/time-range.ts';
import type { PerformanceSources } from '../performance/sources.ts';
import type { DatabaseWatch } from './database-watch.ts';

/** ms: what is told of pools is of that long. */
export const poolsMs: number = 5 * 60_000;
const STEP_MS = 60_000;
const MEASURES = [
  'poolMax',
  'poolAcquired',
  'poolAcquireRate',
  'poolUseMeanMs',
  'poolUseVariation',
  'poolWaitMeanMs',
] as const;

/** The size that suits each pool that leads to this database, from the last minutes of the instance that uses it most. */
export async function poolAdviceOf(
  { engine, clock }: Pick<PerformanceSources, 'engine' | 'clock'>,
  scope: Scope,
  watch: DatabaseWatch,
  pools: readonly PoolRow[],
  view: ConnectionsView,
): Promise<readonly PoolAdvice[]> {
  const to = clock.now();
  const range: SteppedRange = {
    from: to - poolsMs,
    to,
    stepMs: STEP_MS,
    resolutionMs: STEP_MS,
    complete: true,
    notes: [],
  };
  const ours = pools.filter(({ database }) => database === watch.name);
  const open = (rows: readonly PoolRow[]): number => rows.reduce((sum, { size }) => sum + (size ?? 0), 0);
  const allowed = (rows: readonly PoolRow[]): number => rows.reduce((sum, { max }) => sum + (max ?? 0), 0);
  const advised: PoolAdvice[] = [];
  for (const row of ours) {
    const subject = { ...scope, family: 'pool' as const, database: row.database };
    const facts = await engine.instances(subject, range, MEASURES, ['poolAcquireRate'], row.pool);
    const measured = measuredOf(row, facts);
    if (measured === null) continue;
    // What others may open is theirs, whether they have it open now or not.
    const others = view.connections - open(ours) + allowed(ours.filter((one) => one !== row));
    const room = Math.max(0, Math.floor(view.maxConnections - view.reservedConnections - others));
    advised.push(poolAdvice(measured, { room, cores: watch.processors }));
  }
  return advised;
}

/** null: no instance says how large the pool may be. */
function measuredOf(
  { pool, database }: PoolRow,
  facts: readonly InstanceFacts<(typeof MEASURES)[number]>[],
): MeasuredPool | null {
  const having = facts.filter(({ values }) => values.poolMax !== null);
  const rateOf = ({ values }: (typeof having)[number]): number => values.poolAcquireRate ?? 0;
  const [busiest] = having.toSorted((a, b) => rateOf(b) - rateOf(a));
  if (busiest === undefined) return null;
  const { poolMax, poolAcquired, poolUseMeanMs, poolUseVariation, poolWaitMeanMs } = busiest.values;
  const minutes = busiest.frame.columns['poolAcquireRate'] ?? [];
  return {
    pool,
    database,
    instances: having.length,
    size: Math.max(1, Math.round(poolMax ?? 0)),
    acquired: poolAcquired ?? 0,
    ratePerSecond: rateOf(busiest),
    peakPerSecond: Math.max(rateOf(busiest), ...minutes.map((rate) => rate ?? 0)),
    useMs: poolUseMeanMs ?? 0,
    useVariation: poolUseVariation ?? 0,
    waitMeanMs: poolWaitMeanMs,
  };
}
