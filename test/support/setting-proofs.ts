const src = 'packages/autopilot/src';

/** Where each setting is changed and what it rules is seen to change; of one that needs a restart, that it does so then only. */
export const settingProofs: Readonly<Record<string, readonly string[]>> = {
  [`${src}/api/event-streams.test.ts`]: ['api.maxStreams'],
  [`${src}/compress/compressor.test.ts`]: [
    ...['enabled', 'minBytes', 'effort', 'budgetMs', 'maxConcurrent', 'maxStreams'].map(
      (name) => `compression.${name}`,
    ),
    ...['excludedPaths', 'excludedTypes', 'entityTags', 'refuseUnacceptable'].map((name) => `compression.${name}`),
    ...['cacheBytes', 'dictionaryBytes', 'paddedPaths', 'padReflections', 'paddingBytes'].map(
      (name) => `compression.${name}`,
    ),
  ],
  [`${src}/tune/trial-guards.test.ts`]: [
    'indexes',
    'settings',
    'tables',
    'changesPerDay',
    'coolDownMs',
    'maxBusyRatio',
    'window',
  ].map((name) => `optimization.${name}`),
  [`${src}/tune/trial-runner.test.ts`]: ['sampleMs', 'blockCalls', 'baselineMs', 'trialMinMs', 'trialMaxMs'].map(
    (name) => `optimization.${name}`,
  ),
  'test/postgres/tuning.test.ts': ['optimization.adviseMs', 'optimization.application'],
  [`${src}/advise/recommended-drops.test.ts`]: ['optimization.unusedMs'],
  [`${src}/host/overload-guard.test.ts`]: ['enabled', 'eventLoopDelayMs', 'minRequests', 'startGraceMs'].map(
    (name) => `overload.${name}`,
  ),
  [`${src}/host/request-layers.test.ts`]: [
    ...['serverTiming', 'requestId', 'loadReport'].map((name) => `answers.${name}`),
    ...['headers', 'rateLimits', 'headersTimeoutMs', 'requestTimeoutMs', 'maxBodyBytes'].map(
      (name) => `security.${name}`,
    ),
    ...['heapRatio', 'poolWaitMs'].map((name) => `overload.${name}`),
  ],
  'test/contract/load-api.test.ts': [
    ...['targets', 'maxUsers', 'maxRatePerSecond', 'maxDurationMs'].map((name) => `load.${name}`),
    ...['operatorShare', 'maxRunning', 'keepTests', 'keepApart'].map((name) => `load.${name}`),
    ...['path', 'maxBusyRatio', 'maxRequestsPerSecond', 'keepResults'].map((name) => `benchmark.${name}`),
  ],
  'test/contract/setting-effects.test.ts': [
    'api.longestStreamMs',
    'compression.lateMs',
    'jobs.concurrency',
    'optimization.stopped',
    ...['poolMax', 'poolIdleMs', 'poolWaitMs', 'statementTimeoutMs'].map((name) => `database.${name}`),
    ...['defaultLimit', 'maxLimit', 'durationMs'].map((name) => `paging.${name}`),
    ...['healthyFrom', 'degradedFrom', 'errorRatio', 'callErrorRatio'].map((name) => `health.${name}`),
    ...['p95Ms', 'p99Ms', 'eventLoopDelayMs', 'poolWaitMs'].map((name) => `health.${name}`),
    ...['requests', 'statements', 'runtime', 'jobs', 'compression'].map((name) => `monitoring.${name}`),
    ...['maxRoutes', 'maxTenants', 'maxStatements', 'maxRouteStatements'].map((name) => `monitoring.${name}`),
    ...['maxCompressionSeries', 'statementTextBytes', 'backlogBytes'].map((name) => `monitoring.${name}`),
    ...['backlogKeptMs', 'backlogFineWindows'].map((name) => `monitoring.${name}`),
    ...['enabled', 'sampledShare'].map((name) => `resources.${name}`),
  ],
  'test/postgres/database-collection.test.ts': ['collect', 'collectMs', 'tablesMs', 'sizesMs', 'plansPerMinute'].map(
    (name) => `observe.${name}`,
  ),
  'test/postgres/database-maintenance.test.ts': [
    ...['automatic', 'everyMs', 'deadRatio', 'protectedWindows', 'maxActive'].map((name) => `maintenance.${name}`),
    ...['costDelayMs', 'lockTimeoutMs', 'statementTimeoutMs'].map((name) => `maintenance.${name}`),
  ],
  'test/postgres/database-api.test.ts': ['overviewMs', 'statementsMs', 'slowMs'].map((name) => `observe.${name}`),
};
