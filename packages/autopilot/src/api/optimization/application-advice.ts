import { type ApplicationSeen, recommendedApplication } from '../../advise/recommended-application.ts';
import { type PagingSeen, recommendedPaging } from '../../advise/recommended-paging.ts';
import { recommendedTimeout, type TimeoutsSeen } from '../../advise/recommended-timeout.ts';
import type { WorkedOut } from '../../advise/worked-out.ts';
import type { Settings } from '../../config/registry.ts';
import type { CodingUse } from '../../contract/compression-stats.ts';
import type { PoolAdvice } from '../../contract/pool-advice.ts';
import type { Clock } from '../../kernel/clock.ts';
import { readConnections } from '../../postgres/read-connections.ts';
import { readStatementTimeouts } from '../../postgres/read-statement-timeouts.ts';
import { compressionUse } from '../../query/compression-use.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import { databaseSummary } from '../../query/summaries.ts';
import type { StatementName } from '../../storage/ports.ts';
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
  /** What the application's statements are, in the order of their names. */
  readonly statementTexts: (service: string, names: readonly StatementName[]) => Promise<readonly string[]>;
}

const ROUTES = 30;
const STATEMENTS = 50;
const DAY_MS = 86_400_000;

/** What could be changed of the configuration of a service, from its last five minutes. */
export async function applicationAdvice(
  sources: ApplicationAdviceSources,
  service: string,
): Promise<readonly WorkedOut[]> {
  const { engine, clock, watched, settingsFor, processes } = sources;
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
  const main = watched.all[0]?.name ?? '';
  const seen: ApplicationSeen = {
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
  };
  const times = await timeoutsSeen(sources, service);
  const paging = await pagingSeen(sources, service);
  return [
    ...recommendedApplication(main, advised, seen),
    ...recommendedPaging(main, paging, seen),
    recommendedTimeout(main, times, seen),
  ];
}

/** What pages of lists came to in the last day. */
async function pagingSeen(
  { engine, clock, settingsFor }: ApplicationAdviceSources,
  service: string,
): Promise<PagingSeen> {
  const now = clock.now();
  const range = { from: now - DAY_MS, to: now, complete: true, notes: [] };
  const { values } = await engine.summary({ service, family: 'runtime' }, range, [
    'pages',
    'pageRows',
    'pageMs',
    'pagesByDefault',
    'pagesByDefaultMore',
    'pagesByDefaultFollowed',
    'pagesOverTime',
  ]);
  return {
    measuredMs: DAY_MS,
    pages: values.pages ?? 0,
    rows: values.pageRows ?? 0,
    totalMs: values.pageMs ?? 0,
    byDefault: values.pagesByDefault ?? 0,
    byDefaultMore: values.pagesByDefaultMore ?? 0,
    byDefaultFollowed: values.pagesByDefaultFollowed ?? 0,
    overTime: values.pagesOverTime ?? 0,
    ...settingsFor(service).paging,
  };
}

/** How long statements took in the last day, and what ends those of the role that takes most of the time. */
async function timeoutsSeen(
  { engine, clock, watched, settingsFor, statementTexts }: ApplicationAdviceSources,
  service: string,
): Promise<TimeoutsSeen> {
  const now = clock.now();
  const [watch] = watched.all;
  const setting = settingsFor(service).database.statementTimeoutMs;
  const range = { from: now - DAY_MS, to: now, complete: true, notes: [] };
  const subject = { service, family: 'statement' } as const;
  // Those that took longest: any of them may be what is usual, or what ran away.
  const top = await engine.top(subject, range, 'maxMs', STATEMENTS);
  const rows = await engine.rows(
    subject,
    range,
    top.map(({ series }) => series.key),
    ['calls', 'p999Ms', 'maxMs'],
  );
  const texts = await statementTexts(
    service,
    rows.map(({ series }) => ({ database: series.database ?? '', id: series.key })),
  );
  const known = watch === undefined ? [] : ((await watch.statements().catch(() => null))?.value.statements ?? []);
  const byRoles = Array.from(
    Map.groupBy(known, ({ role }) => role),
    ([role, all]) => ({
      role,
      totalMs: all.reduce((sum, one) => sum + one.totalMs, 0),
    }),
  );
  const [busiest] = byRoles.toSorted((a, b) => b.totalMs - a.totalMs);
  const [byRole] =
    watch === undefined || busiest === undefined
      ? []
      : await readStatementTimeouts(watch.database, [busiest.role]).catch(() => []);
  return {
    statements: rows.map(({ values: { calls, p999Ms, maxMs } }, at) => ({
      text: texts[at] ?? '',
      calls: calls ?? 0,
      p999Ms: p999Ms ?? 0,
      maxMs: maxMs ?? 0,
    })),
    measuredMs: DAY_MS,
    timeoutMs: setting ?? byRole?.timeoutMs ?? null,
    setBy: setting === null ? (byRole?.setBy ?? '') : 'database.statementTimeoutMs',
  };
}

/** Of bodies that were compressed. */
function savedShareOf(codings: readonly CodingUse[]): number | null {
  const [into, out] = codings.reduce(([a, b], one) => [a + one.bytesIn, b + one.bytesOut], [0, 0]);
  return into === 0 ? null : 1 - out / into;
}
