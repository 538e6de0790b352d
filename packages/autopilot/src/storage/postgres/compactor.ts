import type { Clock, EpochMs } from '../../kernel/clock.ts';
import type { Compacted } from '../ports.ts';
import { BucketWriter } from './bucket-writer.ts';
import { closeSome, findClosable, openHours, openMinutes } from './close.ts';
import { foldWindows } from './fold.ts';
import { listPartitions } from './partitions.ts';
import { DAY_MS, floorTo, HOUR_MS, MINUTE_MS, partitionedTables } from './retention.ts';
import { refuseNewerSchema } from './schema-guard.ts';
import type { StoreClient, StoreConnection } from './store-connection.ts';
import { dropExpired, findExpired, findMissing, forgetOld, makeMissing } from './upkeep.ts';

/**
 * Keeps the store in order: partitions are made and dropped, windows merged into minutes, closed hours into hours, closed days
 * into days.
 *
 * Once for a whole fleet: every step is a transaction under one advisory lock; who does not get it leaves the step to who has
 * it. A step is whole or has not happened: after kill -9 at any point the next process goes on where the last commit was.
 *
 * Cheap when nothing is due: it looks at the database once a minute, 15 s after the minute's end.
 */

/** "AUTO", and a number of its own beside that of migrations. */
const LOCK = [0x4155544f, 2] as const;
const BEGIN = 'BEGIN';
/** A table that somebody reads for long must not make everybody wait behind our wish to drop a partition. */
const BEGIN_DDL = `BEGIN; SET LOCAL lock_timeout = '300ms'`;
const FOLD_AFTER_MS = 15_000;
const UPKEEP_EVERY_MS = 5 * MINUTE_MS;
const UPKEEP_RETRY_MS = 30_000;
/** Transactions in one call; the rest is done by the next one. */
const STEPS_PER_CALL = 50;
const CLOSABLE_PER_LOOK = 200;
/**
 * Wall clock and monotonic clock apart by more than this: the machine's clock was set. Nothing is dropped for a while then,
 * because a clock that is wrong for a minute must not cost years of history.
 */
const JUMP_MS = MINUTE_MS;
const CALM_BEFORE_DROP_MS = 10 * MINUTE_MS;
/** Nothing is dropped on the word of a clock that is further ahead of the newest window than this. */
const NEWEST_MARGIN_MS = HOUR_MS;

/** What every locked step knows. */
interface Step {
  readonly client: StoreClient;
  readonly now: EpochMs;
}

const NOTHING = Symbol('somebody else has the lock');

export class Compactor {
  readonly #connection: StoreConnection;
  readonly #clock: Clock | null;
  #running = false;
  #lastNow = Number.NEGATIVE_INFINITY;
  #foldDue = Number.NEGATIVE_INFINITY;
  #upkeepDue = Number.NEGATIVE_INFINITY;
  #forgetDue = Number.NEGATIVE_INFINITY;
  #wallMinusMonotonicMs = Number.NaN;
  #calmSinceMs = 0;
  #damagedBlocks = 0;

  /** `clock`: null for the server's; a given one is believed. */
  constructor(connection: StoreConnection, clock: Clock | null) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Rows that could not be read and were left out of what they were merged to, since the start. */
  get damagedBlocks(): number {
    return this.#damagedBlocks;
  }

