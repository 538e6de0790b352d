import type { VacuumBlocker } from './database.ts';
import type { Timestamp } from './performance.ts';

/** Wire types of maintenance: VACUUM and ANALYZE. */

/** Which tables are analyzed; without any, those that are due. */
export interface AnalyzeOrder {
  readonly tables?: readonly string[];
}

/** Which tables are vacuumed; without any, those that are due. */
export interface VacuumOrder extends AnalyzeOrder {
  readonly analyze?: boolean;
  /** Rewrites one table and keeps everybody out meanwhile; `confirm` names it again. */
  readonly full?: boolean;
  readonly confirm?: string;
}

/** A table that autovacuum is late for. */
export interface MaintenanceDue {
  /** With its schema. */
  readonly table: string;
  readonly operation: 'vacuum' | 'analyze';
  /** A vacuum should analyze too. */
  readonly analyze: boolean;
  readonly reason: string;
  /** The highest comes first; from 1 on it is late. */
  readonly urgency: number;
  readonly sql: string;
}

/** A setting of a table's own by which autovacuum comes at the right time. */
export interface AutovacuumAdvice {
  readonly table: string;
  readonly option: string;
  readonly value: number;
  readonly because: string;
  /** How often it comes as it is, and as it is advised; predicted from how the table changes. */
  readonly vacuumsPerDayNow: number;
  readonly vacuumsPerDay: number;
  readonly sql: string;
}

/** A run that was ordered, of the journal. */
export interface MaintenanceRun {
  readonly order: string;
  readonly job: string;
  readonly table: string;
  readonly operation: 'vacuum' | 'analyze';
  readonly state: 'running' | 'done' | 'ended' | 'refused';
  readonly reason: string;
  readonly author: string;
  /** As the application calls this user; null: it has not said. */
  readonly authorName: string | null;
  readonly byItself: boolean;
  readonly at: Timestamp;
  readonly endedAt: Timestamp | null;
}

/** What came of a job so far, table by table. */
export interface MaintenanceResult {
  readonly table: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  /** As the server names it: "scanning heap"; null: it is not at it. */
  readonly phase: string | null;
  /** 0 to 1 */
  readonly progress: number;
  readonly durationMs: number | null;
  readonly deadRowsBefore: number | null;
  readonly deadRowsAfter: number | null;
  /** Why it failed, or what kept rows from being taken. */
  readonly reason: string | null;
}

/** A vacuum or analyze of some tables, one after the other. */
export interface MaintenanceJob {
  readonly id: string;
  readonly operation: 'vacuum' | 'analyze';
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  readonly author: string;
  readonly startedAt: Timestamp;
  readonly endedAt: Timestamp | null;
  readonly tables: readonly MaintenanceResult[];
}

/** GET /performance/database/maintenance */
export interface DatabaseMaintenance {
  readonly name: string;
  /** It runs what is due by itself. */
  readonly automatic: boolean;
  /** Why nothing may begin now; null: it may. */
  readonly refusal: string | null;
  /** The most urgent first. */
  readonly due: readonly MaintenanceDue[];
  /** What keeps dead rows from being taken. */
  readonly blockers: readonly VacuumBlocker[];
  readonly advice: readonly AutovacuumAdvice[];
  /** Of this control plane, newest first. */
  readonly jobs: readonly MaintenanceJob[];
  /** Of the journal, newest first. */
  readonly runs: readonly MaintenanceRun[];
}
