import type { EpochMs } from '../../kernel/clock.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { ServiceVitals } from '../../tune/guard-metrics.ts';

/** The last windows have to close and to arrive: without them there would seem to be less traffic. */
export const ARRIVAL_MS = 2_000;
/** Routes that are looked at one by one: those most asked for. */
const ROUTES = 20;

/** How a service, or one instance of it, did over the last so many ms, as far as it is heard of by now; null: nothing was. */
export async function serviceVitals(
  engine: QueryEngine,
  service: string,
  now: EpochMs,
  durationMs: number,
  processes: number,
  instance?: string,
): Promise<ServiceVitals | null> {
  const to = now - ARRIVAL_MS;
  const range = { from: to - durationMs, to, complete: true, notes: [] };
  const of = { service, ...(instance === undefined ? {} : { instance }) };
  const routes = { ...of, family: 'route' } as const;
  const whole = await engine.summary(routes, range, ['requests', 'errorRatio', 'p99Ms']);
  const runtime = await engine.summary({ ...of, family: 'runtime' }, range, ['cpuBusy', 'rssBytes', 'activeRequests']);
  const requests = whole.values.requests ?? 0;
  if (requests === 0 && runtime.values.cpuBusy === null) return null;
  const names = (await engine.top(routes, range, 'requests', ROUTES)).map(({ series }) => series.key);
  const rows = await engine.rows(routes, range, names, ['requests', 'errorRatio', 'meanMs', 'p99Ms']);
  const { cpuBusy, rssBytes, activeRequests: active } = runtime.values;
  const { errorRatio, p99Ms } = whole.values;
  return {
    durationMs,
    requests,
    errorRatio,
    p99Ms,
    active,
    cpuBusy,
    rssBytes,
    processes,
    routes: Object.fromEntries(
      rows.map(({ series, values }) => [series.key, { ...values, requests: values.requests ?? 0 }]),
    ),
  };
}
