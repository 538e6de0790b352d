import type { ChartDefinition } from '../chart/series.ts';
import { databaseChart, memoryChart } from '../chart/shared-charts.ts';

/** The charts of the first page, with the trend of the dashboard document that each one draws. */
export const overviewCharts: readonly (ChartDefinition & { readonly trend: string })[] = [
  {
    id: 'traffic',
    trend: 'traffic',
    title: 'Requests',
    rightFloor: 0.01,
    series: [
      { column: 'requestRate', label: 'Rate', color: 'blue', kind: 'rate', filled: true },
      { column: 'errorRatio', label: 'Errors', color: 'red', kind: 'ratio', side: 'right' },
    ],
  },
  {
    id: 'latency',
    trend: 'latency',
    title: 'Latency',
    leftFloor: 1,
    series: [
      { column: 'p50Ms', label: 'p50', color: 'teal', kind: 'duration' },
      { column: 'p95Ms', label: 'p95', color: 'blue', kind: 'duration' },
      { column: 'p99Ms', label: 'p99', color: 'orange', kind: 'duration' },
    ],
  },
  { ...databaseChart, trend: 'database' },
  {
    id: 'event-loop',
    trend: 'runtime',
    title: 'Event loop',
    leftFloor: 10,
    rightFloor: 1,
    series: [
      { column: 'eventLoopDelayP99Ms', label: 'Delay p99', color: 'orange', kind: 'duration', filled: true },
      { column: 'eventLoopUtilization', label: 'Busy', color: 'blue', kind: 'ratio', side: 'right' },
    ],
  },
  { ...memoryChart, trend: 'runtime' },
  {
    id: 'cpu',
    trend: 'runtime',
    title: 'CPU',
    leftFloor: 0.5,
    rightFloor: 0.25,
    series: [
      { column: 'cpuBusy', label: 'Cores busy', color: 'blue', kind: 'average', filled: true },
      { column: 'gcBusy', label: 'Garbage collection', color: 'orange', kind: 'ratio', side: 'right' },
    ],
  },
];
