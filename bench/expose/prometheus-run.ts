import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteList } from '../../packages/autopilot/src/contract/performance.ts';
import { startHostApplication } from '../../test/support/host-application.ts';
import { type Prometheus, startPrometheus } from '../../test/support/prometheus.ts';
import type { BenchRow } from '../result.ts';

const NAME = 'http_server_request_duration_seconds';
const QUANTILES = [0.5, 0.9, 0.95, 0.99, 0.999] as const;

/** What two Prometheus servers found of an application under load, one by classic buckets and one by native histograms. */
export interface PrometheusRun {
  readonly rows: readonly BenchRow[];
  readonly largestNativeError: number;
  readonly largestClassicError: number;
  /** Series of counters that went back, and scrapes that failed. */
  readonly resets: number;
  readonly failedScrapes: number;
  readonly scrapes: number;
  readonly requests: number;
  /** Requests that either server counted more or fewer of than were sent. */
  readonly miscounted: number;
}

/** Loads an application for `seconds`, scraped once a second by both, and compares. */
export async function prometheusRun(seconds: number, log: (line: string) => void): Promise<PrometheusRun> {
  const from = new Date().toISOString();
  await using application = await startHostApplication();
  const { url, controlPlaneUrl, token } = application;
  const jobs = [
    { name: 'application', url: `${url}/metrics`, token, parameters: { bucketsPerOctave: '16' } },
    { name: 'fleet', url: `${controlPlaneUrl}/metrics`, token, honorLabels: true },
  ];
  await using classic = await startPrometheus(jobs, false);
  await using native = await startPrometheus(jobs, true);
  let requests = 0;
  const endsAt = performance.now() + 1_000 * seconds;
  for (let told = 0; performance.now() < endsAt; requests++) {
    const ms = requests % 100 === 0 ? 120 : requests % 20 === 0 ? 35 : (requests * 7) % 13;
    await (await fetch(`${url}/block?ms=${ms}`)).arrayBuffer();
    await sleep(5);
    if (performance.now() - told < 60_000) continue;
    told = performance.now();
    log(`${Math.round((endsAt - told) / 1_000)} s to go, ${requests} requests sent`);
  }
  await sleep(4_000);
  const one = async (server: Prometheus, expression: string): Promise<number> =>
    (await server.query(expression))[0]?.value ?? Number.NaN;
  const answer = await fetch(
    `${controlPlaneUrl}/api/v1/performance/routes?${new URLSearchParams({ route: 'GET /block', from }).toString()}`,
    { headers: { authorization: `Bearer ${token}` } },
  );
  const row = ((await answer.json()) as RouteList).routes[0]; // our own answer
  const ours = new Map<number, number | null | undefined>([
    [0.5, row?.p50Ms],
    [0.95, row?.p95Ms],
    [0.99, row?.p99Ms],
  ]);
  const of = '{http_route="/block",job="application"}';
  const rows: BenchRow[] = [];
  for (const q of QUANTILES) {
    const nativeMs = 1_000 * (await one(native, `histogram_quantile(${q}, ${NAME}${of})`));
    const classicMs = 1_000 * (await one(classic, `histogram_quantile(${q}, ${NAME}_bucket${of})`));
    const oursMs = ours.get(q) ?? null;
    rows.push({ what: `p${100 * q}`, oursMs, nativeMs, classicMs });
  }
  const errorOf = (column: 'nativeMs' | 'classicMs'): number =>
    Math.max(
      ...rows.flatMap(({ oursMs, [column]: theirs }) =>
        typeof oursMs === 'number' && typeof theirs === 'number' ? [Math.abs(theirs / oursMs - 1)] : [],
      ),
    );
  let resets = 0;
  let failedScrapes = 0;
  let scrapes = 0;
  const range = `[${seconds + 30}s]`;
  for (const server of [classic, native]) {
    // Prometheus adds a gauge of its own, scrape_duration_seconds.
    const names = (await server.names()).filter((name) =>
      /^(?!scrape_).*_(total|count|sum|bucket|seconds)$/.test(name),
    );
    for (const name of names) resets += (await server.query(`resets(${name}${range}) > 0`)).length;
    for (const { value } of await server.query(`count_over_time(up${range})`)) scrapes += value;
    for (const { value } of await server.query(`sum_over_time((1 - up)${range.replace(']', ':1s]')})`))
      failedScrapes += value;
  }
  const counts = [
    await one(classic, `${NAME}_count${of}`),
    await one(native, `histogram_count(${NAME}${of})`),
    await one(native, `histogram_count(${NAME}{http_route="/block",job="fleet"})`),
  ];
  return {
    rows,
    largestNativeError: errorOf('nativeMs'),
    largestClassicError: errorOf('classicMs'),
    resets,
    failedScrapes,
    scrapes,
    requests,
    miscounted: Math.max(...counts.map((count) => Math.abs(count - requests))),
  };
}
