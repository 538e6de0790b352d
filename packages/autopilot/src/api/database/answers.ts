import { worstFirst } from '../../advise/finding.ts';
import { nameOf, unusedDeclined } from '../../advise/index-findings.ts';
import { connectionFindings, leakFindings } from '../../advise/server-findings.ts';
import type {
  DatabaseAnalysis,
  DatabaseConnections,
  DatabaseIndexList,
  DatabaseTable,
  DatabaseTableList,
  SlowStatement,
  SlowStatementList,
  WatchedDatabase,
  WatchedDatabaseList,
} from '../../contract/database.ts';
import type { DatabaseOperationId, SlowStatementsQuery } from '../../contract/database-operations.ts';
import type { PoolRow } from '../../contract/performance.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import type { TableTrend } from '../../observe/table-trend.ts';
import { linkHeader } from '../../page/page.ts';
import { readExactBloat } from '../../postgres/exact-bloat.ts';
import { readConnections } from '../../postgres/read-connections.ts';
import type { Reading } from '../../postgres/reading.ts';
import { databaseSummary } from '../../query/summaries.ts';
import type { TimeRange } from '../../query/time-range.ts';
import type { Answering } from '../handler.ts';
import type { PerformanceSources } from '../performance/sources.ts';
import { jsonResponse } from '../responses.ts';
import { collectionOf } from './collection.ts';
import type { DatabaseWatch, Look, StatementsLook } from './database-watch.ts';
import { watchedGrowth } from './growth.ts';
import { databaseHistory } from './history-answer.ts';
import { listPage } from './list-page.ts';
import { maintenanceAnswers } from './maintenance-answers.ts';
import { planAnswers } from './plan-answers.ts';
import { poolAdviceOf, poolsMs } from './pool-answers.ts';
import { repeatedStatements, slowStatements } from './slow-statements.ts';
import { type DatabaseSources, scopeOfService } from './sources.ts';
import { type StatementRange, statementsOfRange } from './statement-range.ts';
import { withTrends } from './table-trends.ts';

/** Where history is away. */
const noTrends: ReadonlyMap<string, TableTrend> = new Map();
const STATEMENTS_MS = 60 * 60_000;

