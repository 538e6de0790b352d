/** Watching databases from the control plane: how often they are read, and what is called slow. */
export const observe = {
  overviewMs: {
    kind: 'integer',
    default: 15_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    description:
      'Tables, indexes, connections and settings of a watched database are read again after this long, when somebody asks. About 0.2 s of its time for 1,000 tables.',
    risk: 'low',
    apply: 'live',
    on: 'control-plane',
  },
  statementsMs: {
    kind: 'integer',
    default: 5_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    description: 'Statements of a watched database are read again after this long, when somebody asks.',
    risk: 'low',
    apply: 'live',
    on: 'control-plane',
  },
  slowMs: {
    kind: 'number',
    default: 100,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    description:
      'Statements that take so long on average, or in one call of twenty, are listed as slow where the caller names no threshold.',
    risk: 'low',
    apply: 'live',
    on: 'control-plane',
  },
} as const;
