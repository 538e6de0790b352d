import type { Measure } from '../contract/measures.ts';
import type { Deduction, Health, HealthComponent, HealthStatus } from '../contract/performance.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { MeasureValues, QueryEngine } from '../query/query-engine.ts';
import type { Scope } from '../query/summaries.ts';
import { presentOf, type TimeRange } from '../query/time-range.ts';
import * as rules from './health-rules.ts';
import { type ComponentRules, HEALTH_WINDOW_MS, type HealthRule, type HealthSettings } from './health-rules.ts';

/** An instance as the link knows it. */
export interface ObservedInstance {
  readonly instance: string;
  readonly state: 'live' | 'stalled' | 'gone';
  readonly silentMs: number;
  /** It said that it closes, as it does at a restart; false: its link broke. */
  readonly closedInOrder: boolean;
}

/** Data up to this old is fresh; at the end of the health window it says nothing any more. */
const FRESH_MS = 3000;

type Values = Partial<MeasureValues>;

/**
 * Judges the last minute of a service.
 *
 *   component = 100 - points lost (see health-rules.ts), at least 0
 *   score     = (worst component + mean of all) / 2
 *
 * so that one component on the floor can't be hidden by others. What has no data has no score and does not count.
 */
export async function judgeHealth(
  engine: QueryEngine,
  scope: Scope,
  instances: readonly ObservedInstance[],
  now: EpochMs,
  set: HealthSettings,
): Promise<Omit<Health, 'trend'>> {
  const extent = await engine.extent(scope.service, now);
  const to = presentOf(extent, now);
  const range: TimeRange = { from: to - HEALTH_WINDOW_MS, to, complete: true, notes: [] };
  const ageMs = extent.newestEnd === null ? HEALTH_WINDOW_MS : now - extent.newestEnd;
  const freshness = clamp(1 - (ageMs - FRESH_MS) / (HEALTH_WINDOW_MS - FRESH_MS));
  const seen = instances.filter(({ instance }) => scope.instance === undefined || instance === scope.instance);
  const components = [
    await trafficComponent(engine, scope, range, freshness, set),
    await runtimeComponent(engine, scope, range, freshness, seen, set),
    await databaseComponent(engine, scope, range, freshness, set),
  ];
  const scores = components.flatMap(({ score }) => (score === null ? [] : [score]));
  const score =
    scores.length === 0
      ? null
      : tenth((Math.min(...scores) + scores.reduce((sum, one) => sum + one, 0) / scores.length) / 2);
  return { service: scope.service, at: new Date(now).toISOString(), score, status: statusOf(score, set), components };
}

async function trafficComponent(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
  freshness: number,
  set: HealthSettings,
): Promise<HealthComponent> {
  const traffic = rules.trafficRules(set);
  const asked = [...measuresOf(traffic.rules), 'requests'] as const;
  const { values } = await engine.summary({ ...scope, family: 'route' }, range, asked);
  const observations = values.requests ?? 0;
  const { deductions, notes } = applied(traffic.rules, values, observations, traffic.observations.word);
  return component(set, traffic, observations, freshness, deductions, notes, observations > 0);
}

async function runtimeComponent(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
  freshness: number,
  instances: readonly ObservedInstance[],
  set: HealthSettings,
): Promise<HealthComponent> {
  const runtime = rules.runtimeRules(set);
  const linked = instances.filter(({ state }) => state !== 'gone');
  const lost = instances.filter(({ state, closedInOrder }) => state === 'gone' && !closedInOrder);
  const recentlyLost = lost.filter(({ silentMs }) => silentMs <= HEALTH_WINDOW_MS);
  if (linked.length === 0) {
    const last = lost.toSorted((a, b) => a.silentMs - b.silentMs)[0];
    if (last === undefined) {
      const note = instances.length === 0 ? 'No application has linked yet.' : 'Its last instance closed in order.';
      return component(set, runtime, 0, freshness, [], [note], false);
    }
    const reason = `No instance is linked; the last, ${last.instance}, was lost ${seconds(last.silentMs)} ago without closing.`;
    const { link } = rules.lostInstances;
    return component(
      set,
      runtime,
      runtime.observations.enough,
      1,
      [{ points: 100, reason, measure: 'linkedInstances', value: 0, limit: 1, link }],
      [],
      true,
    );
  }
  const found: Found[] = [];
  let reportedMs = 0;
  for (const { instance } of linked) {
    const asked = measuresOf(runtime.rules);
    const summary = await engine.summary({ ...scope, instance, family: 'runtime' }, range, asked);
    reportedMs = Math.max(reportedMs, summary.reportedMs);
    found.push(...applied(runtime.rules, summary.values, 1, '', { instance }).deductions);
  }
  for (const { instance, state, silentMs } of linked) {
    if (state === 'stalled') found.push(...deductionsOf(rules.silence, rules.silence.measure, silentMs, { instance }));
  }
  if (recentlyLost.length > 0) {
    const { measure, each, most, link } = rules.lostInstances;
    const names = recentlyLost.map(({ instance }) => instance).join(', ');
    const reason = `Lost in the last minute without closing: ${names}; any costs.`;
    const points = Math.min(most, recentlyLost.length * each);
    found.push({ points, reason, measure, value: recentlyLost.length, limit: 0, link });
  }
  const observed = reportedMs / 1000;
  const notes = reportedMs === 0 ? ['No instance has reported in the last minute.'] : [];
  return component(set, runtime, observed, freshness, worstOfEach(found), notes, reportedMs > 0 || found.length > 0);
}

