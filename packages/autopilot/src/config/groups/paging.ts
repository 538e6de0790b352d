/** Pages of lists that are read through a Pager with `limits: agent.paging`. */
export const paging = {
  defaultLimit: {
    kind: 'integer',
    default: 50,
    min: 1,
    max: 10_000,
    unit: 'rows',
    description: 'Rows of a page when the caller names no limit; never more than paging.maxLimit.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
    tuner: { min: 10, max: 200 },
  },
  maxLimit: {
    kind: 'integer',
    default: 200,
    min: 1,
    max: 10_000,
    unit: 'rows',
    description:
      'The most rows that a caller may ask for. Who asks for more is refused with 400, so that less breaks callers.',
    risk: 'high',
    apply: 'live',
    on: 'agent',
  },
  durationMs: {
    kind: 'integer',
    default: 1_000,
    min: 10,
    max: 60_000,
    unit: 'ms',
    description:
      'A page of many rows is cut where more would have taken longer than this; the caller goes on at its next page. The first 51 rows are waited for.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
    tuner: { min: 100, max: 5_000 },
  },
} as const;
