import type { ChartDefinition } from '../chart/series.ts';
import { databaseChart, memoryChart } from '../chart/shared-charts.ts';

/** The charts of the page of resources, with the trend of the answer that each one draws. */
export const resourceCharts: readonly (ChartDefinition & { readonly trend: string })[] = [
  {
    id: 'processor',
    trend: 'processor',
    title: 'Processor',
    leftFloor: 0.1,
    series: [
      { column: 'cpuBusy', label: 'Cores busy', color: 'blue', kind: 'average', filled: true },
      { column: 'cpuUserBusy', label: 'User', color: 'teal', kind: 'average' },
      { column: 'cpuSystemBusy', label: 'System', color: 'orange', kind: 'average', dashed: true },
    ],
  },
  {
    id: 'event-loop',
    trend: 'eventLoop',
    title: 'Event loop',
    leftFloor: 10,
    rightFloor: 1,
    series: [
      { column: 'eventLoopDelayP99Ms', label: 'Delay p99', color: 'orange', kind: 'duration', filled: true },
      { column: 'eventLoopDelayP50Ms', label: 'Delay p50', color: 'teal', kind: 'duration' },
      { column: 'eventLoopUtilization', label: 'Busy', color: 'blue', kind: 'ratio', side: 'right' },
    ],
  },
  { ...memoryChart, trend: 'memory' },
  {
    id: 'network',
    trend: 'network',
    title: 'Network',
    leftFloor: 1000,
    series: [
      { column: 'bytesSentRate', label: 'Out', color: 'blue', kind: 'byteRate', filled: true },
      { column: 'bytesReceivedRate', label: 'In', color: 'orange', kind: 'byteRate' },
    ],
  },
  {
    id: 'disk',
    trend: 'disk',
    title: 'Disk',
    leftFloor: 1000,
    series: [
      { column: 'diskWriteRate', label: 'Written', color: 'orange', kind: 'byteRate', filled: true },
      { column: 'diskReadRate', label: 'Read', color: 'teal', kind: 'byteRate' },
    ],
  },
  { ...databaseChart, trend: 'database' },
  {
    id: 'connections',
    trend: 'pool',
    title: 'Connections',
    leftFloor: 1,
    rightFloor: 1,
    series: [
      { column: 'poolSize', label: 'Open', color: 'blue', kind: 'average', filled: true },
      { column: 'poolIdle', label: 'Idle', color: 'teal', kind: 'average' },
      { column: 'poolWaitP95Ms', label: 'Wait p95', color: 'orange', kind: 'duration', side: 'right' },
    ],
  },
];
