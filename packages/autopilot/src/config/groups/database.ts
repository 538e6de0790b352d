/** The application's own pools, those given to instrument(). null leaves what the application has chosen. */
export const database = {
  poolMax: {
    kind: 'integer',
    default: null,
    min: 1,
    max: 1_000,
    unit: 'connections',
    description:
      'Connections that each instrumented pool of an instance may open. More than the server bears makes others fail; fewer make callers wait. A smaller pool shrinks as its connections become idle.',
    risk: 'high',
    apply: 'new-connections',
    on: 'agent',
    tuner: { min: 2, max: 100 },
  },
  poolIdleMs: {
    kind: 'integer',
    default: null,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    description: 'A connection that nobody uses is closed after this long; 0: never.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
  poolWaitMs: {
    kind: 'integer',
    default: null,
    min: 0,
    max: 600_000,
    unit: 'ms',
    description: 'A caller that waits longer for a connection gets an error; 0: it waits without end.',
    risk: 'medium',
    apply: 'live',
    on: 'agent',
  },
} as const;
