import type { DatabaseFinding } from './database.ts';
import type { Timestamp } from './performance.ts';

/** One step of a plan. */
export interface PlanStep {
  /** 0: the whole. */
  readonly depth: number;
  /** "Index Scan using tasks_pkey on tasks" */
  readonly label: string;
  readonly rows: number;
  readonly cost: number;
  readonly condition: string | null;
}

/** Whether a text is one statement of a kind that is planned: DDL, CHECKPOINT, BEGIN and their like are not. */
export function isPlannable(text: string): boolean {
  return (
    /^[\s(]*(?:\/\*.*?\*\/\s*)?(?:select|insert|update|delete|with|values|table|merge)\b/is.test(text) &&
    !/;\s*\S/.test(text)
  );
}

const UNKNOWN_TEXT = '(text not known)';

/** What stands in place of a statement's text where no agent has told it since the start. */
export function unknownText(id: string): string {
  return `${UNKNOWN_TEXT} ${id}`;
}

/** As {@link isPlannable}; of a text that is not known the best is thought. */
export function mayBePlannable(text: string): boolean {
  return text === '' || text.startsWith(UNKNOWN_TEXT) || isPlannable(text);
}

/** A plan that a statement had, as samples of EXPLAIN found it. */
export interface PlanEra {
  /** The same for plans that differ in nothing but estimates. */
  readonly fingerprint: string;
  /** When it was found first; since when it was found without another in between; when it was found last. */
  readonly firstAt: Timestamp;
  readonly sinceAt: Timestamp;
  readonly lastAt: Timestamp;
  /** As it was estimated last. */
  readonly cost: number;
  /** Without conditions. */
  readonly steps: readonly PlanStep[];
}

/** That a statement is carried out otherwise than before. */
export interface PlanChange {
  readonly at: Timestamp;
  /** Estimated costs of the plans before and after. */
  readonly costBefore: number;
  readonly cost: number;
}

/** One step of a plan that was carried out; what was estimated and what came are of one of its loops. */
export interface MeasuredStep extends PlanStep {
  /** null: it was never reached. */
  readonly actualRows: number | null;
  /** How often it was carried out. */
  readonly loops: number;
  /** Of all loops, with the steps below it. */
  readonly durationMs: number;
  /** Pages touched, with the steps below it. */
  readonly pages: number;
  /** How many times more rows came than estimated, or fewer; 1: as estimated; null: it was never reached. */
  readonly misjudged: number | null;
}

/** What POST /performance/database/plan takes. */
export interface PlanMeasurement {
  readonly queryId: string;
  /** A value for each parameter, as text; left out: typical ones, from the statistics of their columns. */
  readonly parameters?: readonly (string | null)[];
}

/** POST /performance/database/plan */
export interface MeasuredPlan {
  readonly name: string;
  readonly queryId: string;
  readonly text: string;
  /** Whose values it was carried out with; `none`: it takes none. They are not told. */
  readonly values: 'given' | 'typical' | 'none';
  readonly planningMs: number;
  readonly executionMs: number;
  /** Parents before their children. */
  readonly steps: readonly MeasuredStep[];
  readonly findings: readonly DatabaseFinding[];
  readonly notes: readonly string[];
}

/** GET /performance/database/plan */
export interface StatementPlan {
  readonly name: string;
  readonly queryId: string;
  readonly text: string;
  /** Parents before their children. */
  readonly steps: readonly PlanStep[];
  /** Plans that it had while it was watched, the latest first. */
  readonly history: readonly PlanEra[];
  readonly findings: readonly DatabaseFinding[];
  readonly notes: readonly string[];
}
