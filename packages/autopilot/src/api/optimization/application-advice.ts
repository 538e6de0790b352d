import { recommendedApplication } from '../../advise/recommended-application.ts';
import type { WorkedOut } from '../../advise/worked-out.ts';
import type { Settings } from '../../config/registry.ts';
import type { PoolAdvice } from '../../contract/pool-advice.ts';
import type { Clock } from '../../kernel/clock.ts';
import { readConnections } from '../../postgres/read-connections.ts';
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
}

const ROUTES = 30;

/** What could be changed of the configuration of a service, from its last five minutes. */
export async function applicationAdvice(
  { engine, clock, watched, settingsFor }: ApplicationAdviceSources,
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
  return recommendedApplication(watched.all[0]?.name ?? '', advised, {
    routes: rows.map(({ series, values: { requests, meanMs } }) => ({
      route: series.key,
      requests: requests ?? 0,
      meanMs: meanMs ?? 0,
    })),
    measuredMs: poolsMs,
    effort: compression.effort,
    poolMax: database.poolMax,
  });
}
