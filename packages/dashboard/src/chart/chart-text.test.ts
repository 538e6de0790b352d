import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartText } from './chart-text.ts';
import type { ChartDefinition } from './series.ts';

const latency: ChartDefinition = {
  id: 'latency',
  title: 'Latency',
  series: [
    { column: 'p50Ms', label: 'Median', color: 'teal', kind: 'duration' },
    { column: 'p99Ms', label: 'p99', color: 'orange', kind: 'duration' },
  ],
};

test('the text alternative names each line with its latest, least and most', () => {
  const text = chartText(latency, [
    [1, 2, 3],
    [2, 8.25, 4],
    [null, null, null],
  ]).replaceAll('\u202f', ' ');
  assert.match(text, /^Latency from 1 Jan \d\d:\d\d:\d\d to 1 Jan \d\d:\d\d:\d\d\. /);
  assert.match(text, /Median: latest 4\.0 ms, lowest 2\.0 ms, highest 8\.3 ms\. p99: no data\.$/);
});

test('an empty chart says so', () => {
  assert.equal(chartText(latency, [[], [], []]), 'Latency: no data in this range.');
});
