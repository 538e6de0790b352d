import type { Timestamp } from './performance.ts';

/** A server that replays this one's changes. */
export interface StandbyState {
  readonly name: string;
  /** "streaming", "catchup"; null: the role may not see it. */
  readonly state: string | null;
  /** "async", "sync", "quorum"; null: as above. */
  readonly sync: string | null;
  /** WAL that it has not replayed yet. */
  readonly behindBytes: number | null;
  /** How long what is written here takes to be seen there; null: nothing was written lately, or it is not for the role to see. */
  readonly behindMs: number | null;
}

/** A place up to which WAL is kept for somebody. */
export interface ReplicationSlot {
  readonly name: string;
  readonly kind: string;
  readonly active: boolean;
  readonly retainedBytes: number | null;
}

/** Who replays whose changes, and how far behind. */
export interface ReplicationState {
  readonly standbys: readonly StandbyState[];
  readonly slots: readonly ReplicationSlot[];
  /** Of a standby itself: how long ago what it replayed last was written; null: it is none. */
  readonly replayBehindMs: number | null;
}

/** What one kind of process reads and writes in one way (pg_stat_io, from 16 on), since the server counts it. */
export interface IoUse {
  /** "client backend", "checkpointer". */
  readonly process: string;
  /** "normal", "bulkread", "vacuum". */
  readonly context: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly extendedBytes: number;
  /** Pages found in shared_buffers. */
  readonly hits: number;
  readonly evictions: number;
  readonly fsyncs: number;
  /** 0 while track_io_timing is off. */
  readonly readMs: number;
  readonly writeMs: number;
}

/** When something that is used up comes to its end, at the pace of the days that were watched. */
export interface RunsOut {
  /** "the disk", "public.tasks_id_seq", "transaction identifiers of app". */
  readonly what: string;
  readonly usedRatio: number;
  /** null: it is not used up at the pace of now, or not within a hundred years. */
  readonly at: Timestamp | null;
  /** What it is reckoned from. */
  readonly because: string;
}

/** How the database grows, and what that uses up. */
export interface DatabaseGrowth {
  /** Over the days that were watched; null: not known yet. */
  readonly bytesPerDay: number | null;
  /** Of the disk with the data; null: it can't be seen from here, as SQL does not tell it. */
  readonly diskFreeBytes: number | null;
  /** The first to run out first. */
  readonly runsOut: readonly RunsOut[];
}