/** Answers the calls about databases. */
export function databaseAnswers(sources: DatabaseSources): Pick<Answering, DatabaseOperationId> {
  const { watched, performance, answers, advice } = sources;
  const { pager, clock } = performance;
  return {
    listDatabases: async () => {
      const databases = await Promise.all(watched.all.map((watch) => described(watch, clock.now())));
      const notes = databases.length === 0 ? ['No database is watched: set DATABASE_URL for the control plane.'] : [];
      return jsonResponse({ databases, notes } satisfies WatchedDatabaseList);
    },
    getDatabaseAnalysis: async ({ query, key }) =>
      jsonResponse(
        await answers.get(key, async (): Promise<DatabaseAnalysis> => {
          const watch = watched.find(query.database);
          const { tables: _tables, indexes: _indexes, ...overview } = await watch.look();
          const pools = await poolsOf(performance, query);
          const scope = scopeOfService(performance, query);
          const ofApplications = [
            ...leakFindings(performance.places(scope.service), watch.name, clock.now()),
            ...(await repeatedStatements(performance, scope, watch.name, lately(performance, STATEMENTS_MS))),
          ];
          return {
            name: watch.name,
            ...overview,
            findings: worstFirst([...overview.findings, ...ofApplications]),
            pools,
            poolAdvice: await poolAdviceOf(
              performance,
              scopeOfService(performance, query),
              watch,
              pools,
              overview.connections,
            ),
            growth: await watchedGrowth(watch, overview, clock.now()),
            cost: watch.cost,
            collection: await collectionOf(watch, clock.now()),
          };
        }),
      ),
    listSlowQueries: async ({ query, key, url }) => {
      const list = await answers.get(key, () => slowQueries(sources, query));
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, list.page) });
    },
    ...maintenanceAnswers(sources),
    getDatabaseHistory: async ({ query }) =>
      jsonResponse(await databaseHistory(watched.find(query.database), query, clock.now())),
    ...planAnswers(watched),
    listDatabaseTables: async ({ query: { database, findings, exact, limit, cursor }, url }) => {
      const watch = watched.find(database);
      const look = await watch.look();
      const { value: seen, gaps } =
        exact === undefined ? { value: look.tables, gaps: look.gaps } : await counted(watch, look, exact);
      const tables = withTrends(seen, await watch.collector.tableTrends().catch(() => noTrends), clock.now());
      const rows = findings === true ? tables.filter((one) => one.findings.length > 0) : tables;
      const { items, page } = listPage(pager, rows, {
        cursor,
        limit,
        filter: ['tables', watch.name, findings ?? false, exact ?? ''],
        valueOf: ({ totalBytes }) => totalBytes,
        keyOf: ({ schema, table }) => `${schema}.${table}`,
      });
      const list: DatabaseTableList = { name: watch.name, tables: items, gaps, page };
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
    listDatabaseIndexes: async ({ query: { database, findings, limit, cursor }, url }) => {
      const watch = watched.find(database);
      const { indexes, gaps } = await watch.look();
      const rows = findings === true ? indexes.filter((one) => one.findings.length > 0) : indexes;
      const { items, page } = listPage(pager, rows, {
        cursor,
        limit,
        filter: ['indexes', watch.name, findings ?? false],
        valueOf: ({ bytes }) => bytes,
        keyOf: nameOf,
      });
      const advised = await advice.advised(watch);
      const list: DatabaseIndexList = {
        name: watch.name,
        indexes: items,
        declined: unusedDeclined(items),
        recommended: advised?.advice.create ?? [],
        advisedAt: advised?.at ?? null,
        gaps,
        page,
      };
      return jsonResponse(list, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
    getDatabaseConnections: async ({ query, key }) =>
      jsonResponse(
        await answers.get(key, async (): Promise<DatabaseConnections> => {
          const watch = watched.find(query.database);
          const { gaps } = await watch.server();
          const view = await readConnections(watch.database);
          const pools = await poolsOf(performance, query);
          const { service } = scopeOfService(performance, query);
          return {
            name: watch.name,
            at: new Date(clock.now()).toISOString(),
            view,
            pools,
            poolAdvice: await poolAdviceOf(performance, scopeOfService(performance, query), watch, pools, view),
            findings: worstFirst([
              ...connectionFindings(view),
              ...leakFindings(performance.places(service), watch.name, clock.now()),
            ]),
            gaps: gaps.filter(({ reading }) => reading === 'activity of other roles'),
          };
        }),
      ),
  };
}

/** One table, its bloat counted. @throws AutopilotError AP_PARAMETER_INVALID */
async function counted(watch: DatabaseWatch, look: Look, exact: string): Promise<Reading<readonly DatabaseTable[]>> {
  const table = look.tables.find((one) => `${one.schema}.${one.table}` === exact && one.kind !== 'partitioned');
  if (table === undefined) {
    throw new AutopilotError(
      'AP_PARAMETER_INVALID',
      `There is no table ${JSON.stringify(exact)} whose pages could be counted.`,
      {
        remedy: 'Name one with its schema, as the list does; of a partitioned table one of its parts.',
      },
    );
  }
  const { value: bloat, gaps } = await readExactBloat(watch.database, table);
  return { value: [{ ...table, bloat: bloat ?? table.bloat }], gaps };
}

async function described(watch: DatabaseWatch, now: EpochMs): Promise<WatchedDatabase> {
  const collection = await collectionOf(watch, now);
  try {
    const { value, gaps } = await watch.server();
    return { name: watch.name, server: value, trouble: null, gaps, cost: watch.cost, collection };
  } catch (error) {
    return { name: watch.name, server: null, trouble: messageOf(error), gaps: [], cost: watch.cost, collection };
  }
}

function lately({ clock }: PerformanceSources, lengthMs: number): TimeRange {
  const now = clock.now();
  return { from: now - lengthMs, to: now, complete: true, notes: [] };
}

async function poolsOf(
  performance: PerformanceSources,
  query: { readonly service?: string; readonly database?: string },
): Promise<readonly PoolRow[]> {
  const { pools } = await databaseSummary(
    performance.engine,
    scopeOfService(performance, query),
    lately(performance, poolsMs),
  );
  return pools;
}

const sortValue: Readonly<Record<NonNullable<SlowStatementsQuery['sort']>, (one: SlowStatement) => number>> = {
  totalMs: ({ totalMs }) => totalMs,
  meanMs: ({ meanMs }) => meanMs,
  p95Ms: ({ p95Ms }) => p95Ms ?? -1,
  calls: ({ calls }) => calls,
  tempBytes: ({ tempBytes }) => tempBytes ?? -1,
  walBytes: ({ walBytes }) => walBytes ?? -1,
};

/** Every statement that the server counts or the applications measure, in the range that is asked for. */
export async function knownStatements(
  performance: PerformanceSources,
  watch: DatabaseWatch,
  query: SlowStatementsQuery,
): Promise<{
  readonly look: StatementsLook;
  readonly counted: StatementRange;
  readonly all: readonly SlowStatement[];
}> {
  const look = await watch.statements();
  const counted = await statementsOfRange(watch, look, query, performance.clock.now());
  const reported: TimeRange =
    counted.range === null ? lately(performance, STATEMENTS_MS) : { ...counted.range, complete: true, notes: [] };
  return {
    look,
    counted,
    all: await slowStatements(performance, scopeOfService(performance, query), reported, counted),
  };
}

async function slowQueries(
  { watched, performance, slowMs }: DatabaseSources,
  query: SlowStatementsQuery,
): Promise<SlowStatementList> {
  const watch = watched.find(query.database);
  const thresholdMs = query.thresholdMs ?? slowMs();
  const sort = query.sort ?? 'totalMs';
  const scope = scopeOfService(performance, query);
  const { look, counted, all } = await knownStatements(performance, watch, query);
  const slow = all.filter(({ meanMs, p95Ms }) => meanMs >= thresholdMs || (p95Ms ?? 0) >= thresholdMs);
  const { items, page } = listPage(performance.pager, slow, {
    cursor: query.cursor,
    limit: query.limit,
    filter: ['slow-queries', watch.name, scope.service, thresholdMs, sort, query.from ?? '', query.to ?? ''],
    valueOf: sortValue[sort],
    keyOf: ({ queryId, role, statement }) => `${queryId ?? ''}/${role ?? ''}/${statement ?? ''}`,
  });
  const { room } = look.value;
  const evicted = room.evictions ?? 0;
  return {
    name: watch.name,
    thresholdMs,
    range:
      counted.range === null
        ? null
        : { from: new Date(counted.range.from).toISOString(), to: new Date(counted.range.to).toISOString() },
    countedSince: room.resetAt,
    evictions: room.evictions,
    statements: items,
    gaps: look.gaps,
    notes: [
      ...counted.notes,
      ...(evicted === 0
        ? []
        : [
            `pg_stat_statements had to forget statements ${evicted} times since its reset, so rare ones are missing: raise pg_stat_statements.max (${room.max ?? 'unknown'}).`,
          ]),
    ],
    page,
  };
}
