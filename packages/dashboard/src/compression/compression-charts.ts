import type { ChartDefinition } from '../chart/series.ts';

/** The charts of the page of compression; all of them draw the trend of the answer. */
export const compressionCharts: readonly ChartDefinition[] = [
  {
    id: 'compression-bytes',
    title: 'Bodies before and after',
    leftFloor: 1000,
    series: [
      { column: 'compressionInRate', label: 'Before', color: 'orange', kind: 'byteRate', filled: true },
      { column: 'compressionOutRate', label: 'After', color: 'blue', kind: 'byteRate', filled: true },
    ],
  },
  {
    id: 'compression-cpu',
    title: 'Processor',
    leftFloor: 0.01,
    series: [{ column: 'compressionBusy', label: 'Cores busy', color: 'teal', kind: 'average', filled: true }],
  },
];
