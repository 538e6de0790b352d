import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gaugeOf, histogramOf, originOf, routeOf, seriesOf, windowOf } from '../../../../test/support/windows.ts';
import type { ExposedFamily } from '../contract/exposition.ts';
import { FakeClock } from '../kernel/clock.ts';
import { CumulativeMetrics, labelsOf, tenantLimitOf } from './cumulative-metrics.ts';
import { FleetMetrics } from './fleet-metrics.ts';

function names(metrics: CumulativeMetrics, family: ExposedFamily): string[] {
  return Array.from(metrics.series(family), ({ labels }) => labels);
}

test('windows add up; gauges keep the newest; tenants stay out unless asked for', () => {
  const metrics = new CumulativeMetrics();
  const pool = (size: number) => seriesOf('pool', 'main', { size: gaugeOf(size) }, { database: 'shop' });
  const tenant = seriesOf('tenant', 'acme', { requests: 1 });
  metrics.add([windowOf(2000, [routeOf('GET /a', [10, 20], 1), pool(7), tenant])]);
  metrics.add([windowOf(1000, [routeOf('GET /a', [30]), pool(3)])]);
  const [route] = metrics.series('route');
  assert.equal(route?.labels, 'http_request_method="GET",http_route="/a"');
  assert.equal(route.number('requests'), 3);
  assert.equal(route.histogram('durationMs')?.count, 3);
  assert.equal(route.histogram('durationMs')?.sum, 60);
  const [main] = metrics.series('pool');
  assert.equal(main?.labels, 'db_namespace="shop",db_client_connection_pool_name="main"');
  assert.equal(main.number('size'), 7);
  assert.deepEqual(names(metrics, 'tenant'), []);
  assert.equal(tenantLimitOf(undefined), 0);
  assert.equal(tenantLimitOf('50'), 50);
  assert.throws(() => tenantLimitOf('all'), { code: 'AP_ENVIRONMENT_INVALID' });
});

test('whatever comes in whatever order, no counter goes back and nothing is lost or kept beyond the limits', () => {
  const window = fc.array(
    fc.record({
      key: fc.integer({ min: 0, max: 12 }),
      values: fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 }),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(fc.array(window, { maxLength: 20 }), (windows) => {
      const metrics = new CumulativeMetrics({ route: 5 });
      const before = new Map<string, number>();
      let requests = 0;
      windows.forEach((series, second) => {
        metrics.add([
          windowOf(
            second * 1000,
            series.map(({ key, values }) => routeOf(`GET /${key}`, values)),
          ),
        ]);
        for (const { values } of series) requests += values.length;
        let total = 0;
        for (const one of metrics.series('route')) {
          const count = one.histogram('durationMs')?.count ?? 0;
          assert.ok(count >= (before.get(one.labels) ?? 0));
          before.set(one.labels, count);
          total += count;
        }
        assert.equal(total, requests);
        assert.ok(
          [...before.keys()].every((name) => names(metrics, 'route').includes(name)),
          'a series went away',
        );
      });
      assert.ok(before.size <= 6);
    }),
  );
});

test('what is full is counted, and what can not be read is left out', () => {
  const metrics = new CumulativeMetrics({ statement: 1 });
  const calls = (key: string, more: object = {}) =>
    seriesOf('statement', key, { calls: 4, durationMs: histogramOf([1]), ...more }, { database: 'shop' });
  metrics.add([windowOf(0, [calls('a'), calls('b')], { overflow: { statement: 2, tenant: 1 } })]);
  assert.deepEqual(names(metrics, 'statement'), [
    'db_namespace="shop",db_statement_id="a"',
    'db_namespace="shop",db_statement_id="(other)"',
  ]);
  const overflow = Object.fromEntries(
    Array.from(metrics.series('overflow'), (one) => [one.labels, one.number('observations')]),
  );
  assert.deepEqual(overflow, { 'family="statement"': 6, 'family="tenant"': 1 });
  metrics.add([windowOf(1000, [calls('a', { calls: -3, errors: Number.NaN, durationMs: new Uint8Array([9, 9]) })])]);
  const [first] = metrics.series('statement');
  assert.equal(first?.number('calls'), 4);
  assert.equal(first.number('errors'), undefined);
  assert.equal(first.histogram('durationMs')?.count, 1);
});

test('labels are escaped, and always text that UTF-8 can carry', () => {
  assert.equal(labelsOf([['a.b', 'x"y\\z\n']]), 'a_b="x\\"y\\\\z\\n"');
  const metrics = new CumulativeMetrics();
  metrics.add([windowOf(0, [routeOf('GET /\ud800', [1])])]);
  assert.deepEqual(names(metrics, 'route'), ['http_request_method="GET",http_route="/\ufffd"']);
});

test('a fleet: windows sent again count once, a new release begins at zero, who is gone is forgotten', () => {
  const clock = new FakeClock(1_700_000_000_000);
  const fleet = new FleetMetrics({ clock, maxSeries: 3 });
  const requests = (): number[] =>
    fleet
      .sources()
      .map(({ metrics }) => [...metrics.series('route')].reduce((sum, one) => sum + (one.number('requests') ?? 0), 0));
  const sent = [windowOf(1000, [routeOf('GET /a', [1, 2])]), windowOf(2000, [routeOf('GET /b', [3])])];
  fleet.add(originOf('web-1'), sent);
  fleet.add(originOf('web-1'), sent);
  assert.deepEqual(requests(), [3]);
  fleet.add(originOf('web-2'), [windowOf(1000, [routeOf('GET /a', [1]), routeOf('GET /c', [1])])]);
  assert.deepEqual(requests(), [3, 2]);
  // Three series are the most: the fourth went into "(other)".
  assert.deepEqual(
    fleet.sources({ instance: 'web-2' }).map(({ metrics }) => names(metrics, 'route').at(-1)),
    ['http_request_method="_OTHER",http_route="(other)"'],
  );
  assert.deepEqual(fleet.sources({ service: 'other' }), []);
  fleet.add({ ...originOf('web-1'), release: '2.0.0' }, [windowOf(9000, [routeOf('GET /a', [1])])]);
  assert.deepEqual(
    requests().toSorted((a, b) => a - b),
    [1, 2],
  );
  clock.advance(5 * 60_000 + 1);
  assert.deepEqual(fleet.sources(), []);
});