async function databaseComponent(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
  freshness: number,
  set: HealthSettings,
): Promise<HealthComponent> {
  const database = rules.databaseRules(set);
  const poolRules = rules.poolRules(set);
  const { observations, rules: callRules } = database;
  const asked = [...measuresOf(callRules), 'calls'] as const;
  const { values } = await engine.summary({ ...scope, family: 'statement' }, range, asked);
  const calls = values.calls ?? 0;
  const { deductions, notes } = applied(callRules, values, calls, observations.word);
  const ranked = await engine.top({ ...scope, family: 'pool' }, range, 'poolAcquired', Number.POSITIVE_INFINITY);
  const keys = [...new Set(ranked.map(({ series }) => series.key))];
  const poolMeasures = [...measuresOf(poolRules), 'poolAcquired'] as const;
  const rows = await engine.rows({ ...scope, family: 'pool' }, range, keys, poolMeasures);
  const found = [...deductions];
  for (const { series, values: pool } of rows) {
    found.push(...applied(poolRules, pool, pool.poolAcquired ?? 0, '', { pool: series.key }).deductions);
  }
  const known = calls > 0 || rows.length > 0;
  // A pool that answers about itself is known though nobody called: an idle database is no reason for doubt.
  const counted = calls > 0 ? calls : rows.length > 0 ? observations.enough / 2 : 0;
  return component(set, database, counted, freshness, worstOfEach(found), notes, known);
}

type Found = Deduction;
type Names = Readonly<Record<string, string>>;

/** What each rule takes away, and what could not be judged. */
function applied(
  judged: readonly HealthRule[],
  values: Values,
  observations: number,
  word: string,
  names: Names = {},
): { readonly deductions: readonly Found[]; readonly notes: readonly string[] } {
  const deductions: Found[] = [];
  const few: string[] = [];
  for (const rule of judged) {
    if (observations < rule.leastObservations) {
      if (observations > 0) few.push(`${rule.value.measure} (from ${rule.leastObservations} on)`);
      continue;
    }
    const value = valueOf(rule, values);
    if (value !== null) deductions.push(...deductionsOf(rule, rule.value.measure, value, names));
  }
  const notes = few.length === 0 ? [] : [`${observations} ${word} in a minute are too few to judge ${few.join(', ')}.`];
  return { deductions, notes: word === '' ? [] : notes };
}

function valueOf({ value: { measure, less, over } }: HealthRule, values: Values): number | null {
  const value = values[measure] ?? null;
  const taken = less === undefined ? 0 : (values[less] ?? null);
  if (value === null || taken === null) return null;
  const part = value - taken;
  if (over === undefined) return part;
  const whole = values[over] ?? null;
  if (whole === null) return null;
  if (whole === 0) return part > 0 ? 1 : null;
  return part / whole;
}

function deductionsOf(
  rule: Pick<HealthRule, 'as' | 'limit' | 'worst' | 'most' | 'reason' | 'link'>,
  measure: string,
  value: number,
  names: Names,
): Found[] {
  const { limit, worst, most, link } = rule;
  const points = tenth(most * clamp((value - limit) / (worst - limit)));
  if (points === 0) return [];
  const known: Names = { ...names, value: worded(value, rule.as), limit: worded(limit, rule.as) };
  const reason = rule.reason.replaceAll(/\{(\w+)\}/g, (whole, name: string) => known[name] ?? whole);
  return [{ points, reason, measure, value: Math.round(value * 1e6) / 1e6, limit, link }];
}

/** Of several instances or pools that break one rule the worst speaks: points are lost once. */
function worstOfEach(found: readonly Found[]): Found[] {
  const worst = new Map<string, Found>();
  const others = new Map<string, number>();
  for (const one of found) {
    const before = worst.get(one.measure);
    if (before !== undefined) others.set(one.measure, (others.get(one.measure) ?? 0) + 1);
    if (before === undefined || one.points > before.points) worst.set(one.measure, one);
  }
  return Array.from(worst.values(), (one) => {
    const more = others.get(one.measure) ?? 0;
    return more === 0 ? one : { ...one, reason: `${one.reason} (${more} more like it.)` };
  });
}

function component(
  set: HealthSettings,
  { name, observations }: ComponentRules,
  observed: number,
  freshness: number,
  deductions: readonly Found[],
  notes: readonly string[],
  known: boolean,
): HealthComponent {
  const lost = deductions.reduce((sum, { points }) => sum + points, 0);
  const score = known ? tenth(Math.max(0, 100 - lost)) : null;
  return {
    name,
    score,
    status: statusOf(score, set),
    confidence: known ? Math.round(Math.min(1, observed / observations.enough) * freshness * 100) / 100 : 0,
    deductions: deductions.toSorted((a, b) => b.points - a.points),
    notes: known || notes.length > 0 ? notes : [`No ${observations.word} in the last minute.`],
  };
}

function statusOf(score: number | null, { healthyFrom, degradedFrom }: HealthSettings): HealthStatus {
  if (score === null) return 'unknown';
  return score >= healthyFrom ? 'healthy' : score >= degradedFrom ? 'degraded' : 'unhealthy';
}

function measuresOf(judged: readonly HealthRule[]): readonly Measure[] {
  const named = judged.flatMap(({ value: { measure, less, over } }) => [measure, less, over]);
  return [...new Set(named.filter((measure) => measure !== undefined))];
}

function worded(value: number, as: HealthRule['as']): string {
  switch (as) {
    case 'ms':
      return value >= 10_000 ? seconds(value) : `${short(value)} ms`;
    case 'percent':
      return `${short(value * 100)} %`;
    case 'number':
      return short(value);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** Three digits are enough to compare with a limit. */
function short(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
