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
} as const;
