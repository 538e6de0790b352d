import { createHash } from 'node:crypto';
import type { StatementStatistics } from '../contract/database.ts';
import type { AdvisedIndex, IndexAdvice, StatementEffect } from '../contract/index-advice.ts';
import type { Recommendation, RecommendedStatement } from '../contract/tuning.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import { sizeText } from './finding.ts';

/** What was worked out of a recommendation: itself, and what a trial of it needs. */
export interface WorkedOut {
  readonly recommendation: Omit<Recommendation, 'predicted' | 'state' | 'trial' | 'dismissal'>;
  /** What it consists of, by names that outlive a new working out. */
  readonly parts: readonly string[];
  /** Time after : before; null: not known. */
  readonly effect: number | null;
  /** What the affected statements take now; null: not known. */
  readonly msPerHour: number | null;
  /** Ids of pg_stat_statements with their texts. */
  readonly affected: Readonly<Record<string, string>>;
  /** Ids of statements that it does not touch. */
  readonly controls: readonly string[];
  /** The indexes it makes. */
  readonly create: readonly { readonly schema: string; readonly name: string; readonly ddl: string }[];
  readonly drop: readonly { readonly schema: string; readonly name: string; readonly ddl: string }[];
  /** Tables that it needs to own, as SQL has their names. */
  readonly tables: readonly string[];
}

/** What the server says of its statements. */
export interface StatementsSeen {
  readonly statements: readonly StatementStatistics[];
  /** For how long it has counted them. */
  readonly countedMs: number;
}

const HOUR_MS = 3_600_000;
/** Statements that tell how everything else went: the busiest that are not touched. */
const CONTROLS = 12;
/** A statement of which a trial has to say something. */
const AFFECTED = 30;
const MEANS =
  'What-if planning: the statements were planned by a real PostgreSQL on a copy of the statistics, with and without the indexes.';

/**
 * Indexes as recommendations: those that serve the same statements belong together, as what one of them does can't be told from
 * what the others do. Existing ones that they make superfluous stay: they are recommended once nothing uses them.
 */
export function recommendedIndexes(database: string, advice: IndexAdvice, seen: StatementsSeen): readonly WorkedOut[] {
  // The autopilot does not tune itself.
  const groups = groupsOf(advice.create.filter(({ table }) => !table.startsWith('"autopilot".')));
  const worked = groups.map((group) => workedOut(database, group, advice, seen));
  if (worked.length > 0) return worked;
  return [leave(database, advice.reason)];
}

/** Says that the indexes are left as they are, and why. */
export function leave(database: string, reason: string): WorkedOut {
  return {
    recommendation: {
      id: idOf([database, 'indexes', 'leave']),
      category: 'indexes',
      database,
      verdict: 'leave',
      subject: 'Indexes',
      change: [],
      undo: [],
      reason,
      evidence: [],
      statements: [],
      bytes: null,
      risk: 'low',
      effort: 'none',
      automatic: false,
      obstacle: 'There is nothing to be done.',
      means: MEANS,
    },
    parts: [],
    effect: null,
    msPerHour: null,
    affected: {},
    controls: [],
    create: [],
    drop: [],
    tables: [],
  };
}

/** The name of a recommendation, the same as long as it is made of the same. */
function idOf(parts: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([...parts].sort()))
    .digest('base64url')
    .slice(0, 16);
}

