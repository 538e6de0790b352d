/** What the control plane's API allows its callers. */
export const api = {
  maxStreams: {
    kind: 'integer',
    default: 100,
    min: 1,
    max: 10_000,
    unit: 'streams',
    description:
      'Live streams that may be open at once: each open page of the dashboard holds one. Those that are open stay.',
    risk: 'low',
    apply: 'live',
    on: 'control-plane',
  },
  longestStreamMs: {
    kind: 'integer',
    default: 600_000,
    min: 10_000,
    max: 86_400_000,
    unit: 'ms',
    description:
      'A live stream ends after this long and its page connects again: a sign-in that was withdrawn sees no more then. Streams opened before a change keep their time.',
    risk: 'low',
    apply: 'new-connections',
    on: 'control-plane',
  },
} as const;
