import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { CumulativeMetrics } from '../../packages/autopilot/src/expose/cumulative-metrics.ts';
import { Exposition } from '../../packages/autopilot/src/expose/exposition.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { routeOf, windowOf } from '../../test/support/windows.ts';
import type { BenchRow } from '../result.ts';

const SERIES = 10_000;
const FORMATS = {
  text: 'text/plain',
  OpenMetrics: 'application/openmetrics-text',
  protobuf: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
} as const;

/** What one scrape of 10,000 routes costs, by format, and what keeping their totals costs a second. */
export async function scrapeCost(): Promise<readonly BenchRow[]> {
  const metrics = new CumulativeMetrics({ route: SERIES });
  const series = Array.from({ length: SERIES }, (_, route) =>
    routeOf(
      `GET /route/${route}/:id`,
      Array.from({ length: 40 }, (_unused, at) => 0.5 + ((route + at * at * 7) % 300)),
    ),
  );
  metrics.add([windowOf(0, series)]);
  const before = process.cpuUsage();
  for (let second = 1; second <= 5; second++) metrics.add([windowOf(second * 1000, series)]);
  const { user, system } = process.cpuUsage(before);
  const rows: BenchRow[] = [{ what: 'adding one second of all', cpuMs: (user + system) / 5_000 }];
  const origin = { service: 'bench', instance: 'one', release: '1' };
  for (const [name, accept] of Object.entries(FORMATS)) {
    const exposition = new Exposition(systemClock);
    const scrape = (acceptEncoding: string | null) =>
      exposition.scrape({
        accept,
        acceptEncoding,
        sources: () => [{ origin, startedAt: 0, metrics, attributes: [] }],
      });
    await scrape(null);
    await sleep(600);
    const latest = { lateMs: 0, gcMs: 0 };
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) latest.gcMs = Math.max(latest.gcMs, duration);
    });
    observer.observe({ entryTypes: ['gc'] });
    let dueAt = performance.now() + 1;
    const timer = setInterval(() => {
      latest.lateMs = Math.max(latest.lateMs, performance.now() - dueAt);
      dueAt = performance.now() + 1;
    }, 1);
    const cpu = process.cpuUsage();
    const began = performance.now();
    const { body } = await scrape('gzip');
    const tookMs = performance.now() - began;
    const used = process.cpuUsage(cpu);
    clearInterval(timer);
    await sleep(600);
    observer.disconnect();
    const plain = (await scrape(null)).body.length;
    rows.push({
      what: `one scrape, ${name}`,
      cpuMs: (used.user + used.system) / 1_000,
      tookMs,
      longestBlockMs: latest.lateMs,
      longestGcMs: latest.gcMs,
      bytes: plain,
      gzipBytes: body.length,
    });
    await sleep(600);
  }
  return rows;
}