function workedOut(
  database: string,
  group: readonly AdvisedIndex[],
  advice: IndexAdvice,
  { statements, countedMs }: StatementsSeen,
): WorkedOut {
  const effects = new Map(group.flatMap((one) => one.statements).map((effect) => [effect.sql, effect]));
  const texts = new Map(statements.map((one) => [one.queryId, normalizeStatement(one.text)]));
  const hours = Math.max(countedMs, 60_000) / HOUR_MS;
  const affected: Record<string, string> = {};
  const rows: WeighedRow[] = [];
  for (const effect of effects.values()) {
    const wanted = normalizeStatement(effect.sql);
    const found = statements.filter(({ queryId }) => texts.get(queryId) === wanted);
    for (const { queryId } of found) affected[queryId] = wanted;
    rows.push(rowOf(effect, found, hours));
  }
  rows.sort((a, b) => b.weight * (1 - b.kept) - a.weight * (1 - a.kept));
  const weight = rows.reduce((sum, one) => sum + one.weight, 0);
  const effect = weight === 0 ? null : rows.reduce((sum, one) => sum + one.weight * one.kept, 0) / weight;
  const create = group.flatMap(({ ddl, table }) => definitionOf(ddl, table));
  const bytes = group.reduce((sum, one) => sum + one.bytes, 0);
  const isOnline = create.length === group.length && group.every(({ ddl }) => ddl.includes(' CONCURRENTLY '));
  const touched = new Set(Object.keys(affected));
  const tables = [...new Set(group.map(({ table }) => table.replaceAll('"', '')))];
  const parts = group.map(({ ddl }) => partOf(ddl));
  const known = rows.some(({ row }) => row.msPerHour !== null);
  return {
    recommendation: {
      id: idOf([database, ...parts]),
      category: 'indexes',
      database,
      verdict: 'change',
      subject: `${group.length === 1 ? 'An index' : `${group.length} indexes`} on ${tables.slice(0, 3).join(', ')}${tables.length > 3 ? ` and ${tables.length - 3} more` : ''}`,
      change: group.map(({ ddl }) => `${ddl};`),
      undo: create.map(({ schema, name }) => `DROP INDEX CONCURRENTLY "${schema}"."${name}";`),
      reason: `${rows.length} statement${rows.length === 1 ? ' is' : 's are'} planned at ${percent(effect ?? 1)} of the cost with ${group.length === 1 ? 'it' : 'them'}.`,
      evidence: [
        `The copy planned ${advice.fidelity.same} of ${advice.fidelity.compared} statements as the server does.`,
        `About ${sizeText(bytes)} of disk; building takes about ${Math.max(1, Math.round(group.reduce((sum, one) => sum + one.buildSeconds, 0)))} s beside the traffic.`,
        `Writes pay ${percent(group.reduce((sum, one) => sum + one.writeRatio, 0))} of the workload's cost for it.`,
      ],
      statements: rows.map(({ row }) => row),
      bytes,
      risk: 'low',
      effort: 'none: it is built beside reads and writes',
      automatic: isOnline && touched.size > 0,
      obstacle: !isOnline
        ? 'A partitioned table takes no index beside its traffic in one statement.'
        : touched.size > 0
          ? null
          : 'The server does not count these statements (pg_stat_statements), so nobody could measure what it does.',
      means: MEANS,
    },
    parts,
    effect,
    msPerHour: known ? rows.reduce((sum, { row }) => sum + (row.msPerHour ?? 0), 0) : null,
    affected: Object.fromEntries(Object.entries(affected).slice(0, AFFECTED)),
    controls: statements
      .filter(({ queryId, text }) => !touched.has(queryId) && /^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/i.test(text))
      .filter(({ calls, meanMs }) => calls > 0 && meanMs > 0)
      .toSorted((a, b) => b.calls - a.calls)
      .slice(0, CONTROLS)
      .map(({ queryId }) => queryId),
    create,
    drop: [],
    tables: [...new Set(group.map(({ table }) => table))],
  };
}

/** What one statement weighs among those that an index serves, and how much of its cost stays. */
interface WeighedRow {
  readonly row: RecommendedStatement;
  readonly weight: number;
  readonly kept: number;
}

function rowOf(
  { sql, calls, costBefore, costAfter, planBefore, planAfter }: StatementEffect,
  found: readonly StatementStatistics[],
  hours: number,
): WeighedRow {
  const isKnown = found.length > 0;
  const msPerHour = found.reduce((sum, one) => sum + one.totalMs, 0) / hours;
  const callsPerHour = found.reduce((sum, one) => sum + one.calls, 0) / hours;
  return {
    row: {
      text: normalizeStatement(sql),
      callsPerHour: isKnown ? callsPerHour : null,
      msPerHour: isKnown ? msPerHour : null,
      costBefore,
      costAfter,
      planBefore,
      planAfter,
    },
    // By the clock where it is known; the planner's units stand in for it else.
    weight: isKnown ? msPerHour : calls * costBefore,
    kept: Math.min(1, costAfter / Math.max(costBefore, 1e-9)),
  };
}

/** Those that share a statement, directly or by others. */
function groupsOf(indexes: readonly AdvisedIndex[]): readonly (readonly AdvisedIndex[])[] {
  const groups: AdvisedIndex[][] = [];
  for (const index of indexes) {
    const own = new Set(index.statements.map(({ sql }) => sql));
    const joined = groups.filter((group) => group.some((one) => one.statements.some(({ sql }) => own.has(sql))));
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
    groups.push([...joined.flat(), index]);
  }
  return groups;
}

/** What an index is, whatever it is called. */
function partOf(ddl: string): string {
  return ddl.replace(/^CREATE INDEX (?:CONCURRENTLY )?"(?:[^"]|"")+" /, '');
}

function definitionOf(
  ddl: string,
  table: string,
): readonly { readonly schema: string; readonly name: string; readonly ddl: string }[] {
  const name = /^CREATE INDEX CONCURRENTLY "((?:[^"]|"")+)"/.exec(ddl)?.[1]?.replaceAll('""', '"');
  const schema = /^"((?:[^"]|"")+)"\./.exec(table)?.[1]?.replaceAll('""', '"');
  return name === undefined || schema === undefined ? [] : [{ schema, name, ddl }];
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio < 0.1 ? 1 : 0)} %`;
}
