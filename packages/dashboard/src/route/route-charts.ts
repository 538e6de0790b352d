import type { Measure } from '@teamflow/autopilot/contract';
import type { ChartDefinition } from '../chart/series.ts';

/** The charts of a route's own page. */
export const routeCharts: readonly ChartDefinition[] = [
  {
    id: 'rate',
    title: 'Requests',
    rightFloor: 1,
    series: [
      { column: 'requestRate', label: 'Rate', color: 'blue', kind: 'rate', filled: true },
      { column: 'concurrency', label: 'Under way', color: 'teal', kind: 'average', side: 'right' },
    ],
  },
  {
    id: 'latency',
    title: 'Latency',
    leftFloor: 1,
    series: [
      { column: 'p50Ms', label: 'p50', color: 'teal', kind: 'duration' },
      { column: 'p95Ms', label: 'p95', color: 'blue', kind: 'duration' },
      { column: 'p99Ms', label: 'p99', color: 'orange', kind: 'duration' },
    ],
  },
  {
    id: 'errors',
    title: 'Errors',
    leftFloor: 0.01,
    series: [
      { column: 'errorRatio', label: '5xx', color: 'red', kind: 'ratio', filled: true },
      { column: 'clientErrorRatio', label: '4xx', color: 'blue', kind: 'ratio', dashed: true },
      { column: 'abortedRatio', label: 'Aborted', color: 'violet', kind: 'ratio' },
    ],
  },
  {
    id: 'database',
    title: 'Database a request',
    leftFloor: 1,
    rightFloor: 5,
    series: [
      { column: 'databaseMsPerRequest', label: 'Time', color: 'violet', kind: 'duration', filled: true },
      { column: 'databaseCallsPerRequest', label: 'Calls', color: 'teal', kind: 'average', side: 'right' },
    ],
  },
  {
    id: 'bytes-each',
    title: 'Response size',
    leftFloor: 100,
    series: [{ column: 'bytesPerRequest', label: 'Bytes a request', color: 'teal', kind: 'bytes', filled: true }],
  },
  {
    id: 'bytes-rate',
    title: 'Bytes sent',
    leftFloor: 100,
    series: [{ column: 'bytesSentRate', label: 'Bytes a second', color: 'blue', kind: 'byteRate', filled: true }],
  },
];

/** What the stream of the page asks for. */
export const routeMeasures: readonly Measure[] = [
  'requestRate',
  'concurrency',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'errorRatio',
  'clientErrorRatio',
  'abortedRatio',
  'databaseMsPerRequest',
  'databaseCallsPerRequest',
  'bytesPerRequest',
  'bytesSentRate',
];
