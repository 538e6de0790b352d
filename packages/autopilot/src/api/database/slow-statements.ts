import { repeatedBy, statementFindings } from '../../advise/statement-findings.ts';
import { type CodePlace, placeKey, type StatementCaller } from '../../contract/code-place.ts';
import type {
  DatabaseFinding,
  SlowStatement,
  SlowStatementTrend,
  StatementStatistics,
} from '../../contract/database.ts';
import type { SeriesKey } from '../../contract/series.ts';
import { mayBePlannable } from '../../contract/statement-plan.ts';
import { statementFingerprint } from '../../kernel/statement-text.ts';
import { trendKey } from '../../observe/database-collector.ts';
import type { Subject } from '../../query/query-engine.ts';
import type { Scope } from '../../query/summaries.ts';
import type { TimeRange } from '../../query/time-range.ts';
import type { PerformanceSources } from '../performance/sources.ts';

/** What the applications know of a statement. */
interface Reported {
  readonly statement: string;
  readonly text: string;
  readonly calls: number;
  readonly meanMs: number | null;
  readonly maxMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly rowsPerCall: number | null;
  readonly listValues: number;
  readonly routes: SlowStatement['routes'];
}

/** What the server has counted, of a range or since its reset. */
export interface CountedOfRange {
  readonly statements: readonly StatementStatistics[];
  /** By trendKey. */
  readonly trends: ReadonlyMap<string, SlowStatementTrend>;
}

const noTrend: SlowStatementTrend = {
  state: 'unknown',
  meanMs: null,
  usualMeanMs: null,
  pagesPerCall: null,
  usualPagesPerCall: null,
  planChange: null,
};
const PAGE_BYTES = 8192;
const ROUTES_SHOWN = 5;
const REPEATS_SHOWN = 20;
const LONGEST_SUBJECT = 200;
/** The agents tell apart no more. */
const MOST_STATEMENTS = 5_000;
const PAIR = ['calls', 'totalMs', 'repeats', 'repeatedCalls'] as const;
const ASKED = ['calls', 'meanMs', 'maxMs', 'p50Ms', 'p95Ms', 'p99Ms', 'rowsPerCall'] as const;

/**
 * Every statement once: what the server counts beside what the applications measured, joined by fingerprint (the text
 * without literals and parameters). Statements of the autopilot are nobody's.
 */
export async function slowStatements(
  sources: PerformanceSources,
  scope: Scope,
  range: TimeRange,
  { statements, trends }: CountedOfRange,
): Promise<readonly SlowStatement[]> {
  const reported = new Map<string, Reported>();
  for (const one of await reportedStatements(sources, scope, range)) {
    const fingerprint = statementFingerprint(one.text);
    // Two texts of one fingerprint (a literal here, a parameter there): the busier one speaks for both.
    if ((reported.get(fingerprint)?.calls ?? -1) < one.calls) reported.set(fingerprint, one);
  }
  const joined: Omit<SlowStatement, 'timeShare' | 'findings'>[] = [];
  const seen = new Set<string>();
  for (const counted of statements) {
    const fingerprint = statementFingerprint(counted.text);
    seen.add(fingerprint);
    joined.push(joinedOf(counted, reported.get(fingerprint) ?? null, trends.get(trendKey(counted)) ?? noTrend));
  }
  for (const [fingerprint, one] of reported) if (!seen.has(fingerprint)) joined.push(reportedAlone(one));
  const totalMs = joined.reduce((sum, one) => sum + one.totalMs, 0);
  return joined.map((one) => {
    const statement = { ...one, timeShare: totalMs === 0 ? 0 : Math.min(1, one.totalMs / totalMs) };
    return { ...statement, findings: statementFindings(statement) };
  });
}

function joinedOf(
  counted: StatementStatistics,
  reported: Reported | null,
  trend: SlowStatementTrend,
): Omit<SlowStatement, 'timeShare' | 'findings'> {
  const touched = counted.buffersHit + counted.buffersRead;
  return {
    statement: reported?.statement ?? null,
    queryId: counted.queryId,
    text: counted.text,
    role: counted.role,
    calls: counted.calls,
    totalMs: counted.totalMs,
    meanMs: counted.meanMs,
    maxMs: counted.maxMs,
    p50Ms: reported?.p50Ms ?? null,
    p95Ms: reported?.p95Ms ?? null,
    p99Ms: reported?.p99Ms ?? null,
    rowsPerCall: counted.rows / counted.calls,
    planMs: counted.planMs,
    bytesReadPerCall: (counted.buffersRead * PAGE_BYTES) / counted.calls,
    cacheHitRatio: touched === 0 ? null : counted.buffersHit / touched,
    tempBytes: counted.tempBuffersWritten * PAGE_BYTES,
    walBytes: counted.walBytes,
    ioMs: counted.readMs + counted.writeMs,
    listValues: Math.max(counted.listValues, reported?.listValues ?? 0),
    routes: reported?.routes ?? [],
    trend,
  };
}

function reportedAlone({ calls, meanMs, ...reported }: Reported): Omit<SlowStatement, 'timeShare' | 'findings'> {
  return {
    ...reported,
    queryId: null,
    role: null,
    calls,
    totalMs: calls * (meanMs ?? 0),
    meanMs: meanMs ?? 0,
    planMs: null,
    bytesReadPerCall: null,
    cacheHitRatio: null,
    tempBytes: null,
    walBytes: null,
    ioMs: null,
    trend: noTrend,
  };
}

