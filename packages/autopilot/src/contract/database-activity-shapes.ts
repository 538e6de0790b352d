import type { DatabaseGrowth, IoUse, ReplicationState } from './database-activity.ts';
import { bytes, count, ms, orNull, ratio, text, time } from './operations-shapes.ts';
import type { ShapeOf } from './shape.ts';

const number = { kind: 'number' } as const;
const maybeText = orNull(text);
const maybeNumber = orNull(number);

export const replication: ShapeOf<ReplicationState> = {
  kind: 'object',
  name: 'ReplicationState',
  fields: {
    standbys: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: { name: text, state: maybeText, sync: maybeText, behindBytes: maybeNumber, behindMs: maybeNumber },
      },
    },
    slots: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: { name: text, kind: text, active: { kind: 'boolean' }, retainedBytes: maybeNumber },
      },
    },
    replayBehindMs: maybeNumber,
  },
};

export const io: ShapeOf<readonly IoUse[] | null> = orNull({
  kind: 'array',
  description: 'What each kind of process reads and writes (pg_stat_io); null: the server is older than 16',
  of: {
    kind: 'object',
    name: 'IoUse',
    fields: {
      process: text,
      context: text,
      readBytes: bytes,
      writtenBytes: bytes,
      extendedBytes: bytes,
      hits: count,
      evictions: count,
      fsyncs: count,
      readMs: ms,
      writeMs: ms,
    },
  },
} as const);

export const growth: ShapeOf<DatabaseGrowth> = {
  kind: 'object',
  name: 'DatabaseGrowth',
  description: 'How the database grows, and when what that uses up comes to its end',
  fields: {
    bytesPerDay: maybeNumber,
    diskFreeBytes: maybeNumber,
    runsOut: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: { what: text, usedRatio: ratio, at: orNull(time), because: text },
      },
    },
  },
};