  /** Does what is due. Only one call runs at a time; another one meanwhile does nothing. */
  async compact(now: EpochMs): Promise<Compacted> {
    if (this.#running) return { merged: 0, expired: 0 };
    this.#running = true;
    try {
      this.#watchClock(now);
      let expired = 0;
      let failed: { readonly error: unknown } | null = null;
      if (now >= this.#upkeepDue) {
        try {
          const done = await this.#upkeep(now);
          expired = done.expired;
          // Left to somebody who may have been about something else: looked after again with the next call.
          if (done.whole) this.#upkeepDue = now + UPKEEP_EVERY_MS;
        } catch (error) {
          // A table that can't be locked now, say. Merging goes on; it is tried again soon.
          failed = { error };
          this.#upkeepDue = now + UPKEEP_RETRY_MS;
        }
      }
      let merged = 0;
      if (now >= this.#foldDue) {
        const done = await this.#mergeDue(now);
        merged = done.merged;
        if (done.drained) this.#foldDue = floorTo(now - FOLD_AFTER_MS, MINUTE_MS) + MINUTE_MS + FOLD_AFTER_MS;
      }
      if (failed !== null) throw failed.error;
      return { merged, expired };
    } finally {
      this.#running = false;
    }
  }

  #watchClock(now: EpochMs): void {
    if (now < this.#lastNow) {
      // What was due "later" may be hours away for a clock that was set back.
      this.#foldDue = Number.NEGATIVE_INFINITY;
      this.#upkeepDue = Number.NEGATIVE_INFINITY;
      this.#forgetDue = Number.NEGATIVE_INFINITY;
    }
    this.#lastNow = now;
    const monotonicMs = performance.now();
    const apartMs = now - monotonicMs;
    if (!(Math.abs(apartMs - this.#wallMinusMonotonicMs) < JUMP_MS)) this.#calmSinceMs = monotonicMs;
    this.#wallMinusMonotonicMs = apartMs;
  }

  /** A transaction under the fleet's lock; NOTHING when another process has it. */
  async #step<T>(
    doing: string,
    begin: string,
    now: EpochMs,
    act: (step: Step) => Promise<T>,
  ): Promise<T | typeof NOTHING> {
    return await this.#connection.transaction(doing, begin, async (client) => {
      const { rows } = await client.query<{ locked: boolean; server_ms: number }>(
        `SELECT pg_try_advisory_xact_lock($1, $2) AS locked,
           floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS server_ms`,
        [...LOCK],
      );
      const { locked, server_ms: serverMs } = rows[0] ?? { locked: false, server_ms: now };
      if (!locked) return NOTHING;
      await refuseNewerSchema(client);
      // The clock by which windows are taken: one machine whose own is a day behind must not keep the fleet's windows waiting.
      return await act({ client, now: this.#clock === null ? serverMs : now });
    });
  }

  async #mergeDue(now: EpochMs): Promise<{ readonly merged: number; readonly drained: boolean }> {
    let merged = 0;
    let steps = 0;
    for (;;) {
      if (steps++ >= STEPS_PER_CALL) return { merged, drained: false };
      const folded = await this.#step('Merging windows into minutes', BEGIN, now, async (step) => {
        const partitions = await listPartitions(step.client, Object.values(partitionedTables));
        const writer = new BucketWriter(step.client, partitions);
        return await foldWindows(step.client, writer, step.now, partitions.get('windows') ?? []);
      });
      if (folded === NOTHING) return { merged, drained: true };
      merged += folded.merged;
      this.#damagedBlocks += folded.damagedBlocks;
      if (!folded.mayBeMore) break;
    }
    for (const level of [openMinutes, openHours]) {
      for (;;) {
        const found = await this.#step('Looking for hours to close', BEGIN, now, ({ client, now: at }) =>
          findClosable(client, level, at, CLOSABLE_PER_LOOK),
        );
        if (found === NOTHING) return { merged, drained: true };
        for (let at = 0; at < found.length; ) {
          if (steps++ >= STEPS_PER_CALL) return { merged, drained: false };
          const done = await this.#step('Closing an hour', BEGIN, now, async ({ client }) => {
            const partitions = await listPartitions(client, Object.values(partitionedTables));
            return await closeSome(client, new BucketWriter(client, partitions), level, found.slice(at));
          });
          if (done === NOTHING) return { merged, drained: true };
          this.#damagedBlocks += done.damagedBlocks;
          at += done.closed;
        }
        if (found.length < CLOSABLE_PER_LOOK) break;
      }
    }
    return { merged, drained: true };
  }

  async #upkeep(now: EpochMs): Promise<{ readonly expired: number; readonly whole: boolean }> {
    const missing = await this.#step('Looking for partitions to make', BEGIN, now, ({ client, now: at }) =>
      findMissing(client, at),
    );
    if (missing === NOTHING) return { expired: 0, whole: false };
    for (const task of missing) {
      const made = await this.#step(`Making a partition of ${task.table.name}`, BEGIN_DDL, now, ({ client }) =>
        makeMissing(client, task),
      );
      if (made === NOTHING) return { expired: 0, whole: false };
    }
    if (this.#clock === null && performance.now() - this.#calmSinceMs < CALM_BEFORE_DROP_MS)
      return { expired: 0, whole: true };
    const tasks = await this.#step('Looking for partitions to drop', BEGIN, now, async ({ client, now: at }) =>
      findExpired(client, Math.min(at, await latestBelievable(client))),
    );
    if (tasks === NOTHING) return { expired: 0, whole: false };
    let expired = 0;
    for (const task of tasks) {
      const dropped = await this.#step(`Dropping a partition of ${task.table.name}`, BEGIN_DDL, now, ({ client }) =>
        dropExpired(client, task),
      );
      if (dropped === NOTHING) return { expired, whole: false };
      expired += dropped ?? 0;
    }
    if (now < this.#forgetDue) return { expired, whole: true };
    const forgot = await this.#step('Removing old names', BEGIN, now, async ({ client, now: at }) => {
      await forgetOld(client, Math.min(at, await latestBelievable(client)));
    });
    if (forgot === NOTHING) return { expired, whole: false };
    this.#forgetDue = now + DAY_MS;
    return { expired, whole: true };
  }
}

/** The latest time that what is stored speaks for; long ago where nothing is. */
async function latestBelievable(client: StoreClient): Promise<EpochMs> {
  const { rows } = await client.query<{ newest: number | null }>(
    'SELECT max(last_end_ms) AS newest FROM autopilot.scopes',
  );
  return (rows[0]?.newest ?? 0) + NEWEST_MARGIN_MS;
}
