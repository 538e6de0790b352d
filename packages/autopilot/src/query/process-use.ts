import type { Resources } from '../contract/resources.ts';
import type { QueryEngine } from './query-engine.ts';
import type { Scope } from './summaries.ts';
import type { TimeRange } from './time-range.ts';

const PROCESS = [
  'cpuBusy',
  'cpuUserBusy',
  'cpuSystemBusy',
  'gcBusy',
  'eventLoopUtilization',
  'eventLoopDelayP50Ms',
  'eventLoopDelayP95Ms',
  'eventLoopDelayP99Ms',
  'eventLoopDelayMaxMs',
  'rssBytes',
  'rssMaxBytes',
  'heapUsedBytes',
  'heapUsedMaxBytes',
  'heapLimitBytes',
  'externalBytes',
  'diskReadBytes',
  'diskWriteBytes',
  'diskReadRate',
  'diskWriteRate',
] as const;

const NETWORK = ['bytesReceived', 'bytesSent', 'bytesReceivedRate', 'bytesSentRate'] as const;

/** What the processes used of their machines over the range. */
export async function processUse(
  engine: QueryEngine,
  scope: Scope,
  range: TimeRange,
): Promise<Pick<Resources, 'processor' | 'eventLoop' | 'memory' | 'disk' | 'network'>> {
  const { values: process } = await engine.summary({ ...scope, family: 'runtime' }, range, PROCESS);
  const { values: network } = await engine.summary({ ...scope, family: 'route' }, range, NETWORK);
  return {
    processor: {
      busy: process.cpuBusy,
      userBusy: process.cpuUserBusy,
      systemBusy: process.cpuSystemBusy,
      gcBusy: process.gcBusy,
    },
    eventLoop: {
      utilization: process.eventLoopUtilization,
      delayP50Ms: process.eventLoopDelayP50Ms,
      delayP95Ms: process.eventLoopDelayP95Ms,
      delayP99Ms: process.eventLoopDelayP99Ms,
      delayMaxMs: process.eventLoopDelayMaxMs,
    },
    memory: {
      rssBytes: process.rssBytes,
      rssMaxBytes: process.rssMaxBytes,
      heapUsedBytes: process.heapUsedBytes,
      heapUsedMaxBytes: process.heapUsedMaxBytes,
      heapLimitBytes: process.heapLimitBytes,
      externalBytes: process.externalBytes,
    },
    disk: {
      bytesRead: process.diskReadBytes,
      bytesWritten: process.diskWriteBytes,
      readRate: process.diskReadRate,
      writeRate: process.diskWriteRate,
    },
    network: {
      bytesReceived: network.bytesReceived ?? 0,
      bytesSent: network.bytesSent ?? 0,
      receivedRate: network.bytesReceivedRate ?? 0,
      sentRate: network.bytesSentRate ?? 0,
    },
  };
}
