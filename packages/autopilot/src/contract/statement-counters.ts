/** What a server counts of each statement, in the order in which lists of its counters have them. */
export const statementCounters = [
  'calls',
  'totalMs',
  'rows',
  'planMs',
  'buffersHit',
  'buffersRead',
  'buffersDirtied',
  'tempBuffersRead',
  'tempBuffersWritten',
  'readMs',
  'writeMs',
  'walBytes',
] as const;

/** Names a counter of a statement. */
export type StatementCounter = (typeof statementCounters)[number];
