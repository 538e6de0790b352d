/** What is pushed is what was measured, as OpenTelemetry's own packages read it; and a collector that fails harms nothing. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ExposedSource } from '../../packages/autopilot/src/expose/exposed-source.ts';
import { FleetMetrics } from '../../packages/autopilot/src/expose/fleet-metrics.ts';
import { OtlpPush } from '../../packages/autopilot/src/expose/otlp-push.ts';
import { type OtlpSettings, otlpSettings } from '../../packages/autopilot/src/expose/otlp-settings.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { busySecond } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import {
  type OtlpReceiver,
  type ReceivedMetric,
  type ReceivedPoint,
  startOtlpReceiver,
} from '../support/otlp-receiver.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);
const NOON = 1_700_000_000_000;
const SECRET = 'secret-of-the-collector';

function settingsFor({ url }: OtlpReceiver, more: Readonly<Record<string, string>> = {}): OtlpSettings {
  const settings = otlpSettings({
    AUTOPILOT_OTLP_ENDPOINT: `${url}/otel`,
    AUTOPILOT_OTLP_HEADERS: `x-api-key=${SECRET}%3D,x-team=shop`,
    ...more,
  });
  assert.ok(settings !== null);
  return settings;
}

interface World {
  readonly fleet: FleetMetrics;
  readonly push: OtlpPush;
  readonly clock: FakeClock;
  readonly trouble: string[];
}

function worldOf(receiver: OtlpReceiver, more: Readonly<Record<string, string>> = {}): World {
  const clock = new FakeClock(NOON);
  const fleet = new FleetMetrics({ clock });
  const trouble: string[] = [];
  const push = new OtlpPush({
    settings: settingsFor(receiver, more),
    clock,
    sources: (): readonly ExposedSource[] => fleet.sources(),
    onTrouble: (message) => trouble.push(message),
    retryMs: 5,
  });
  return { fleet, push, clock, trouble };
}

function pointOf(push: readonly ReceivedMetric[], name: string, instance: string, route = '/tasks'): ReceivedPoint {
  const metric = push.find((one) => one.name === name && one.resource['service.instance.id'] === instance);
  const point = metric?.points.find(({ attributes }) => attributes['http.route'] === route);
  assert.ok(point !== undefined, `${name} of ${instance}`);
  return point;
}

/** The value in the middle of the bucket where the rank falls, within the extremes, as a backend finds it. */
function quantileOf(
  { positive, count = 0, scale = 0, zeroCount = 0, min = 0, max = 0 }: ReceivedPoint,
  q: number,
): number {
  let seen = zeroCount;
  for (const [at, inBucket] of positive?.bucketCounts.entries() ?? []) {
    seen += inBucket;
    if (seen < Math.ceil(q * count)) continue;
    return Math.min(max, Math.max(min, 2 ** (((positive?.offset ?? 0) + at + 0.5) / 2 ** scale)));
  }
  return Number.NaN;
}

test('cumulative: counts, sums and quantiles are those that were measured, in base units', async () => {
  await using receiver = await startOtlpReceiver();
  const { fleet, push, clock } = worldOf(receiver);
  const values = Array.from({ length: 500 }, (_, at) => 0.2 + ((at * 37) % 400));
  fleet.add(originOf('web-1'), [busySecond(NOON), windowOf(NOON + 1000, [routeOf('GET /tasks', values)])]);
  fleet.add(originOf('web-2'), [busySecond(NOON)]);
  clock.advance(60_000);
  await push.push();
  const [received] = receiver.pushes;
  assert.ok(received !== undefined);
  assert.deepEqual(push.status, { takenAt: NOON + 60_000, trouble: null });
  const truth = new ExponentialHistogram();
  for (const value of [...values, 12, 15, 20, 40, 300]) truth.record(value);
  const point = pointOf(received, 'http.server.request.duration', 'web-1');
  assert.equal(point.count, 505);
  assert.ok(Math.abs((point.sum ?? 0) - truth.sum / 1000) < 1e-9);
  assert.equal(
    point.positive?.bucketCounts.reduce((sum, count) => sum + count, 0),
    505,
  );
  assert.equal(point.min, truth.min / 1000);
  assert.equal(point.max, truth.max / 1000);
  assert.equal(point.attributes['http.request.method'], 'GET');
  assert.equal(point.startTimeUnixNano, NOON * 1e6);
  assert.equal(point.timeUnixNano, (NOON + 60_000) * 1e6);
  for (const q of [0.1, 0.5, 0.9, 0.95, 0.99]) {
    const ours = truth.quantile(q) / 1000;
    assert.ok(Math.abs(quantileOf(point, q) / ours - 1) < 0.0028, `p${100 * q}: ${quantileOf(point, q)} and ${ours} s`);
  }
  assert.equal(pointOf(received, 'http.server.request.duration', 'web-2').count, 5);
  const cpu = received.find(({ name }) => name === 'process.cpu.time');
  assert.deepEqual([cpu?.kind, cpu?.unit, cpu?.temporality], ['sum', 's', 2]);
  assert.deepEqual(
    cpu?.points.map(({ attributes, asDouble }) => [attributes['cpu.mode'], asDouble]),
    [
      ['user', 0.2105],
      ['system', 0.031],
    ],
  );
  const memory = received.find(({ name }) => name === 'process.memory.usage');
  assert.deepEqual([memory?.kind, memory?.points[0]?.asDouble], ['gauge', 120e6]);
  assert.ok(!JSON.stringify(received).includes('select'));
  const [request] = receiver.requests;
  assert.equal(request?.path, '/otel/v1/metrics');
  assert.equal(request.headers['x-api-key'], `${SECRET}=`);
  assert.equal(request.headers['content-type'], 'application/x-protobuf');
  assert.equal(request.headers['content-encoding'], 'gzip');
});

