import { randomUUID } from 'node:crypto';
import { autovacuumAdvice } from '../../advise/autovacuum-advice.ts';
import { maintenanceDue } from '../../advise/maintenance-due.ts';
import type { Settings } from '../../config/registry.ts';
import type { DatabaseTable } from '../../contract/database.ts';
import type {
  DatabaseMaintenance,
  MaintenanceDue,
  MaintenanceJob,
  MaintenanceResult,
  MaintenanceRun,
} from '../../contract/database-maintenance.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError, messageOf, toldOf } from '../../kernel/errors.ts';
import { readCounters } from '../../postgres/read-counters.ts';
import { readMaintenanceProgress } from '../../postgres/read-maintenance-progress.ts';
import { readVacuumBlockers } from '../../postgres/read-server.ts';
import { ServerShape } from '../../postgres/server-shape.ts';
import type { Journal, Trial } from '../../storage/ports.ts';
import type { MaintenanceActuator, MaintenanceChange, MaintenanceWork } from '../../tune/maintenance-actuator.ts';
import { maintenanceRefusal } from '../../tune/maintenance-guards.ts';
import type { Change, Orders } from '../../tune/orders.ts';
import type { DatabaseWatch, WatchedDatabases } from './database-watch.ts';

/** What a {@link MaintenanceDesk} is made with. */
export interface MaintenanceDeskOptions {
  readonly watched: WatchedDatabases;
  readonly actuator: MaintenanceActuator;
  /** Asked at each use: it is put together later. */
  readonly orders: () => Orders;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly settings: { readonly current: Settings };
  /** Whose journal automatic runs are written to. */
  readonly ownService: () => string;
  /** Nothing that nobody asked for may be done now. */
  readonly isStopped: () => boolean;
  readonly onTrouble: (message: string) => void;
}

/** What somebody asks for. */
export interface MaintenanceRequest {
  readonly operation: 'vacuum' | 'analyze';
  /** Absent: those that autovacuum is late for. */
  readonly tables?: readonly string[];
  readonly analyze?: boolean;
  readonly full?: boolean;
}

type Wanted = Pick<MaintenanceWork, 'schema' | 'table' | 'analyze'>;
type How = Pick<MaintenanceChange, 'full' | 'origin' | 'service' | 'author'>;

interface Running {
  job: MaintenanceJob;
  readonly database: string;
  readonly abort: AbortController;
  over: Promise<void>;
}

const PROGRESS_MS = 1_000;
const JOBS_KEPT = 50;
const RUNS_SHOWN = 50;
/** A vacuum that could take little is not tried again at once; twice as long each time, up to an hour. */
const FUTILE_MS = 60_000;
const MOST_FUTILE_MS = 3_600_000;
/** Dead rows left, of those before, from which on something holds them back. */
const HELD_BACK = 0.25;

/**
 * Vacuums and analyzes watched databases, asked for or by itself: each table is an order in the journal, one after the other,
 * one at a time on a server.
 */
export class MaintenanceDesk {
  readonly #options: MaintenanceDeskOptions;
  /** Newest first. */
  readonly #jobs: Running[] = [];
  readonly #futile = new Map<string, { readonly untilMs: number; readonly waitMs: number }>();
  readonly #lookedMs = new Map<string, number>();
  #closed = false;

  constructor(options: MaintenanceDeskOptions) {
    this.#options = options;
  }

  /** Why an order may not begin now; null: it may. For the guards. */
  async refusal(change: Change): Promise<string | null> {
    const { watched } = this.#options;
    // Only such changes are asked about.
    const { database } = change as MaintenanceChange;
    return await this.#refusalFor(watched.find(database));
  }

  /**
   * Begins a job; it is followed by {@link job}.
   * @throws AutopilotError AP_TABLE_UNKNOWN, AP_MAINTENANCE_RUNNING, AP_ORDER_REFUSED, and as the database does
   */
  async start(
    database: string | undefined,
    { operation, tables, analyze = false, full = false }: MaintenanceRequest,
    by: { readonly service: string; readonly author: string },
  ): Promise<MaintenanceJob> {
    const watch = this.#options.watched.find(database);
    const known = (await watch.look()).tables;
    const asked: readonly Wanted[] =
      tables === undefined
        ? this.#due(known)
            .filter((one) => one.operation === operation)
            .map((one) => ({ ...named(known, one.table), analyze: one.analyze || analyze }))
        : tables.map((name) => ({ ...named(known, name), analyze }));
    if (asked.length === 0) {
      throw new AutopilotError('AP_MAINTENANCE_FAILED', `No table is due for ${operation.toUpperCase()}.`, {
        remedy: 'Name the tables that are to be done all the same.',
      });
    }
    const refusal = await this.#refusalFor(watch);
    if (refusal !== null) throw new AutopilotError('AP_ORDER_REFUSED', `Nothing was begun. ${refusal}`);
    return this.#begin(watch, operation, asked, { full, origin: 'person', ...by });
  }

