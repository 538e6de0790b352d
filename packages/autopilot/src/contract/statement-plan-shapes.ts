import { findings } from './database-shapes.ts';
import { count, ms, orNull, text, texts, time } from './operations-shapes.ts';
import type { ShapeOf } from './shape.ts';
import type { MeasuredPlan, PlanStep, StatementPlan } from './statement-plan.ts';

const number = { kind: 'number' } as const;
const maybeText = orNull(text);
const step = { depth: count, label: text, rows: count, cost: count, condition: maybeText } as const;
const planSteps: ShapeOf<readonly PlanStep[]> = { kind: 'array', of: { kind: 'object', fields: step } };

/** POST /performance/database/plan */
export const measuredPlan: ShapeOf<MeasuredPlan> = {
  kind: 'object',
  name: 'MeasuredPlan',
  fields: {
    name: text,
    queryId: text,
    text,
    values: { kind: 'string', values: ['given', 'typical', 'none'] },
    planningMs: ms,
    executionMs: ms,
    steps: {
      kind: 'array',
      description: 'Rows, estimated and actual, are of one loop; times and pages of all, with the steps below',
      of: {
        kind: 'object',
        fields: {
          ...step,
          actualRows: orNull(number),
          loops: count,
          durationMs: ms,
          pages: count,
          misjudged: orNull(number),
        },
      },
    },
    findings,
    notes: texts,
  },
};

/** GET /performance/database/plan */
export const statementPlan: ShapeOf<StatementPlan> = {
  kind: 'object',
  name: 'StatementPlan',
  fields: {
    name: text,
    queryId: text,
    text,
    steps: planSteps,
    history: {
      kind: 'array',
      description: 'Plans that it had while it was watched, the latest first',
      of: {
        kind: 'object',
        fields: { fingerprint: text, firstAt: time, sinceAt: time, lastAt: time, cost: number, steps: planSteps },
      },
    },
    findings,
    notes: texts,
  },
};
