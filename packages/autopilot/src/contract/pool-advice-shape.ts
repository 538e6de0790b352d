import { count, ms, orNull, ratio, text, texts } from './operations-shapes.ts';
import type { PoolAdvice } from './pool-advice.ts';
import type { ShapeOf } from './shape.ts';

const number = { kind: 'number', min: 0 } as const;

/** Part of GET /performance/database/connections; what a field means is said on its type. */
export const poolAdvice: ShapeOf<PoolAdvice> = {
  kind: 'object',
  name: 'PoolAdvice',
  description: 'What the waits of a pool would be at other sizes, and which is advised',
  fields: {
    pool: text,
    database: text,
    instances: count,
    size: count,
    ratePerSecond: number,
    useMs: ms,
    useVariation: number,
    waitMeanMs: orNull(ms),
    predictions: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'PoolSizePrediction',
        fields: {
          size: count,
          utilization: number,
          waitProbability: ratio,
          waitMeanMs: orNull(ms),
          waitP95Ms: orNull(ms),
        },
      },
    },
    action: { kind: 'string', values: ['change', 'leave'] },
    advised: count,
    reasons: texts,
  },
};