  /** null: there is none of this id. */
  job(id: string): MaintenanceJob | null {
    return this.#jobs.find(({ job }) => job.id === id)?.job ?? null;
  }

  /** Ends a job; what is done stays done. Resolves when it has ended. */
  async cancel(id: string): Promise<void> {
    const running = this.#jobs.find(({ job }) => job.id === id);
    running?.abort.abort();
    await running?.over;
  }

  /** @throws as the database does */
  async view(watch: DatabaseWatch, service: string): Promise<DatabaseMaintenance> {
    const { settings, journal } = this.#options;
    const look = await watch.look();
    const trends = await watch.collector.tableTrends().catch(() => null);
    const blockers = await readVacuumBlockers(watch.database, 0);
    const trials = (await journal.history(service, 500, { kind: 'maintenance' })).filter(
      (trial) => workOf(trial).database === watch.name,
    );
    return {
      name: watch.name,
      automatic: settings.current.maintenance.automatic,
      refusal: await this.#refusalFor(watch),
      due: this.#due(look.tables),
      blockers: blockers.value,
      advice: look.tables.flatMap((table) => {
        const trend = trends?.get(`${table.schema}.${table.table}`);
        const advice = trend === undefined ? null : autovacuumAdvice(table, trend);
        return advice === null ? [] : [advice];
      }),
      jobs: this.#jobs.filter(({ database }) => database === watch.name).map(({ job }) => job),
      runs: trials.slice(0, RUNS_SHOWN).map(runOf),
    };
  }

