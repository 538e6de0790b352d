import type { DatabaseMaintenance } from './database-maintenance.ts';
import { blockers } from './database-shapes.ts';
import { count, ms, orNull, ratio, text, time } from './operations-shapes.ts';
import type { ShapeOf } from './shape.ts';

const yes = { kind: 'boolean' } as const;
const number = { kind: 'number' } as const;
const maybeText = orNull(text);
const maybeTime = orNull(time);
const maybeMs = orNull(ms);
const maybeCount = orNull(count);
const operation = { kind: 'string', values: ['vacuum', 'analyze'] } as const;

/** GET /performance/database/maintenance */
export const databaseMaintenance: ShapeOf<DatabaseMaintenance> = {
  kind: 'object',
  name: 'DatabaseMaintenance',
  fields: {
    name: text,
    automatic: yes,
    refusal: { ...maybeText, description: 'Why nothing may begin now; null: it may' },
    due: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'MaintenanceDue',
        fields: { table: text, operation, analyze: yes, reason: text, urgency: number, sql: text },
      },
    },
    blockers,
    advice: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'AutovacuumAdvice',
        fields: {
          table: text,
          option: text,
          value: number,
          because: text,
          vacuumsPerDayNow: number,
          vacuumsPerDay: number,
          sql: text,
        },
      },
    },
    jobs: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'MaintenanceJob',
        fields: {
          id: text,
          operation,
          state: { kind: 'string', values: ['running', 'done', 'cancelled', 'failed'] },
          author: text,
          startedAt: time,
          endedAt: maybeTime,
          tables: {
            kind: 'array',
            of: {
              kind: 'object',
              fields: {
                table: text,
                state: { kind: 'string', values: ['waiting', 'running', 'done', 'failed', 'cancelled'] },
                phase: maybeText,
                progress: ratio,
                durationMs: maybeMs,
                deadRowsBefore: maybeCount,
                deadRowsAfter: maybeCount,
                reason: maybeText,
              },
            },
          },
        },
      },
    },
    runs: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'MaintenanceRun',
        fields: {
          order: text,
          job: text,
          table: text,
          operation,
          state: { kind: 'string', values: ['running', 'done', 'ended', 'refused'] },
          reason: text,
          author: text,
          authorName: maybeText,
          byItself: yes,
          at: time,
          endedAt: maybeTime,
        },
      },
    },
  },
};
