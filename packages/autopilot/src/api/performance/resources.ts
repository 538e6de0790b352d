import type { ResourceSort, ResourcesQuery } from '../../contract/resource-queries.ts';
import type { Resources } from '../../contract/resources.ts';
import { rankingOf, routeConsumptions, wholeConsumption } from '../../query/consumption.ts';
import { jobKinds } from '../../query/job-kinds.ts';
import { processUse } from '../../query/process-use.ts';
import { databaseSummary } from '../../query/summaries.ts';
import { steppedRange } from '../../query/time-range.ts';
import { rangeTold, rankedPage } from './ranked-list.ts';
import { releasesWithin } from './releases.ts';
import { type PerformanceSources, scopeOf } from './sources.ts';
import { type TrendTable, trendFrames } from './trend-frames.ts';

const LOOK_BACK_MS = 5 * 60_000;
const DEFAULT_SORT: ResourceSort = 'timeShare';

const trends: TrendTable = {
  processor: { family: 'runtime', measures: ['cpuBusy', 'cpuUserBusy', 'cpuSystemBusy', 'gcBusy'] },
  eventLoop: {
    family: 'runtime',
    measures: ['eventLoopUtilization', 'eventLoopDelayP50Ms', 'eventLoopDelayP95Ms', 'eventLoopDelayP99Ms'],
  },
  memory: { family: 'runtime', measures: ['rssBytes', 'heapUsedBytes', 'externalBytes'] },
  disk: { family: 'runtime', measures: ['diskReadRate', 'diskWriteRate'] },
  network: { family: 'route', measures: ['bytesReceivedRate', 'bytesSentRate'] },
  database: { family: 'statement', measures: ['concurrency', 'callRate'] },
  pool: { family: 'pool', measures: ['poolSize', 'poolIdle', 'poolWaiting', 'poolMax', 'poolWaitP95Ms'] },
};

/** GET /performance/resources */
export async function getResources(sources: PerformanceSources, query: ResourcesQuery): Promise<Resources> {
  const { engine } = sources;
  const scope = scopeOf(sources, query);
  const sort = query.sort ?? DEFAULT_SORT;
  const { cursor, limit, from, to } = query;
  const { keys, page, range, extent, now } = await rankedPage(sources, {
    subject: { ...scope, family: 'route' },
    ranking: rankingOf(sort),
    keyName: 'route',
    lookBackMs: LOOK_BACK_MS,
    from,
    to,
    limit,
    cursor,
    filter: { ...scope, list: 'resources', sort, from, to },
  });
  const whole = await wholeConsumption(engine, scope, range);
  const stepped = steppedRange({ from: range.from, to: range.to }, LOOK_BACK_MS, extent, now);
  return {
    service: scope.service,
    ...rangeTold(range, now),
    ...(await processUse(engine, scope, range)),
    database: await databaseSummary(engine, scope, range),
    trends: await trendFrames(engine, scope, stepped, trends),
    whole: whole.consumption,
    loop: whole.loop,
    routes: await routeConsumptions(engine, scope, range, keys, whole),
    jobs: await jobKinds(engine, scope, range),
    releases: await releasesWithin(sources, scope.service, range),
    complete: range.complete,
    notes: range.notes,
    page,
  };
}