  /** In automatic mode begins what is due; to be called about once a second by who leads. Never rejects. */
  async turn(): Promise<void> {
    const { settings, watched, clock, onTrouble, isStopped } = this.#options;
    const { automatic, everyMs } = settings.current.maintenance;
    if (!automatic || isStopped()) return;
    for (const watch of watched.all) {
      const now = clock.monotonicMs();
      if (now - (this.#lookedMs.get(watch.name) ?? Number.NEGATIVE_INFINITY) < everyMs) continue;
      this.#lookedMs.set(watch.name, now);
      try {
        await this.#maintain(watch);
      } catch (error) {
        onTrouble(`Maintenance of ${watch.name}: ${toldOf(error)}`);
      }
    }
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { abort } of this.#jobs) abort.abort();
    await Promise.all(this.#jobs.map(({ over }) => over));
  }

  async #maintain(watch: DatabaseWatch): Promise<void> {
    if (this.#runningOn(watch.name) !== null) return;
    // Dead and changed rows alone, which is cheap; everything is looked at only when something is due.
    const shape = await ServerShape.read(watch.database);
    const { tables } = await readCounters(watch.database, shape, { tables: true });
    const { deadRatio } = this.#options.settings.current.maintenance;
    const isSuspect = (tables ?? []).some(
      ({ deadRows, liveRows, changedSinceAnalyze }) =>
        (deadRows >= 1_000 && deadRows >= deadRatio * (deadRows + liveRows)) || changedSinceAnalyze >= 1_000,
    );
    if (!isSuspect || (await this.#refusalFor(watch)) !== null) return;
    const now = this.#options.clock.monotonicMs();
    const known = (await watch.lookAgain()).tables;
    const [first] = this.#due(known).filter(
      ({ table }) => (this.#futile.get(`${watch.name} ${table}`)?.untilMs ?? 0) <= now,
    );
    if (first === undefined || this.#closed) return;
    this.#begin(watch, first.operation, [{ ...named(known, first.table), analyze: first.analyze }], {
      full: false,
      origin: 'autopilot',
      service: this.#options.ownService(),
      author: 'autopilot',
    });
  }

  #begin(watch: DatabaseWatch, operation: 'vacuum' | 'analyze', tables: readonly Wanted[], how: How): MaintenanceJob {
    const other = this.#runningOn(watch.name);
    if (other !== null) {
      throw new AutopilotError('AP_MAINTENANCE_RUNNING', `The job ${other.job.id} is at ${watch.name}.`, {
        remedy: 'Wait for it, or cancel it: one table at a time is vacuumed or analyzed.',
      });
    }
    const job: MaintenanceJob = {
      id: randomUUID(),
      operation,
      state: 'running',
      author: how.author,
      startedAt: this.#now(),
      endedAt: null,
      tables: tables.map(({ schema, table }) => ({
        table: `${schema}.${table}`,
        state: 'waiting',
        phase: null,
        progress: 0,
        durationMs: null,
        deadRowsBefore: null,
        deadRowsAfter: null,
        reason: null,
      })),
    };
    const running: Running = { job, database: watch.name, abort: new AbortController(), over: Promise.resolve() };
    this.#jobs.unshift(running);
    // One that runs stays: it has to be found to be cancelled, and not to be begun a second time.
    const oldest = this.#jobs.findLastIndex((one) => one.job.state !== 'running');
    if (this.#jobs.length > JOBS_KEPT && oldest !== -1) this.#jobs.splice(oldest, 1);
    running.over = this.#run(running, watch, tables, how);
    return job;
  }

  async #run(running: Running, watch: DatabaseWatch, tables: readonly Wanted[], how: How): Promise<void> {
    const { signal } = running.abort;
    for (const [at, table] of tables.entries()) {
      if (signal.aborted) this.#set(running, at, { state: 'cancelled' });
      else await this.#runOne(running, watch, at, table, how);
    }
    const states = running.job.tables.map(({ state }) => state);
    const state = signal.aborted ? 'cancelled' : states.includes('failed') ? 'failed' : 'done';
    running.job = { ...running.job, state, endedAt: this.#now() };
  }

  async #runOne(
    running: Running,
    watch: DatabaseWatch,
    at: number,
    { schema, table, analyze }: Wanted,
    how: How,
  ): Promise<void> {
    const { orders, actuator, settings } = this.#options;
    const { operation, id } = running.job;
    const { costDelayMs, lockTimeoutMs, statementTimeoutMs } = settings.current.maintenance;
    let timer: NodeJS.Timeout | null = null;
    this.#set(running, at, { state: 'running' });
    try {
      const outcome = await orders().carryOut<MaintenanceChange, Awaited<ReturnType<MaintenanceActuator['apply']>>>(
        {
          ...how,
          kind: 'maintenance',
          subject: `${operation.toUpperCase()} ${schema}.${table} in ${watch.name}`,
          database: watch.name,
          schema,
          table,
          operation,
          analyze,
          job: id,
          limits: { costDelayMs, lockTimeoutMs, statementTimeoutMs },
          signal: running.abort.signal,
          onBegun: (connection) => {
            timer = setInterval(() => void this.#follow(running, watch, at, connection), PROGRESS_MS);
          },
        },
        actuator,
      );
      const { durationMs, deadRowsBefore, deadRowsAfter } = outcome;
      const isHeld = operation === 'vacuum' && deadRowsAfter >= 1_000 && deadRowsAfter > HELD_BACK * deadRowsBefore;
      const reason = isHeld ? await this.#heldBack(watch, deadRowsAfter) : null;
      this.#set(running, at, {
        state: 'done',
        phase: null,
        progress: 1,
        durationMs,
        deadRowsBefore,
        deadRowsAfter,
        reason,
      });
      this.#noteFutile(`${watch.name} ${schema}.${table}`, isHeld);
    } catch (error) {
      const isCancelled = running.abort.signal.aborted;
      this.#set(running, at, { state: isCancelled ? 'cancelled' : 'failed', phase: null, reason: messageOf(error) });
      this.#noteFutile(`${watch.name} ${schema}.${table}`, true);
    } finally {
      if (timer !== null) clearInterval(timer);
    }
  }

  async #follow(running: Running, watch: DatabaseWatch, at: number, connection: string): Promise<void> {
    // Progress is a courtesy: what it can't be read for is told by the run itself.
    const progress = await readMaintenanceProgress(watch.database, connection).catch(() => null);
    if (progress === null || running.job.tables[at]?.state !== 'running') return;
    this.#set(running, at, { phase: progress.phase, progress: progress.ratio });
  }

  async #heldBack(watch: DatabaseWatch, left: number): Promise<string> {
    const { value } = await readVacuumBlockers(watch.database, 0).catch(() => ({ value: [] }));
    const [oldest] = value;
    const rows = `${Math.round(left)} dead rows could not be taken`;
    if (oldest === undefined) return `${rows}; nothing is seen that would hold them back now.`;
    return `${rows}: the ${oldest.kind} ${oldest.name} may still see them (${Math.round(oldest.age)} transactions old).`;
  }

