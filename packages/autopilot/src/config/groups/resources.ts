/** What each route and tenant takes of the process. */
export const resources = {
  enabled: {
    kind: 'boolean',
    default: true,
    description:
      'Estimates the time of the event loop that each route and tenant takes, by samples. It costs a request some 2 % at the default share; without an instrumented pool also what the context of requests costs.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
  sampledShare: {
    kind: 'number',
    default: 0.1,
    min: 0.001,
    max: 0.9,
    unit: 'ratio',
    description:
      'Share of the time that is sampled. More makes the estimate better sooner; while a sample lasts, a request costs up to a fifth more.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
} as const;
