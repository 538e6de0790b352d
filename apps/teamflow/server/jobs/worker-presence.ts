import type pg from 'pg';
import { jobsSchema } from './job-kinds.ts';

/** Any number that no other advisory lock of two numbers uses: the migrations' one and one more. */
const lockClass = 83_263_570;
/** Runs locked for less are left alone: their worker may be about to say that it is there. */
const YOUNG = '2 seconds';
/** After a start, for what a killed process before it left behind; then now and then, for the other processes. */
const FIRST_SWEEPS_MS: readonly number[] = [0, 3_000];
const SWEEP_MS = 60_000;

/**
 * Gives back the jobs of processes that were killed. The queue itself would wait four hours, because it can't know.
 *
 * Each process holds an advisory lock for every worker it runs, on one connection that it keeps: the lock is gone the
 * moment the process is. A locked job whose worker's lock can be had is nobody's, and may run again. (A process that only
 * lost that connection may then see a job run twice, which jobs must bear anyway.)
 */
export class WorkerPresence {
  readonly #pool: pg.Pool;
  readonly #log: (message: string) => void;
  readonly #held = new Set<string>();
  #client: pg.PoolClient | null = null;
  #timer: NodeJS.Timeout | null = null;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(pool: pg.Pool, log: (message: string) => void) {
    this.#pool = pool;
    this.#log = log;
  }

  /** This process runs the worker `id`. */
  hold(id: string): void {
    this.#held.add(id);
    this.#next(async () => {
      const client = this.#client;
      // Without a connection it is locked together with the others by the next sweep.
      await client?.query('select pg_try_advisory_lock($1, hashtext($2))', [lockClass, id]);
    });
  }

  /** The worker has ended in order. */
  drop(id: string): void {
    this.#held.delete(id);
    this.#next(async () => {
      await this.#client?.query('select pg_advisory_unlock($1, hashtext($2))', [lockClass, id]);
    });
  }

  start(): void {
    this.#sweepLater([...FIRST_SWEEPS_MS]);
  }

  /** Lets go of everything. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#turn;
    this.#client?.release(true);
    this.#client = null;
  }

  #sweepLater(firstMs: number[]): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#next(() => this.#sweep());
      this.#sweepLater(firstMs);
    }, firstMs.shift() ?? SWEEP_MS);
    this.#timer.unref();
  }

  /** One after the other: they share a connection. */
  #next(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#log(`background jobs: who else runs them can't be seen: ${String(error)}`);
      this.#client?.release(true);
      this.#client = null;
    });
  }

  async #sweep(): Promise<void> {
    if (this.#stopped) return;
    if (this.#client === null) {
      this.#client = await this.#pool.connect();
      for (const id of this.#held) {
        await this.#client.query('select pg_try_advisory_lock($1, hashtext($2))', [lockClass, id]);
      }
    }
    const client = this.#client;
    const { rows } = await client.query<{ id: string }>(
      `select distinct locked_by as id from ${jobsSchema}.jobs
       where locked_at < now() - $1::interval and locked_by <> all($2)`,
      [YOUNG, [...this.#held]],
    );
    for (const { id } of rows) {
      const taken = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, hashtext($2)) as taken', [
        lockClass,
        id,
      ]);
      if (taken.rows[0]?.taken !== true) continue;
      try {
        await client.query(`select ${jobsSchema}.force_unlock_workers($1)`, [[id]]);
        // Nobody is told otherwise, and would look only when it next looks by itself.
        await client.query(`select pg_notify('jobs:insert', '{"r":0,"count":1}')`);
        this.#log(`background jobs: those of ${id}, which is gone, are taken up again`);
      } finally {
        await client.query('select pg_advisory_unlock($1, hashtext($2))', [lockClass, id]);
      }
    }
  }
}