  #noteFutile(key: string, isFutile: boolean): void {
    if (!isFutile) {
      this.#futile.delete(key);
      return;
    }
    const waitMs = Math.min(MOST_FUTILE_MS, (this.#futile.get(key)?.waitMs ?? FUTILE_MS / 2) * 2);
    this.#futile.set(key, { waitMs, untilMs: this.#options.clock.monotonicMs() + waitMs });
  }

  #set(running: Running, at: number, change: Partial<MaintenanceResult>): void {
    const tables = running.job.tables.map((one, index) => (index === at ? { ...one, ...change } : one));
    running.job = { ...running.job, tables };
  }

  #runningOn(database: string): Running | null {
    return this.#jobs.find((one) => one.database === database && one.job.state === 'running') ?? null;
  }

  #due(tables: readonly DatabaseTable[]): readonly MaintenanceDue[] {
    const { deadRatio } = this.#options.settings.current.maintenance;
    return tables
      .flatMap((table) => maintenanceDue(table, deadRatio) ?? [])
      .sort((a, b) => b.urgency - a.urgency || a.table.localeCompare(b.table));
  }

  async #refusalFor(watch: DatabaseWatch): Promise<string | null> {
    const { settings, clock } = this.#options;
    const { protectedWindows, maxActive } = settings.current.maintenance;
    const active = await activeConnections(watch).catch(() => null);
    return maintenanceRefusal({ protectedWindows, maxActive }, clock.now(), active);
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

/** As of now: what was collected may be a while ago. */
async function activeConnections({ database }: DatabaseWatch): Promise<number> {
  const [row] = await database.read<{ active: number }>(
    `SELECT count(*)::int AS active FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND state = 'active' AND application_name NOT LIKE 'autopilot%'`,
  );
  return row?.active ?? 0;
}

/** @throws AutopilotError AP_TABLE_UNKNOWN */
function named(tables: readonly DatabaseTable[], name: string): Pick<MaintenanceWork, 'schema' | 'table'> {
  const alike = tables.filter(({ table }) => table === name);
  const found =
    tables.find(({ schema, table }) => `${schema}.${table}` === name) ??
    alike.find(({ schema }) => schema === 'public') ??
    (alike.length === 1 ? alike[0] : undefined);
  if (found !== undefined) return { schema: found.schema, table: found.table };
  if (alike.length > 1) {
    // Not to be guessed: FULL locks the one it takes.
    const names = alike.map(({ schema, table }) => `${schema}.${table}`).join(', ');
    throw new AutopilotError('AP_TABLE_UNKNOWN', `${JSON.stringify(name)} may be any of ${names}.`, {
      remedy: 'Name it with its schema.',
    });
  }
  throw new AutopilotError('AP_TABLE_UNKNOWN', `There is no table ${JSON.stringify(name)}.`, {
    remedy: 'Name it with its schema, as /performance/database/tables does: "public.tasks".',
  });
}

function workOf({ change }: Trial): MaintenanceWork {
  return change as unknown as MaintenanceWork; // the actuator wrote it
}

const states = {
  proposed: 'running',
  applying: 'running',
  watching: 'done',
  reverting: 'ended',
  kept: 'done',
  reverted: 'ended',
  refused: 'refused',
} as const;

function runOf(trial: Trial): MaintenanceRun {
  const { schema, table, operation, job } = workOf(trial);
  const state = states[trial.state];
  return {
    order: trial.id,
    job,
    table: `${schema}.${table}`,
    operation,
    state,
    reason: trial.reason,
    author: trial.author,
    authorName: null,
    byItself: trial.origin === 'autopilot',
    at: trial.at,
    endedAt: state === 'running' ? null : trial.updatedAt,
  };
}
