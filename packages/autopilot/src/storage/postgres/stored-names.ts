import type { MetricKind } from '../../contract/metrics.ts';
import type { Family } from '../../contract/series.ts';

/**
 * The numbers under which families and metrics lie in the database.
 *
 * A number, once released, means the same for ever: names are added at the end and never moved, renamed or removed. A
 * test compares this with the metric table, so that a new metric can't be forgotten here.
 */

/** 0 stands for the windows themselves: when they began and ended, and what their bounds left out. */
export const WINDOWS_FAMILY = 0;

/** Numbers of the families. */
export const familyNumbers: Readonly<Record<Family, number>> = {
  route: 1,
  tenant: 2,
  statement: 3,
  'route-statement': 4,
  pool: 5,
  runtime: 6,
  job: 7,
  compression: 8,
  test: 9,
};

const request = [
  'requests',
  'errors',
  'clientErrors',
  'aborted',
  'durationMs',
  'bytesSent',
  'databaseCalls',
  'databaseMs',
  'bytesReceived',
  'loopMs',
  'shed',
] as const;

/** By family, the metric with number i + 1 at position i. */
export const metricNames: Readonly<Record<Family, readonly string[]>> = {
  route: request,
  tenant: request,
  test: request,
  statement: ['calls', 'errors', 'rows', 'durationMs'],
  'route-statement': ['calls', 'totalMs', 'repeats', 'repeatedCalls'],
  pool: [
    'size',
    'idle',
    'waiting',
    'max',
    'acquired',
    'failed',
    'waitMs',
    'useMs',
    'ageMs',
    'leaked',
    'opened',
    'closed',
  ],
  runtime: [
    'eventLoopDelayMs',
    'eventLoopUtilization',
    'cpuUserMs',
    'cpuSystemMs',
    'rssBytes',
    'heapUsedBytes',
    'heapLimitBytes',
    'externalBytes',
    'gcMs',
    'activeRequests',
    'diskReadBytes',
    'diskWriteBytes',
    'pages',
    'pageRows',
    'pageMs',
    'pagesByDefault',
    'pagesByDefaultMore',
    'pagesByDefaultFollowed',
    'pagesOverTime',
  ],
  job: ['runs', 'failures', 'retries', 'durationMs', 'waitMs', 'databaseCalls', 'databaseMs'],
  compression: ['answers', 'bytesIn', 'bytesOut', 'cpuMs', 'addedMs'],
};

/** Numbers of the kinds of cells. */
export const kindNumbers: Readonly<Record<MetricKind, number>> = { counter: 0, gauge: 1, histogram: 2 };

const familyOfNumber: ReadonlyMap<number, Family> = new Map(
  // Object.entries forgets that the keys are families.
  (Object.entries(familyNumbers) as [Family, number][]).map(([family, number]) => [number, family]),
);

/** The family with this number; undefined for one that a later release added. */
export function familyOf(number: number): Family | undefined {
  return familyOfNumber.get(number);
}

/** Families whose keys are also stored as one series for each database, so that the whole is read without its parts. */
export const familiesWithTotal: ReadonlySet<Family> = new Set<Family>([
  'route',
  'tenant',
  'statement',
  'pool',
  'job',
  'compression',
  'test',
]);

/**
 * Families that are also stored merged over all instances of a service. Those with levels are not: how a level of all
 * follows from those of each depends on the measure.
 */
export const familiesOfService: ReadonlySet<Family> = new Set<Family>([
  'route',
  'tenant',
  'statement',
  'route-statement',
  'job',
  'compression',
  'test',
]);
