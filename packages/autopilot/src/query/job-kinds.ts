import type { Measure } from '../contract/measures.ts';
import type { JobConsumption } from '../contract/resources.ts';
import type { QueryEngine, Subject } from './query-engine.ts';
import type { Scope } from './summaries.ts';
import type { TimeRange } from './time-range.ts';

/** Kinds in an answer, those that run most: an application has a few dozen. */
const MAX_KINDS = 100;
const ASKED = [
  'jobRuns',
  'jobFailures',
  'jobFailureRatio',
  'jobRetries',
  'jobWaitP50Ms',
  'jobWaitP95Ms',
  'p50Ms',
  'p95Ms',
  'concurrency',
  'databaseMsPerJob',
] as const satisfies readonly Measure[];

/** The kinds of background jobs that ran in the range, most runs first. */
export async function jobKinds(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
): Promise<readonly JobConsumption[]> {
  const subject: Subject = { ...scope, family: 'job' };
  const top = await engine.top(subject, range, 'jobRuns', MAX_KINDS);
  const keys = top.flatMap(({ series, value }) => (value === null || value === 0 ? [] : [series.key]));
  const rows = await engine.rows(subject, range, keys, ASKED);
  const byKey = new Map(rows.map((row) => [row.series.key, row.values]));
  return keys.flatMap((job): JobConsumption | readonly never[] => {
    const values = byKey.get(job);
    if (values === undefined) return [];
    return {
      job,
      runs: values.jobRuns ?? 0,
      failures: values.jobFailures ?? 0,
      failureRatio: values.jobFailureRatio,
      retries: values.jobRetries ?? 0,
      waitP50Ms: values.jobWaitP50Ms,
      waitP95Ms: values.jobWaitP95Ms,
      p50Ms: values.p50Ms,
      p95Ms: values.p95Ms,
      concurrency: values.concurrency,
      databaseMsPerJob: values.databaseMsPerJob,
    };
  });
}
