/** How often a process that is watched says how it is. */
export const VITALS_EVERY_MS = 200;

/** How a process is just now. */
export interface ProcessVitals {
  /** Since it was said last. */
  readonly elapsedMs: number;
  /** Processor time since then. */
  readonly cpuMs: number;
  /** Longest delay of the event loop since then. */
  readonly eventLoopDelayMs: number;
  readonly rssBytes: number;
  /** Connections of its pools that somebody uses; null: it has no pool. */
  readonly databaseConnections: number | null;
}
