/** Compression of answers. docs/guides/request-layers.md says which are compressed, and how. */
export const compression = {
  enabled: {
    kind: 'boolean',
    default: true,
    description: 'Compresses answers by zstd, br or gzip for clients that take one of them.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
  minBytes: {
    kind: 'integer',
    default: 1_024,
    min: 0,
    max: 1_048_576,
    unit: 'bytes',
    description: 'Smaller bodies go as they are: what would be saved is less than a packet.',
    risk: 'low',
    apply: 'live',
    on: 'agent',
  },
} as const;
