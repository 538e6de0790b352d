/** The outermost request layer. docs/guides/request-layers.md says what it does. */
export const security = {
  headers: {
    kind: 'boolean',
    default: true,
    description:
      'Sets the headers that browsers are protected by, where the application sets none of its own. Needs the package helmet.',
    risk: 'medium',
    apply: 'live',
    on: 'agent',
  },
  rateLimits: {
    kind: 'boolean',
    default: true,
    description: 'Limits how often one address, session or token may ask. Needs the package @fastify/rate-limit.',
    risk: 'medium',
    apply: 'live',
    on: 'agent',
  },
  headersTimeoutMs: {
    kind: 'integer',
    default: null,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    description:
      'A connection that has not sent the head of its request after this long is closed; looked for every 2 s. null: what the application has chosen, or 10 s.',
    risk: 'medium',
    apply: 'live',
    on: 'agent',
  },
  requestTimeoutMs: {
    kind: 'integer',
    default: null,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    description:
      'A connection that has not sent all of its request after this long is closed; looked for every 2 s. Longer for large uploads. null: what the application has chosen, or 60 s.',
    risk: 'medium',
    apply: 'live',
    on: 'agent',
  },
  maxBodyBytes: {
    kind: 'integer',
    default: null,
    min: 1_024,
    max: 1_073_741_824,
    unit: 'bytes',
    description:
      'Larger bodies are refused with 413, also by routes that would take them. null: what each route allows. Fastify reads it once, when the route is added.',
    risk: 'medium',
    apply: 'restart',
    on: 'agent',
  },
} as const;
