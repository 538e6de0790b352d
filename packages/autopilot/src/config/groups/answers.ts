/** Headers that say how an answer came about, each for whom it is: nobody, requests through a trusted proxy, everyone. */
export const answers = {
  serverTiming: {
    kind: 'choice',
    values: ['off', 'proxies', 'everyone'],
    default: 'everyone',
    description: 'The header Server-Timing: how long the answer took, and how much of that in the database.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
  requestId: {
    kind: 'choice',
    values: ['off', 'proxies', 'everyone'],
    default: 'everyone',
    description: 'The header X-Request-Id: under which id the log has the request.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
  loadReport: {
    kind: 'choice',
    values: ['off', 'proxies', 'everyone'],
    default: 'off',
    description:
      'The header endpoint-load-metrics: how busy this process is, as Envoy and gRPC balancers read it (ORCA).',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
} as const;
