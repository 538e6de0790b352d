import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metrics } from '../../contract/metrics.ts';
import type { Family } from '../../contract/series.ts';
import { families } from '../cell-accumulator.ts';
import { familyNumbers, familyOf, metricNames } from './stored-names.ts';

test('every metric has a number', () => {
  for (const family of families) {
    const missing = Object.keys(metrics[family]).filter((name) => !metricNames[family].includes(name));
    assert.deepEqual(missing, [], `add them at the end of metricNames.${family}`);
    assert.equal(new Set(metricNames[family]).size, metricNames[family].length);
  }
});

test('a number that was released means the same for ever', () => {
  // Written down a second time on purpose. Add to the ends only.
  const released: Readonly<Record<Family, string>> = {
    route: 'requests errors clientErrors aborted durationMs bytesSent databaseCalls databaseMs',
    tenant: 'requests errors clientErrors aborted durationMs bytesSent databaseCalls databaseMs',
    statement: 'calls errors rows durationMs',
    'route-statement': 'calls totalMs',
    pool: 'size idle waiting max acquired failed waitMs useMs',
    runtime:
      'eventLoopDelayMs eventLoopUtilization cpuUserMs cpuSystemMs rssBytes heapUsedBytes heapLimitBytes externalBytes gcMs activeRequests',
    job: 'runs failures retries durationMs waitMs databaseCalls databaseMs',
    compression: 'answers bytesIn bytesOut cpuMs addedMs',
    test: 'requests errors clientErrors aborted durationMs bytesSent databaseCalls databaseMs',
  };
  for (const family of families) {
    const names = released[family].split(' ');
    assert.deepEqual(metricNames[family].slice(0, names.length), names);
  }
  assert.deepEqual(familyNumbers, {
    route: 1,
    tenant: 2,
    statement: 3,
    'route-statement': 4,
    pool: 5,
    runtime: 6,
    job: 7,
    compression: 8,
    test: 9,
  });
  assert.equal(familyOf(3), 'statement');
  assert.equal(familyOf(99), undefined);
});
