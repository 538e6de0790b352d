/** A real Prometheus server reads what we expose: the same counts and quantiles, counters that never go back. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteList, RouteRow } from '../../packages/autopilot/src/contract/performance.ts';
import { type HostApplication, startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import {
  type Prometheus,
  promtoolCheck,
  type ScrapeJob,
  skipWithoutPrometheus,
  startPrometheus,
} from '../support/prometheus.ts';
import { until } from '../support/until.ts';

const TRAFFIC_MS = 8_000;
const ROUTE = '{http_route="/block",job="application"}';
/** What our quantiles may be off by, and the width of the buckets in which native histograms leave: 2^(1/256). */
const NATIVE_ERROR = 0.0028;
/** The width of a classic bucket at 16 an octave. */
const CLASSIC_ERROR = 2 ** (1 / 16) - 1;

describe('prometheus', { skip: skipWithoutPrometheus() }, () => {
  let application: HostApplication;
  let classic: Prometheus;
  let native: Prometheus;
  let sent = 0;
  let startedAt: string;
  const stack = new AsyncDisposableStack();

  before(async () => {
    startedAt = new Date().toISOString();
    application = stack.use(await startHostApplication());
    const { url, controlPlaneUrl, token } = application;
    const jobs: readonly ScrapeJob[] = [
      { name: 'application', url: `${url}/metrics`, token, parameters: { bucketsPerOctave: '16' } },
      { name: 'fleet', url: `${controlPlaneUrl}/metrics`, token, honorLabels: true },
      { name: 'api', url: `${controlPlaneUrl}/api/v1/performance/metrics`, token, honorLabels: true },
    ];
    [classic, native] = await Promise.all([startPrometheus(jobs, false), startPrometheus(jobs, true)]);
    stack.use(classic);
    stack.use(native);
    const endsAt = performance.now() + TRAFFIC_MS;
    while (performance.now() < endsAt) {
      // Durations over two orders of magnitude, the long ones seldom.
      const ms = sent % 50 === 0 ? 60 : (sent * 7) % 11;
      const response = await fetch(`${url}/block?ms=${ms}`);
      await response.arrayBuffer();
      sent++;
      await sleep(5);
    }
    // The last window closes within a second, is linked in another, and scraped in a third.
    await until(
      30_000,
      () => Promise.all(jobs.flatMap(({ name }) => [countIn(classic, name), countIn(native, name)])),
      (counts) => counts.every((count) => count === sent),
    );
  });
  after(async () => {
    await stack.disposeAsync();
  });
  leakCheck(after);

  /** Requests that a server knows of from one of its jobs; undefined: none yet. */
  async function countIn(server: Prometheus, job: string): Promise<number | undefined> {
    const name = 'http_server_request_duration_seconds';
    const of = `{http_route="/block",job="${job}"}`;
    const [series] = await server.query(server === native ? `histogram_count(${name}${of})` : `${name}_count${of}`);
    return series?.value;
  }

  /** Ours, over everything that was measured. */
  async function ours(): Promise<RouteRow> {
    const search = new URLSearchParams({ route: 'GET /block', from: startedAt });
    const response = await fetch(`${application.controlPlaneUrl}/api/v1/performance/routes?${search.toString()}`, {
      headers: { authorization: `Bearer ${application.token}` },
    });
    const { routes: rows } = (await response.json()) as RouteList; // our own answer
    assert.ok(rows[0] !== undefined, 'the route was measured');
    return rows[0];
  }

  async function one(server: Prometheus, expression: string): Promise<number> {
    const series = await server.query(expression);
    assert.equal(series.length, 1, `${expression} has ${series.length} series`);
    return series[0]?.value ?? Number.NaN;
  }

  it('takes every scrape', async () => {
    for (const server of [classic, native]) {
      assert.deepEqual(await server.scrapeErrors(), ['', '', '']);
      assert.equal(await one(server, 'min(min_over_time(up[15s]))'), 1);
    }
  });

  it('counts what the driver sent, on the application and on the control plane', async () => {
    for (const job of ['application', 'fleet', 'api']) {
      assert.equal(await countIn(classic, job), sent);
      assert.equal(await countIn(native, job), sent);
    }
    const [target] = await native.query('target_info{job="fleet"}');
    assert.equal(target?.metric['service_name'], 'host');
    assert.equal(target?.metric['instance'], target?.metric['service_instance_id']);
  });

  it('finds our quantiles within the error of a bucket', async () => {
    const row = await ours();
    assert.equal(row.requests, sent);
    for (const [q, ourMs] of [
      [0.5, row.p50Ms],
      [0.95, row.p95Ms],
      [0.99, row.p99Ms],
    ] as const) {
      assert.ok(ourMs !== null);
      const nativeMs =
        1000 * (await one(native, `histogram_quantile(${q}, http_server_request_duration_seconds${ROUTE})`));
      assert.ok(Math.abs(nativeMs / ourMs - 1) <= NATIVE_ERROR, `native p${100 * q}: ${nativeMs} and ${ourMs} ms`);
      const expression = `histogram_quantile(${q}, http_server_request_duration_seconds_bucket${ROUTE})`;
      const classicMs = 1000 * (await one(classic, expression));
      assert.ok(Math.abs(classicMs / ourMs - 1) <= CLASSIC_ERROR, `classic p${100 * q}: ${classicMs} and ${ourMs} ms`);
    }
  });

  it('never sees a counter go back', async () => {
    for (const server of [classic, native]) {
      const names = (await server.names()).filter((name) => /_(total|count|sum|bucket)$/.test(name));
      assert.ok(names.length >= (server === native ? 5 : 12), names.join(' '));
      for (const name of names) assert.deepEqual(await server.query(`resets(${name}[2m]) > 0`), [], name);
    }
    assert.deepEqual(await native.query('resets(http_server_request_duration_seconds[2m]) > 0'), []);
  });

  it('has nothing to object to, says promtool', async () => {
    const { url, controlPlaneUrl, token } = application;
    for (const address of [`${url}/metrics`, `${controlPlaneUrl}/metrics`]) {
      const response = await fetch(address, { headers: { authorization: `Bearer ${token}`, accept: 'text/plain' } });
      assert.equal(await promtoolCheck(await response.text()), '');
    }
  });
});
