import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from '@teamflow/autopilot';
import {
  Logger,
  parseCronItems,
  type Runner,
  run,
  runMigrations,
  type TaskList,
  type WorkerEvents,
  type WorkerPool,
} from 'graphile-worker';
import type pg from 'pg';
import { createDatabase, createPool } from '../database/database.ts';
import { exportProject } from './export-project.ts';
import { type JobHandler, type JobKind, jobsSchema } from './job-kinds.ts';
import { cleanUp, digest, dueReminders, rollUp } from './scheduled-jobs.ts';
import { WorkerPresence } from './worker-presence.ts';

/** What background jobs need of the agent. */
type JobAgent = Pick<Agent, 'instrument' | 'job' | 'followJobConcurrency'>;

interface BackgroundJobsOptions {
  /** Leads to the database of TeamFlow. */
  readonly connection: pg.PoolConfig;
  readonly agent: JobAgent;
  readonly log: (message: string) => void;
}

const handlers: Readonly<Record<JobKind, JobHandler>> = {
  'due-reminders': dueReminders,
  digest,
  'roll-up': rollUp,
  'clean-up': cleanUp,
  export: exportProject,
};

/** In UTC. At odd minutes, because full hours are when everybody's jobs run. */
const schedule: readonly { readonly task: JobKind; readonly match: string }[] = [
  { task: 'due-reminders', match: '7 * * * *' },
  { task: 'digest', match: '11 5 * * *' },
  { task: 'roll-up', match: '23 * * * *' },
  { task: 'clean-up', match: '41 * * * *' },
];

/** While the setting jobs.concurrency is not set. */
const CONCURRENCY = 2;
/** Connections beside those of running jobs: one that listens, one that shows presence, and two in reserve. */
const OTHER_CONNECTIONS = 4;
/** New jobs announce themselves; only retries wait for this. (docs/decisions/job-queue.md) */
const POLL_MS = 60_000;
/** From the wish to stop: jobs are told by their signal, then left. All of it is over within 3 s. */
const ABORT_AFTER_MS = 1_000;
const LEAVE_AFTER_MS = 2_000;
const RESTART_AFTER_MS = 5_000;

/** Makes the schema of the queue, or brings it to this release; several processes may do so at once. */
export async function migrateJobs(pool: pg.Pool): Promise<void> {
  await runMigrations({ pgPool: pool, schema: jobsSchema, logger: silentLogger });
}

const silentLogger = new Logger(() => () => {});

/** Runs TeamFlow's background jobs in this process, on a pool of their own, so that requests never wait for them. */
export class BackgroundJobs {
  readonly #pool: pg.Pool;
  readonly #agent: JobAgent;
  readonly #log: (message: string) => void;
  readonly #presence: WorkerPresence;
  readonly #taskList: TaskList;
  readonly #stopping = new AbortController();
  #following: Disposable | null = null;
  #runner: Runner | null = null;
  /** What runs jobs at present, also while it is being stopped. */
  readonly #workerPools = new Set<WorkerPool>();
  #wanted = CONCURRENCY;
  #turn: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | null = null;

  constructor({ connection, agent, log }: BackgroundJobsOptions) {
    this.#agent = agent;
    this.#log = log;
    this.#pool = agent.instrument(
      createPool({ ...connection, application_name: 'teamflow jobs', max: CONCURRENCY + OTHER_CONNECTIONS }),
      { name: 'jobs', database: 'main' },
    );
    this.#presence = new WorkerPresence(this.#pool, log);
    const database = createDatabase(this.#pool);
    this.#taskList = Object.fromEntries(
      Object.entries(handlers).map(([kind, handler]) => [
        kind,
        (payload, { job, abortSignal: signal }) =>
          agent.job(kind, { queuedAt: job.run_at, attempt: job.attempts }, () =>
            handler(payload, { database, signal, isLastAttempt: job.attempts >= job.max_attempts }),
          ),
      ]),
    );
  }

  /** Resolves when jobs are being taken. @throws when the database can't be reached */
  async start(): Promise<void> {
    this.#presence.start();
    this.#following = this.#agent.followJobConcurrency(CONCURRENCY, (concurrency) => {
      this.#wanted = concurrency;
      this.#pool.options.max = concurrency + OTHER_CONNECTIONS;
      if (this.#runner !== null) this.#replace();
    });
    this.#runner = await this.#run();
  }

  /** Takes no more jobs and waits for those that run; what has not ended in time runs again later. Takes 3 s at most; never fails. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #run(): Promise<Runner> {
    // Typed by the library; its emitter is Node's.
    const events = new EventEmitter() as WorkerEvents;
    events.on('pool:create', ({ workerPool }) => {
      this.#workerPools.add(workerPool);
      this.#presence.hold(workerPool.id);
    });
    events.on('pool:release', ({ workerPool }) => {
      this.#workerPools.delete(workerPool);
      this.#presence.drop(workerPool.id);
    });
    const runner = await run({
      pgPool: this.#pool,
      schema: jobsSchema,
      taskList: this.#taskList,
      parsedCronItems: parseCronItems(schedule.map((item) => ({ ...item, options: { maxAttempts: 5 } }))),
      concurrency: this.#wanted,
      pollInterval: POLL_MS,
      gracefulShutdownAbortTimeout: ABORT_AFTER_MS,
      noHandleSignals: true,
      events,
      logger: new Logger(() => (level, message) => {
        if (level === 'error') this.#log(`background jobs: ${message}`);
      }),
    });
    // It ends by itself when the database was away for long.
    const ended = (): void => {
      if (this.#runner === runner && this.#stopped === null) this.#replace();
    };
    runner.promise.then(ended, ended);
    return runner;
  }

  /** Puts a new runner in the place of the one there is, which ends the jobs that it has. Tries until that is done. */
  #replace(): void {
    this.#turn = this.#turn.then(async () => {
      const before = this.#runner;
      while (this.#stopped === null) {
        try {
          this.#runner = await this.#run();
          break;
        } catch (error) {
          this.#log(`background jobs: not taken up again yet: ${String(error)}`);
          await sleep(RESTART_AFTER_MS, undefined, { signal: this.#stopping.signal }).catch(() => {});
        }
      }
      // Rejects when it has ended already.
      void before?.stop().catch(() => {});
    });
  }

  async #stop(): Promise<void> {
    this.#following?.[Symbol.dispose]();
    this.#stopping.abort();
    await within(500, this.#turn);
    if (this.#runner !== null) await within(LEAVE_AFTER_MS, this.#runner.stop());
    // What is left has not ended in time: it counts as failed and runs again, after a pause that the queue chooses.
    const left = [...this.#workerPools].map(async (pool) => pool.forcefulShutdown('TeamFlow was stopped.'));
    await within(700, Promise.allSettled(left));
    await within(300, this.#presence.stop());
    // The job that was given back may still be at it, and the queue would ask for a connection to say how it ended: it
    // waits for one until the process has ended, where a refusal would be an error that nobody handles.
    if (left.length > 0) Object.assign(this.#pool, { connect: () => new Promise<never>(() => {}) });
    await within(300, this.#pool.end());
  }
}

/** Waits for `work` at most so long, however it ends. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  const ended = work.then(
    () => waiting.abort(),
    () => waiting.abort(),
  );
  await Promise.race([ended, sleep(ms, undefined, { signal: waiting.signal })]).catch(() => {});
}
