import type { ChartDefinition } from './series.ts';

/** What the process holds in memory; of a trend with the measures of its series. */
export const memoryChart: ChartDefinition = {
  id: 'memory',
  title: 'Memory',
  series: [
    { column: 'rssBytes', label: 'Resident', color: 'blue', kind: 'bytes', filled: true },
    { column: 'heapUsedBytes', label: 'Heap', color: 'teal', kind: 'bytes' },
    { column: 'externalBytes', label: 'Buffers', color: 'violet', kind: 'bytes', dashed: true },
  ],
};

/** How much is asked of the database; of a trend with the measures of its series. */
export const databaseChart: ChartDefinition = {
  id: 'database',
  title: 'Database',
  leftFloor: 0.1,
  rightFloor: 1,
  series: [
    { column: 'concurrency', label: 'Busy connections', color: 'violet', kind: 'average', filled: true },
    { column: 'callRate', label: 'Calls', color: 'teal', kind: 'callRate', side: 'right' },
  ],
};