test('delta: what came since the last push that was taken, also across pushes that were not', async () => {
  await using receiver = await startOtlpReceiver();
  const { fleet, push, clock, trouble } = worldOf(receiver, { AUTOPILOT_OTLP_TEMPORALITY: 'delta' });
  const second = (at: number): void => {
    fleet.add(originOf('web-1'), [windowOf(NOON + at * 1000, [routeOf('GET /tasks', [10, 20, 700 + at], 1)])]);
    clock.advance(1_000);
  };
  second(0);
  await push.push();
  receiver.answers.push({ status: 400 });
  second(1);
  await push.push();
  assert.match(trouble[0] ?? '', /answered with status 400/);
  second(2);
  await push.push();
  assert.match(trouble[1] ?? '', /again/);
  assert.equal(push.status.trouble, null);
  await push.push();
  const [first, next, last] = receiver.pushes;
  assert.ok(first && next && last);
  assert.equal(pointOf(first, 'http.server.request.duration', 'web-1').count, 3);
  const both = pointOf(next, 'http.server.request.duration', 'web-1');
  assert.equal(both.count, 6);
  assert.ok(Math.abs((both.sum ?? 0) - 1.463) < 1e-5);
  assert.equal(both.startTimeUnixNano, (NOON + 1_000) * 1e6);
  assert.equal(pointOf(next, 'http.server.request.errors', 'web-1').asDouble, 2);
  assert.deepEqual(
    last.flatMap(({ points }) => points),
    [],
    'nothing has come since',
  );
});

test('a busy collector is asked again, one that refuses is not; reasons name no secret', async () => {
  await using receiver = await startOtlpReceiver();
  const { fleet, push, trouble } = worldOf(receiver);
  fleet.add(originOf('web-1'), [busySecond(NOON)]);
  receiver.answers.push({ status: 503 }, { status: 429, headers: { 'retry-after': '0' } });
  await push.push();
  assert.deepEqual(
    receiver.requests.map(({ taken }) => taken),
    [false, false, true],
  );
  assert.deepEqual(trouble, []);
  receiver.answers.push({ status: 401 });
  await push.push();
  assert.equal(receiver.requests.length, 4);
  receiver.answers.push({ status: 307, headers: { location: 'http://127.0.0.1:1/elsewhere' } });
  await push.push();
  assert.equal(receiver.requests.length, 5);
  assert.match(push.status.trouble ?? '', /status 307/);
  receiver.answers.push(...Array.from({ length: 5 }, () => ({ status: 502 })));
  await push.push();
  assert.equal(receiver.requests.length, 10);
  const rejected = Buffer.from([0x0a, 0x08, 0x08, 0x05, 0x12, 0x04, ...Buffer.from('full')]);
  receiver.answers.push({ status: 200, body: rejected });
  await push.push();
  assert.equal(push.status.trouble, 'the collector rejected 5 points: full');
  assert.ok(!trouble.join().includes(SECRET));
});

test('without a collector it says why, and closing takes no longer than promised', async () => {
  const receiver = await startOtlpReceiver();
  const { fleet, push, trouble } = worldOf(receiver, { AUTOPILOT_OTLP_COMPRESSION: 'none' });
  fleet.add(originOf('web-1'), [busySecond(NOON)]);
  push.start();
  await push.close();
  assert.equal(receiver.pushes.length, 1);
  assert.deepEqual(trouble, []);
  await receiver[Symbol.asyncDispose]();
  const alone = worldOf(receiver);
  alone.fleet.add(originOf('web-1'), [busySecond(NOON)]);
  await alone.push.push();
  assert.match(alone.push.status.trouble ?? '', /could not be reached: .*ECONNREFUSED/);
  const before = performance.now();
  await alone.push.close();
  assert.ok(performance.now() - before < 3_000);
});

test('what the environment says wrongly is named, without its secrets', () => {
  const endpoint = { AUTOPILOT_OTLP_METRICS_ENDPOINT: 'https://collector:4318/exactly/here' };
  assert.equal(otlpSettings({}), null);
  assert.equal(otlpSettings(endpoint)?.endpoint.href, endpoint.AUTOPILOT_OTLP_METRICS_ENDPOINT);
  for (const wrong of [
    { AUTOPILOT_OTLP_ENDPOINT: 'collector:4318' },
    { AUTOPILOT_OTLP_ENDPOINT: `http://me:${SECRET}@collector:4318` },
    { ...endpoint, AUTOPILOT_OTLP_HEADERS: `x y=${SECRET}` },
    { ...endpoint, AUTOPILOT_OTLP_HEADERS: `x=${SECRET}%ZZ` },
    { ...endpoint, AUTOPILOT_OTLP_TEMPORALITY: 'both' },
    { ...endpoint, AUTOPILOT_OTLP_INTERVAL_MS: '5' },
    { ...endpoint, AUTOPILOT_OTLP_TIMEOUT_MS: 'soon' },
  ]) {
    assert.throws(
      () => otlpSettings(wrong),
      (error: Error & { code?: string }) => error.code === 'AP_ENVIRONMENT_INVALID' && !error.message.includes(SECRET),
    );
  }
});
