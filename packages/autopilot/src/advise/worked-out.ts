import { createHash } from 'node:crypto';
import type { SettingValues } from '../contract/configuration.ts';
import type { StatementStatistics } from '../contract/database.ts';
import type { StatementEffect } from '../contract/index-advice.ts';
import type { Recommendation, RecommendedStatement, TuningCategory } from '../contract/tuning.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';

/** An index by its name, with the statement that makes it. */
export interface NamedIndex {
  readonly schema: string;
  readonly name: string;
  readonly ddl: string;
  /** Of one that is dropped because nothing uses it: its scans until now; one more speaks against it. */
  readonly scans?: number;
}

/** What is changed, as the actuator of its kind takes it. */
export type RecommendedChange =
  | { readonly kind: 'indexes'; readonly create: readonly NamedIndex[]; readonly drop: readonly NamedIndex[] }
  | {
      readonly kind: 'server-settings' | 'table-options';
      readonly place:
        | { readonly kind: 'system' | 'database' | 'role' }
        | { readonly kind: 'table'; readonly schema: string; readonly table: string };
      readonly values: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly kind: 'application-settings'; readonly settings: SettingValues };

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
  /** `no harm`: it is worth having whatever statements say, and is kept unless it makes them slower. */
  readonly aim: 'gain' | 'no harm';
  /** null: there is none. */
  readonly change: RecommendedChange | null;
  /** Tables that it needs to own, as SQL has their names. */
  readonly tables: readonly string[];
}

/** What the server says of its statements. */
export interface StatementsSeen {
  readonly statements: readonly StatementStatistics[];
  /** For how long it has counted them. */
  readonly countedMs: number;
}

/** By what means advice that was planned was found. */
export const WHAT_IF: string =
  'What-if planning: the statements were planned by a real PostgreSQL on a copy of the statistics, with and without the change.';
const HOUR_MS = 3_600_000;
/** Statements that tell how everything else went: the busiest that are not touched. */
const CONTROLS = 12;
/** A statement of which a trial has to say something. */
export const AFFECTED = 30;

/** Says that something is left as it is, and why. */
export function leave(
  database: string,
  told: {
    readonly category: TuningCategory;
    readonly subject: string;
    readonly reason: string;
    readonly means: string;
    readonly evidence?: readonly string[];
  },
): WorkedOut {
  const { category, subject, reason, means, evidence = [] } = told;
  return {
    recommendation: {
      id: idOf([database, category, subject, 'leave']),
      category,
      database,
      verdict: 'leave',
      subject,
      change: [],
      undo: [],
      reason,
      evidence,
      statements: [],
      bytes: null,
      risk: 'low',
      effort: 'none',
      automatic: false,
      obstacle: 'There is nothing to be done.',
      means,
    },
    parts: [],
    effect: null,
    msPerHour: null,
    affected: {},
    controls: [],
    aim: 'gain',
    change: null,
    tables: [],
  };
}

/** The name of a recommendation, the same as long as it is made of the same. */
export function idOf(parts: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([...parts].sort()))
    .digest('base64url')
    .slice(0, 16);
}

/** Ids of the busiest statements that are not touched. */
export function controlsAmong(
  statements: readonly StatementStatistics[],
  touched: ReadonlySet<string>,
): readonly string[] {
  return statements
    .filter(({ queryId, text }) => !touched.has(queryId) && isWork(text))
    .filter(({ calls, meanMs }) => calls > 0 && meanMs > 0)
    .toSorted((a, b) => b.calls - a.calls)
    .slice(0, CONTROLS)
    .map(({ queryId }) => queryId);
}

/** Whether a statement reads or writes rows. */
export function isWork(text: string): boolean {
  return /^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b/i.test(text);
}

/** For how long statements were counted, at least a minute. */
function hoursOf(countedMs: number): number {
  return Math.max(countedMs, 60_000) / HOUR_MS;
}

/** What one statement weighs among those that a change is about, and how much of its cost stays. */
interface WeighedRow {
  readonly row: RecommendedStatement;
  readonly weight: number;
  readonly kept: number;
}

/** A statement as a recommendation shows it. */
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

/** Planned statements beside what the server counts of them. */
export function matched(
  effects: readonly StatementEffect[],
  { statements, countedMs }: StatementsSeen,
): { readonly rows: readonly WeighedRow[]; readonly ids: Readonly<Record<string, string>> } {
  const byText = Map.groupBy(statements, ({ text }) => normalizeStatement(text));
  const ids: Record<string, string> = {};
  const rows = effects.map((effect) => {
    const wanted = normalizeStatement(effect.sql);
    const found = byText.get(wanted) ?? [];
    for (const { queryId } of found) ids[queryId] = wanted;
    return rowOf(effect, found, hoursOf(countedMs));
  });
  return { rows: rows.toSorted((a, b) => b.weight - a.weight), ids };
}

/** "3.4 %" */
export function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio < 0.1 ? 1 : 0)} %`;
}
