import type { Database } from '../database/database.ts';

/** The background jobs there are; also the names by which the autopilot tells them apart. */
export type JobKind = 'due-reminders' | 'digest' | 'roll-up' | 'clean-up' | 'export';

/** What a job is given to work with. */
export interface JobTools {
  readonly database: Database;
  /** Aborts soon after the process was asked to stop; a job that then fails runs again elsewhere, or later. */
  readonly signal: AbortSignal;
  /** When it fails this time, it does not run again. */
  readonly isLastAttempt: boolean;
}

/** Does one job. It may run more than once, also twice at a time: what it makes, it makes once. */
export type JobHandler = (payload: unknown, tools: JobTools) => Promise<void>;

/** The PostgreSQL schema of the queue. */
export const jobsSchema = 'teamflow_jobs';
