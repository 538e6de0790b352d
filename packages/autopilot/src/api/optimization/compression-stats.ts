import type { CompressionStats, CompressionStatsQuery } from '../../contract/compression-stats.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { compressionUse, type ServiceCompression } from '../../query/compression-use.ts';
import { steppedRange, type TimeRange } from '../../query/time-range.ts';
import { rangeTold, rankedPage } from '../performance/ranked-list.ts';
import { type PerformanceSources, scopeOf } from '../performance/sources.ts';

const LOOK_BACK_MS = 5 * 60_000;
const TREND = ['compressionInRate', 'compressionOutRate', 'compressionBusy'] as const;

/** GET /optimization/compression-stats */
export async function getCompressionStats(
  sources: PerformanceSources,
  query: CompressionStatsQuery,
): Promise<CompressionStats> {
  const { engine } = sources;
  const scope = scopeOf(sources, query);
  const subject = { ...scope, family: 'compression' } as const;
  const { from, to, limit, cursor } = query;
  let found: ServiceCompression | undefined;
  const { keys, page, range, extent, now } = await rankedPage(sources, {
    subject,
    // By the bytes of a route, which no series has alone.
    ranking: { measure: 'compressionBytesIn' },
    places: async (within) => {
      found = await compressionUse(engine, scope, within);
      return found.routes.map(({ route, totals }) => ({ key: route, value: totals.bytesIn }));
    },
    keyName: 'route',
    lookBackMs: LOOK_BACK_MS,
    from,
    to,
    limit,
    cursor,
    filter: { ...scope, list: 'compression', from, to },
  });
  const { whole, routes } = found ?? (await compressionUse(engine, scope, range));
  const byRoute = new Map(routes.map((route) => [route.route, route]));
  const { overflow } = await engine.summary(subject, range, ['compressionAnswers']);
  const stepped = steppedRange(bounds(range, now), LOOK_BACK_MS, extent, now);
  return {
    service: scope.service,
    ...rangeTold(range, now),
    whole: whole.totals,
    codings: whole.codings,
    reasons: whole.reasons,
    routes: keys.flatMap((route) => {
      const use = byRoute.get(route);
      return use === undefined ? [] : [{ route, ...use.totals, codings: use.codings, reasons: use.reasons }];
    }),
    trend: await engine.frame(subject, null, stepped, TREND),
    overflow: overflow['compression'] ?? 0,
    complete: range.complete,
    notes: range.notes,
    page,
  };
}

function bounds({ from, to }: TimeRange, now: EpochMs): { readonly from: EpochMs; readonly to: EpochMs } {
  return { from, to: Math.min(to, now) };
}