async function reportedStatements(
  { engine, statementTexts, places, nameOf }: PerformanceSources,
  scope: Scope,
  range: TimeRange,
): Promise<readonly Reported[]> {
  const subject: Subject = { ...scope, family: 'statement' };
  const top = await engine.top(subject, range, 'concurrency', MOST_STATEMENTS);
  if (top.length === 0) return [];
  const keys = [...new Set(top.map(({ series }) => series.key))];
  const rows = await engine.rows(subject, range, keys, ASKED);
  const pairs = await engine.rows({ ...scope, family: 'route-statement' }, range, keys, PAIR);
  const requests = await requestsOf({ ...scope, family: 'route' }, engine, range, pairs);
  const texts = await statementTexts.find(
    scope.service,
    rows.map(({ series }) => ({ id: series.key, database: series.database ?? '' })),
  );
  const known = places(scope.service);
  const placeOf = placesBy(known);
  const called = (tenant: string): string | null => nameOf(scope.service, 'tenant', tenant);
  const lists = new Map(known.filter(({ kind }) => kind === 'list').map((one) => [placeKey(one), one.count]));
  const callers = Map.groupBy(pairs, ({ series }) => series.key);
  return rows.map(({ series, values }, at): Reported => {
    const { calls, ...rest } = values;
    const routes = (callers.get(series.key) ?? [])
      .toSorted((a, b) => (b.values.totalMs ?? 0) - (a.values.totalMs ?? 0))
      .slice(0, ROUTES_SHOWN)
      .map(({ series: pair, values: measured }) =>
        callerOf(pair, measured, requests.get(pair.route ?? '') ?? 0, placeOf(pair), called),
      );
    const list = placeKey({ kind: 'list', key: series.key, database: series.database ?? '', route: null });
    return {
      ...rest,
      statement: series.key,
      text: texts[at] ?? '',
      calls: calls ?? 0,
      listValues: lists.get(list) ?? 0,
      routes,
    };
  });
}

type Pair = Readonly<Record<(typeof PAIR)[number], number | null>>;
type PairSeries = Pick<SeriesKey, 'key' | 'database' | 'route'>;

function callerOf(
  series: PairSeries,
  values: Pair,
  requests: number,
  place: CodePlace | undefined,
  called: (tenant: string) => string | null,
): StatementCaller {
  const repeats = values.repeats ?? 0;
  return {
    route: series.route ?? '',
    callsPerRequest: requests === 0 ? null : (values.calls ?? 0) / requests,
    repeats,
    callsPerRepeat: repeats === 0 ? null : (values.repeatedCalls ?? 0) / repeats,
    frames: place?.frames ?? [],
    tenants: (place?.tenants ?? []).map((tenant) => ({ tenant, name: called(tenant) })),
  };
}

/** Where a pair's statement is sent from. */
function placesBy(places: readonly CodePlace[]): (series: PairSeries) => CodePlace | undefined {
  const known = new Map(places.map((place) => [placeKey(place), place]));
  return ({ key, database, route }) => known.get(placeKey({ kind: 'statement', key, database: database ?? '', route }));
}

/** What requests sent again and again in the range, most often first, as findings. Read from the applications' side alone. */
export async function repeatedStatements(
  { engine, statementTexts, places, nameOf }: PerformanceSources,
  scope: Scope,
  database: string,
  range: TimeRange,
): Promise<readonly DatabaseFinding[]> {
  const subject: Subject = { ...scope, family: 'route-statement', database };
  const top = await engine.top(subject, range, 'repeats', REPEATS_SHOWN);
  const keys = [...new Set(top.map(({ series }) => series.key))];
  if (keys.length === 0) return [];
  const pairs = (await engine.rows(subject, range, keys, PAIR))
    .filter(({ values }) => (values.repeats ?? 0) > 0)
    .toSorted((a, b) => (b.values.totalMs ?? 0) - (a.values.totalMs ?? 0));
  const requests = await requestsOf({ ...scope, family: 'route' }, engine, range, pairs);
  const placeOf = placesBy(places(scope.service));
  const called = (tenant: string): string | null => nameOf(scope.service, 'tenant', tenant);
  const texts = await statementTexts.find(
    scope.service,
    pairs.map(({ series }) => ({ id: series.key, database })),
  );
  return pairs.flatMap(({ series, values }, at) => {
    if (!mayBePlannable(texts[at] ?? '')) return [];
    const meanMs = (values.totalMs ?? 0) / Math.max(1, values.calls ?? 0);
    const caller = callerOf(series, values, requests.get(series.route ?? '') ?? 0, placeOf(series), called);
    const finding = repeatedBy(caller, meanMs);
    return finding === null ? [] : [{ ...finding, subject: texts[at]?.slice(0, LONGEST_SUBJECT) ?? series.key }];
  });
}

async function requestsOf(
  subject: Subject,
  engine: PerformanceSources['engine'],
  range: TimeRange,
  pairs: readonly { readonly series: { readonly route: string | null } }[],
): Promise<ReadonlyMap<string, number>> {
  const routes = [...new Set(pairs.flatMap(({ series }) => (series.route === null ? [] : [series.route])))];
  if (routes.length === 0) return new Map();
  const rows = await engine.rows(subject, range, routes, ['requests']);
  return new Map(rows.map(({ series, values }) => [series.key, values.requests ?? 0]));
}
