import { recommendedApplication } from '../../advise/recommended-application.ts';
import type { WorkedOut } from '../../advise/worked-out.ts';
import type { Settings } from '../../config/registry.ts';
import type { CodingUse } from '../../contract/compression-stats.ts';
import type { PoolAdvice } from '../../contract/pool-advice.ts';
import type { Clock } from '../../kernel/clock.ts';
import { readConnections } from '../../postgres/read-connections.ts';
import { compressionUse } from '../../query/compression-use.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import { databaseSummary } from '../../query/summaries.ts';
import type { WatchedDatabases } from '../database/database-watch.ts';
import { poolAdviceOf, poolsMs } from '../database/pool-answers.ts';

/** What advice on an application's own settings is made of. */
export interface ApplicationAdviceSources {
  readonly engine: QueryEngine;
  readonly clock: Clock;
  readonly watched: WatchedDatabases;
  readonly settingsFor: (service: string) => Settings;
  /** Processes of a service that are live. */
  readonly processes: (service: string) => number;
}

const ROUTES = 30;

/** What could be changed of the configuration of a service, from its last five minutes. */
export async function applicationAdvice(
  { engine, clock, watched, settingsFor, processes }: ApplicationAdviceSources,
  service: string,
): Promise<readonly WorkedOut[]> {
  const now = clock.now();
  const range = { from: now - poolsMs, to: now, complete: true, notes: [] };
  const routes = { service, family: 'route' } as const;
  const names = (await engine.top(routes, range, 'requests', ROUTES)).map(({ series }) => series.key);
  const rows = await engine.rows(routes, range, names, ['requests', 'meanMs']);
  const { pools } = await databaseSummary(engine, { service }, range);
  const advised: PoolAdvice[] = [];
  for (const watch of watched.all) {
    if (!pools.some(({ database }) => database === watch.name)) continue;
    const view = await readConnections(watch.database);
    advised.push(...(await poolAdviceOf({ engine, clock }, { service }, watch, pools, view)));
  }
  const { compression, database } = settingsFor(service);
  const { whole } = await compressionUse(engine, { service }, range);
  const small = whole.reasons.find(({ reason }) => reason === 'too-small');
  const runtime = await engine.summary({ service, family: 'runtime' }, range, ['cpuBusy']);
  const count = processes(service);
  return recommendedApplication(watched.all[0]?.name ?? '', advised, {
    routes: rows.map(({ series, values: { requests, meanMs } }) => ({
      route: series.key,
      requests: requests ?? 0,
      meanMs: meanMs ?? 0,
    })),
    measuredMs: poolsMs,
    bodies:
      compression.enabled && whole.totals.answers > 0
        ? {
            bytesOut: whole.totals.bytesOut,
            savedShare: savedShareOf(whole.codings),
            smallAnswers: small?.answers ?? 0,
            smallBytes: small?.bytes ?? 0,
          }
        : null,
    busyRatio: runtime.values.cpuBusy === null || count === 0 ? null : runtime.values.cpuBusy / count,
    minBytes: compression.minBytes,
    effort: compression.effort,
    poolMax: database.poolMax,
  });
}

/** Of bodies that were compressed. */
function savedShareOf(codings: readonly CodingUse[]): number | null {
  const [into, out] = codings.reduce(([a, b], one) => [a + one.bytesIn, b + one.bytesOut], [0, 0]);
  return into === 0 ? null : 1 - out / into;
}
