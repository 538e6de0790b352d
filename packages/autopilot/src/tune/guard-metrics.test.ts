import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GuardMetrics, type RouteVitals, type ServiceVitals } from './guard-metrics.ts';

const list: RouteVitals = { requests: 400, errorRatio: 0, meanMs: 10, p99Ms: 60 };
const report: RouteVitals = { requests: 100, errorRatio: 0.005, meanMs: 100, p99Ms: 200 };
const usual: ServiceVitals = {
  durationMs: 10_000,
  requests: 500,
  errorRatio: 0.001,
  p99Ms: 150,
  active: 2,
  cpuBusy: 0.5,
  rssBytes: 2e8,
  processes: 1,
  routes: { list, report },
};
const guards = new GuardMetrics([usual, usual, usual]);

/** What is said of a stretch that comes twice; one alone is an accident. */
function twice(bad: Partial<ServiceVitals>): string | null {
  const now = { ...usual, ...bad };
  assert.equal(guards.trouble([usual, now]), null, 'once is an accident');
  return guards.trouble([now, now]);
}

test('what stays as it was is no trouble, and without a time before nothing is said', () => {
  assert.equal(guards.trouble([usual, usual]), null);
  const failing = { ...usual, errorRatio: 1 };
  assert.equal(new GuardMetrics([usual]).trouble([failing, failing]), null);
  assert.equal(guards.trouble([null, null]), null);
});

test('errors and p99 are a reason to go at once, with what was measured', () => {
  assert.match(twice({ errorRatio: 0.5 }) ?? '', /Errors rose from 0\.1 % .* 50\.0 %/);
  assert.match(
    twice({ p99Ms: 900, routes: { list: { ...list, p99Ms: 900 }, report } }) ?? '',
    /p99 .* 900\.0 ms; .* 150\.0 ms .* list most of all: 900\.0 ms after 60\.0 ms/,
  );
  assert.equal(twice({ errorRatio: 0.5, requests: 3 }), null, 'three requests are no share');
});

test('more calls of a slow and failing route are no harm: each route is compared with itself', () => {
  const shifted = {
    routes: { list: { ...list, requests: 10 }, report: { ...report, requests: 490, errorRatio: 0.02, p99Ms: 480 } },
    errorRatio: 0.0196,
    p99Ms: 480,
  };
  assert.equal(twice(shifted), null);
  assert.match(
    twice({ ...shifted, errorRatio: 0.1, routes: { report: { ...report, requests: 490, errorRatio: 0.1 } } }) ?? '',
    /Errors/,
  );
});

test('fewer requests are harm when each takes longer or they wait, and no harm when people go home', () => {
  const home = { requests: 150, routes: { list: { ...list, requests: 120 }, report: { ...report, requests: 30 } } };
  assert.equal(twice(home), null);
  const slow = { list: { ...list, requests: 120, meanMs: 40 }, report: { ...report, requests: 30, meanMs: 300 } };
  assert.match(
    twice({ ...home, routes: slow }) ?? '',
    /Fewer requests get through: 15\.0 a second, at least 50\.0 .* times/,
  );
  assert.match(twice({ requests: 0, errorRatio: null, p99Ms: null, routes: {}, active: 40 }) ?? '', /40 are under way/);
});

test('a processor that does twice the work for the same requests, and memory that doubles, are harm', () => {
  assert.match(twice({ cpuBusy: 1.2 }) ?? '', /24\.0 ms of the processor; .* 10\.0 ms/);
  assert.equal(twice({ cpuBusy: 0.5, requests: 100, active: 1 }), null, 'what a process does besides weighs more then');
  const dear = { cpuBusy: 1.1, routes: { list: { ...list, requests: 100 }, report: { ...report, requests: 400 } } };
  assert.equal(twice(dear), null, 'a mix of dearer routes takes more of it');
  assert.match(twice({ rssBytes: 9e8 }) ?? '', /holds 900 MB; .* 200 MB/);
  assert.equal(twice({ rssBytes: 9e8, processes: 4 }), null, 'four processes hold four times as much');
});

test('a mix of the same routes, each as it was, is never trouble, whatever the mix', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 1_000 }), (lists, reports) => {
      const requests = lists + reports;
      const now: ServiceVitals = {
        ...usual,
        requests,
        errorRatio: requests === 0 ? null : (reports * 0.005) / requests,
        p99Ms: requests === 0 ? null : reports > lists / 50 ? 200 : 60,
        cpuBusy: (lists * 10 + reports * 100) / 28_000,
        routes: { list: { ...list, requests: lists }, report: { ...report, requests: reports } },
      };
      assert.equal(guards.trouble([now, now]), null);
    }),
  );
});
