import type { Scope } from '../../query/summaries.ts';
import { type PerformanceSources, scopeOf } from '../performance/sources.ts';
import type { RecentAnswers } from '../recent-answers.ts';
import type { WatchedDatabases } from './database-watch.ts';
import type { IndexAdviceDesk } from './index-advice-desk.ts';
import type { MaintenanceDesk } from './maintenance-desk.ts';

/** What the calls about databases are answered from. */
export interface DatabaseSources {
  readonly watched: WatchedDatabases;
  readonly performance: PerformanceSources;
  readonly answers: RecentAnswers;
  readonly maintenance: MaintenanceDesk;
  readonly advice: IndexAdviceDesk;
  /** ms: what is called slow where the caller does not say. */
  readonly slowMs: () => number;
}

/** The service that the caller means; of a database's pools and statements each has its own. */
export function scopeOfService(performance: PerformanceSources, { service }: { readonly service?: string }): Scope {
  return scopeOf(performance, service === undefined ? {} : { service });
}
