import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { gaugeOf, histogramOf, originOf, routeOf, seriesOf, windowOf } from '../../../../test/support/windows.ts';
import { exposedMetrics, prometheusName } from '../contract/exposition.ts';
import { FakeClock } from '../kernel/clock.ts';
import { CumulativeMetrics } from './cumulative-metrics.ts';
import type { ExposedSource } from './exposed-source.ts';
import { Exposition } from './exposition.ts';
import { acceptedFormat } from './exposition-format.ts';

function source(): ExposedSource {
  const metrics = new CumulativeMetrics();
  metrics.add([
    windowOf(0, [
      routeOf('GET /a', [0.3, 1, 1.5, 100_000], 1),
      seriesOf('pool', 'main', { size: gaugeOf(5), idle: gaugeOf(2) }, { database: 'shop' }),
      seriesOf('runtime', 'process', { cpuUserMs: 1500, gcMs: histogramOf([2]) }),
    ]),
  ]);
  return { origin: originOf('web-1'), startedAt: 1_700_000_000_123, metrics, attributes: [] };
}

async function textOf(accept: string, density = 1): Promise<string> {
  const exposition = new Exposition(new FakeClock(0));
  const { body } = await exposition.scrape({ accept, acceptEncoding: null, density, sources: () => [source()] });
  return new TextDecoder().decode(body);
}

test('the text format: base units, cumulative buckets on exact powers, only metrics that have a series', async () => {
  const text = await textOf('text/plain');
  const lines = text.split('\n');
  const of = (start: string): string[] => lines.filter((line) => line.startsWith(start));
  const route = '{http_request_method="GET",http_route="/a"';
  assert.deepEqual(of('http_server_request_duration_seconds_bucket').slice(0, 4), [
    `http_server_request_duration_seconds_bucket${route},le="0.0005"} 1`,
    `http_server_request_duration_seconds_bucket${route},le="0.001"} 2`,
    `http_server_request_duration_seconds_bucket${route},le="0.002"} 3`,
    `http_server_request_duration_seconds_bucket${route},le="0.004"} 3`,
  ]);
  assert.deepEqual(of('http_server_request_duration_seconds_bucket').slice(-2), [
    `http_server_request_duration_seconds_bucket${route},le="16.384"} 3`,
    `http_server_request_duration_seconds_bucket${route},le="+Inf"} 4`,
  ]);
  assert.deepEqual(of('http_server_request_duration_seconds_count'), [
    `http_server_request_duration_seconds_count${route}} 4`,
  ]);
  assert.deepEqual(of('http_server_request_errors_total'), [
    `http_server_request_errors_total${route},error_type="5xx"} 1`,
    `http_server_request_errors_total${route},error_type="4xx"} 0`,
    `http_server_request_errors_total${route},error_type="aborted"} 0`,
  ]);
  const pool = '{db_namespace="shop",db_client_connection_pool_name="main"';
  assert.deepEqual(of('db_client_connection_count'), [
    `db_client_connection_count${pool},db_client_connection_state="used"} 3`,
    `db_client_connection_count${pool},db_client_connection_state="idle"} 2`,
  ]);
  assert.deepEqual(of('process_cpu_time_seconds_total'), [
    'process_cpu_time_seconds_total{cpu_mode="user"} 1.5',
    'process_cpu_time_seconds_total{cpu_mode="system"} 0',
  ]);
  assert.deepEqual(of('v8js_gc_duration_seconds_sum'), ['v8js_gc_duration_seconds_sum 0.002']);
  assert.deepEqual(of('target_info'), [
    'target_info{service_name="orders",service_instance_id="web-1",service_version="1.0.0"} 1',
  ]);
  assert.ok(!text.includes('db_client_operation'), 'nothing was measured of statements');
  assert.ok(!text.includes('_created') && !text.includes('# EOF'));
});

test('OpenMetrics: families without the ending of a counter, units, when it began, and an end', async () => {
  const text = await textOf('application/openmetrics-text; version=1.0.0');
  assert.match(text, /^# TYPE process_cpu_time_seconds counter\n# UNIT process_cpu_time_seconds seconds$/m);
  assert.match(text, /^process_cpu_time_seconds_created\{cpu_mode="user"\} 1700000000.123$/m);
  assert.match(text, /^http_server_request_duration_seconds_created\{.*\} 1700000000.123$/m);
  assert.match(text, /^# TYPE target info$/m);
  assert.ok(text.endsWith('# EOF\n'));
});

test('names: conventional, one each, with the unit at their end', () => {
  const names = exposedMetrics.map(prometheusName);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z][a-z0-9_]*[a-z0-9]$/);
  assert.ok(names.includes('http_server_request_duration_seconds'));
  assert.ok(names.includes('nodejs_eventloop_utilization_ratio'));
});

test('who accepts what gets which format', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const native =
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const third =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  assert.equal(acceptedFormat(prometheus), 'openmetrics');
  assert.equal(acceptedFormat(native), 'protobuf');
  assert.equal(acceptedFormat(third), 'openmetrics');
  assert.equal(acceptedFormat(null), 'text');
  assert.equal(acceptedFormat('*/*'), 'text');
  assert.equal(acceptedFormat('text/*'), 'text');
  assert.equal(acceptedFormat('application/openmetrics-text, text/plain'), 'openmetrics');
  assert.equal(acceptedFormat('text/plain;version=0.0.4, application/openmetrics-text'), 'text');
  assert.equal(acceptedFormat('application/vnd.google.protobuf;proto=other;encoding=delimited'), null);
  assert.equal(acceptedFormat('application/json'), null);
  assert.equal(acceptedFormat('text/plain;q=0'), null);
});

test('equal scrapes share one answer, which gzip may carry; too many different ones are refused', async () => {
  const clock = new FakeClock(0);
  const exposition = new Exposition(clock);
  let written = 0;
  const sources = (): ExposedSource[] => {
    written++;
    return [source()];
  };
  const ask = (key: string, acceptEncoding: string | null = null) =>
    exposition.scrape({ accept: null, acceptEncoding, key, sources });
  const [one, two] = await Promise.all([ask('a'), ask('a')]);
  assert.equal(one, two);
  assert.equal(written, 1);
  const packed = await ask('a', 'deflate;q=0.5, gzip');
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.deepEqual(new Uint8Array(gunzipSync(packed.body)), one.body);
  clock.advance(500);
  await ask('a');
  assert.equal(written, 3);
  const many = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => ask(`key ${at}`)));
  const refused = many.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 12);
  await assert.rejects(exposition.scrape({ accept: 'image/png', acceptEncoding: null, sources }), {
    code: 'AP_NOT_ACCEPTABLE',
  });
  await assert.rejects(exposition.scrape({ accept: null, acceptEncoding: null, density: 3, sources }), {
    code: 'AP_PARAMETER_INVALID',
  });
});
