import type { ConfigPreset } from '../contract/configuration.ts';

/** The presets that come with the autopilot; each value says why it is as it is. Whatever one does not name stays at its default. */
export const builtInPresets: readonly ConfigPreset[] = [
  {
    name: 'development',
    description: 'One developer, one process: everything is shown, nothing is blamed, little memory is taken.',
    builtIn: true,
    settings: [
      { key: 'health.p95Ms', value: 2_000, because: 'A debugger, a cold cache and source maps make requests slow.' },
      { key: 'health.p99Ms', value: 5_000, because: 'In step with p95Ms.' },
      { key: 'health.errorRatio', value: 0.02, because: 'Code that is being written fails now and then.' },
      { key: 'health.eventLoopDelayMs', value: 200, because: 'Compiling and a watching process block the loop.' },
      { key: 'monitoring.maxTenants', value: 100, because: 'Sample data has few tenants.' },
      { key: 'monitoring.statementTextBytes', value: 1_000_000, because: 'One developer sees few statements.' },
      { key: 'monitoring.backlogBytes', value: 4_194_304, because: 'Nobody misses history of a laptop.' },
      { key: 'api.maxStreams', value: 20, because: 'A few open pages of one person.' },
    ],
  },
  {
    name: 'staging',
    description:
      'Like production in what is measured, milder in what is judged: smaller machines, tests at full speed.',
    builtIn: true,
    settings: [
      { key: 'health.p95Ms', value: 1_000, because: 'Machines are half the size, as a rule.' },
      { key: 'health.p99Ms', value: 2_000, because: 'In step with p95Ms.' },
      { key: 'health.errorRatio', value: 0.01, because: 'Tests provoke errors on purpose.' },
      { key: 'monitoring.backlogKeptMs', value: 300_000, because: 'Deployments are frequent and short.' },
    ],
  },
  {
    name: 'production',
    description: 'The defaults, written out where a service should not drift from them, with a limit on waiting.',
    builtIn: true,
    settings: [
      { key: 'health.errorRatio', value: 0.001, because: 'An availability objective of 99.9 %.' },
      { key: 'health.p95Ms', value: 500, because: 'Apdex T for interactive pages.' },
      { key: 'health.p99Ms', value: 1_000, because: 'Thought flows on up to a second (Nielsen).' },
      {
        key: 'database.poolWaitMs',
        value: 5_000,
        because: 'A caller without a connection after 5 s is better told than kept: its client has given up.',
      },
      {
        key: 'monitoring.backlogKeptMs',
        value: 1_200_000,
        because: 'A control plane may be away through a deployment.',
      },
      { key: 'monitoring.backlogBytes', value: 33_554_432, because: 'Twice the time needs twice the memory.' },
    ],
  },
  {
    name: 'high-performance',
    description:
      'Many requests a second on few cores: what is measured is bounded more tightly, and slowness is judged earlier.',
    builtIn: true,
    settings: [
      { key: 'monitoring.maxTenants', value: 500, because: 'Each tenant costs a histogram a second and process.' },
      { key: 'monitoring.maxRouteStatements', value: 1_000, because: 'The pairs that take most time are among these.' },
      { key: 'health.p95Ms', value: 200, because: 'What is built to be fast is slow earlier.' },
      { key: 'health.p99Ms', value: 500, because: 'In step with p95Ms.' },
      { key: 'health.eventLoopDelayMs', value: 20, because: 'Twenty ms of lateness are a tenth of p95Ms.' },
      { key: 'health.poolWaitMs', value: 5, because: 'A queue for connections is the first sign of saturation.' },
      { key: 'database.poolWaitMs', value: 2_000, because: 'Fail early: waiting callers hold memory and sockets.' },
      { key: 'database.poolIdleMs', value: 60_000, because: 'Opening a connection costs more than keeping one.' },
    ],
  },
];
