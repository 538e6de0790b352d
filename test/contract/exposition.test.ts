/** What /metrics promises on the control plane: every instance, in every format, to whoever may read. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Problem } from '../../packages/autopilot/src/contract/error-table.ts';
import { type ControlWorld, controlWorld, report, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

let world: ControlWorld;

before(async () => {
  world = await controlWorld();
  await report(world, world.link('one'), 20);
  await report(world, world.link('two'), 10);
  await report(world, world.link('three', 'billing'), 5);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});
leakCheck(after);

async function textOf(path: string, accept?: string): Promise<string> {
  const response = await world.get(path, {
    authorization: `Bearer ${TOKEN}`,
    ...(accept === undefined ? {} : { accept }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

async function codeOf(path: string, headers?: Readonly<Record<string, string>>): Promise<string> {
  const response = await world.get(path, headers);
  const { code } = (await response.json()) as Problem; // `as`: every refusal is one
  return code;
}

const instancesIn = (text: string): string[] =>
  [
    ...new Set(
      Array.from(text.matchAll(/service_name="(\w+)",instance="(\w+)"/g), ([, service, one]) => `${service}/${one}`),
    ),
  ].sort();

describe('GET /metrics of the control plane', () => {
  it('has every instance of every service, by label', async () => {
    const text = await textOf('/metrics');
    assert.deepEqual(instancesIn(text), ['billing/three', 'orders/one', 'orders/two']);
    // Five requests a second, twenty seconds.
    assert.match(
      text,
      /^http_server_request_duration_seconds_count\{service_name="orders",instance="one",http_request_method="GET",http_route="\/tasks"\} 100$/m,
    );
    assert.match(
      text,
      /^target_info\{service_name="orders",instance="one",service_instance_id="one",service_version="1.0.0"\} 1$/m,
    );
    assert.match(text, /^autopilot_series_overflow_total\{service_name="orders",instance="one",family="tenant"\} 40$/m);
    assert.match(
      text,
      /^autopilot_job_duration_seconds_count\{service_name="orders",instance="one",autopilot_job_kind="digest"\} 40$/m,
    );
    assert.ok(!text.includes('acme'), 'tenants are not asked for');
    assert.ok(!/select/i.test(text), 'no text of a statement leaves');
  });

  it('selects a service or an instance, and refuses what it does not know', async () => {
    assert.deepEqual(instancesIn(await textOf('/metrics?service=orders')), ['orders/one', 'orders/two']);
    assert.deepEqual(instancesIn(await textOf('/metrics?service=orders&instance=two')), ['orders/two']);
    assert.deepEqual(instancesIn(await textOf('/metrics?service=nobody')), []);
    assert.equal(await codeOf('/metrics?route=x'), 'AP_PARAMETER_UNKNOWN');
    assert.equal(await codeOf('/metrics?bucketsPerOctave=5'), 'AP_PARAMETER_INVALID');
  });

  it('is there as text/plain under /api/v1/performance/metrics too', async () => {
    const text = await textOf('/api/v1/performance/metrics', 'text/plain');
    assert.match(text, /^# TYPE http_server_request_duration_seconds histogram$/m);
    const scraper = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    assert.ok((await textOf('/api/v1/performance/metrics', scraper)).endsWith('# EOF\n'));
    const json = JSON.parse(await textOf('/api/v1/performance/metrics?kind=runtime')) as { kind: string }; // our own answer
    assert.equal(json.kind, 'runtime');
  });

  it('opens to tokens and signed principals that may read, and to nobody else', async () => {
    assert.equal(await codeOf('/metrics', {}), 'AP_UNAUTHENTICATED');
    assert.equal(await codeOf('/metrics', { authorization: 'Bearer wrong' }), 'AP_UNAUTHENTICATED');
    assert.equal((await world.getAs({ id: 'ada', scopes: ['read'] }, '/metrics')).status, 200);
    assert.equal((await world.getAs({ id: 'ada', scopes: [] }, '/metrics')).status, 403);
  });

  it('answers in a format that was asked for, or says which there are', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await world.get('/metrics', {
      ...headers,
      accept: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
      'accept-encoding': 'gzip',
    });
    assert.match(
      response.headers.get('content-type') ?? '',
      /^application\/vnd\.google\.protobuf; proto=io\.prometheus/,
    );
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.equal(await codeOf('/metrics', { ...headers, accept: 'application/json' }), 'AP_NOT_ACCEPTABLE');
  });
});

it('tenants are told apart where that is asked for, as many as may be', async () => {
  await using open = await controlWorld({ exposedTenants: 1 });
  await report(open, open.link('one'), 3);
  const text = await (await open.get('/metrics')).text();
  assert.match(text, /^autopilot_tenant_request_duration_seconds_count\{.*tenant="acme"\} 6$/m);
});
