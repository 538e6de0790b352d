import type { Clock, EpochMs } from '../kernel/clock.ts';
import { messageOf, toldOf } from '../kernel/errors.ts';
import type { ObservedDatabase } from '../postgres/observed-database.ts';
import {
  type CountedDatabase,
  type CountedTable,
  type CountersReading,
  readCounters,
} from '../postgres/read-counters.ts';
import { readStatementTexts } from '../postgres/read-statements.ts';
import { readSizes } from '../postgres/relation-sizes.ts';
import { ServerShape } from '../postgres/server-shape.ts';
import { StatementCounts } from '../postgres/statement-counts.ts';
import {
  type Counters,
  type DatabaseHistory,
  type StatementIncrease,
  type StatementStanding,
  statementStepsMs,
  type TableHour,
  type TableStanding,
} from '../storage/database-history.ts';
import { PlanWatch, planChanges } from './plan-watch.ts';
import { StatementDeltas } from './statement-deltas.ts';
import { type StatementTrend, statementTrend } from './statement-trend.ts';
import { type TableTrend, tableTrend } from './table-trend.ts';

/** How often a database is read; settings decide. */
export interface CollectorSettings {
  readonly collect: boolean;
  readonly collectMs: number;
  readonly tablesMs: number;
  readonly sizesMs: number;
  /** Statements that are planned a minute. */
  readonly plansPerMinute: number;
}

/** What {@link DatabaseCollector} is made with. */
export interface DatabaseCollectorOptions {
  /** The watched database's. */
  readonly name: string;
  /** Asked at the first reading. */
  readonly database: () => ObservedDatabase;
  readonly history: DatabaseHistory;
  readonly clock: Clock;
  /** Asked at each turn. */
  readonly settings: () => CollectorSettings;
}

/** How collecting goes. */
export interface CollectorStatus {
  /** null: nothing is wrong. */
  readonly trouble: string | null;
  /** When it was read last; null: not yet. */
  readonly readAt: EpochMs | null;
  /** Share of all calls that came and were forgotten unread since the control plane started; null: not known. */
  readonly unseenRatio: number | null;
}

/** What is kept of a database that was not handed on yet. */
interface Pending {
  readonly increases: Map<string, StatementIncrease>;
  readonly standings: Map<string, StatementStanding>;
  unseenCalls: number | null;
  readings: number;
  processingMs: number;
}

const FLUSH_MS = 60_000;
/** A server gets another shape when it is upgraded, or an extension comes. */
const SHAPE_MS = 5 * 60_000;
const PRUNE_MS = 3_600_000;
/** A table's row of the hour is written so often. */
const TABLES_KEPT_MS = 10 * 60_000;
const TRENDS_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const USUAL_MS = 8 * DAY_MS;
const GROWTH_MS = 7 * DAY_MS;
/** Statements of a minute that are kept one by one; the rest are in the database's totals. */
const MOST_STATEMENTS = 200;

/**
 * Reads one watched database regularly and keeps what has happened: what statements did, how tables grow, what the connections are at. One
 * control plane of a fleet does it. What it costs the server is told by the server itself, which counts our statements too.
 */
export class DatabaseCollector {
  readonly name: string;
  readonly #options: DatabaseCollectorOptions;
  readonly #plans: PlanWatch;
  readonly #counts = new StatementCounts();
  #deltas: StatementDeltas | null = null;
  /** Of every statement that was ever read; own ones are left out of everything but the cost. */
  readonly #texts = new Map<string, { readonly text: string; readonly isOwn: boolean }>();
  #shape: { readonly shape: ServerShape; readonly atMs: number } | null = null;
  #pending: Pending = emptyPending();
  #before: CountedDatabase | null = null;
  #last: CountedDatabase | null = null;
  #tables: readonly CountedTable[] = [];
  /** By oid. */
  readonly #sizes = new Map<string, number>();
  /** Tables as they were handed on last, to leave out those that stand still. */
  readonly #handedOn = new Map<string, string>();
  readonly #dueMs = { read: 0, tables: 0, sizes: 0, flush: Number.POSITIVE_INFINITY, prune: 0, tablesKept: 0 };
  #seenCalls = 0;
  #unseenCalls: number | null = null;
  #status: CollectorStatus = { trouble: null, readAt: null, unseenRatio: null };
  #turning: Promise<void> | null = null;
  #trends: { readonly atMs: number; readonly answer: Promise<ReadonlyMap<string, StatementTrend>> } | null = null;
  #tableTrends: { readonly atMs: number; readonly answer: Promise<ReadonlyMap<string, TableTrend>> } | null = null;

  constructor(options: DatabaseCollectorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#plans = new PlanWatch(options.name, options.history);
  }

  get status(): CollectorStatus {
    return this.#status;
  }

  /** Tables as they were counted last, by name with schema; empty: not yet. */
  get tables(): readonly CountedTable[] {
    return this.#tables;
  }

  /** The database as it was counted last; null: not yet. */
  get vitals(): CountedDatabase | null {
    return this.#last;
  }

  /** Reads and hands on what is due; to be called about once a second. Never rejects, and never runs twice at once. */
  turn(): Promise<void> {
    this.#turning ??= this.#turn().finally(() => {
      this.#turning = null;
    });
    return this.#turning;
  }

  /** Hands on what was not yet; for the end. */
  async close(): Promise<void> {
    await this.#turning;
    if (this.#dueMs.flush !== Number.POSITIVE_INFINITY) await this.#flush().catch(() => {});
  }

  /** Whether statements take as long as usual, by {@link trendKey}; looked at every five minutes. */
  statementTrends(): Promise<ReadonlyMap<string, StatementTrend>> {
    this.#trends = this.#kept(this.#trends, () => this.#computeTrends());
    return this.#trends.answer;
  }

  /** How tables change, by name with schema; looked at every five minutes. */
  tableTrends(): Promise<ReadonlyMap<string, TableTrend>> {
    this.#tableTrends = this.#kept(this.#tableTrends, () => this.#computeTableTrends());
    return this.#tableTrends.answer;
  }

  /** The text of a statement that was read, without literals. */
  textOf(queryId: string): string | null {
    return this.#texts.get(queryId)?.text ?? null;
  }

  async #turn(): Promise<void> {
    const { clock, settings } = this.#options;
    const { collect, collectMs } = settings();
    const now = clock.monotonicMs();
    if (!collect || now < this.#dueMs.read) return;
    this.#dueMs.read = now + collectMs;
    try {
      await this.#read(now);
      this.#status = { ...this.#status, trouble: null, readAt: clock.now() };
      if (now >= this.#dueMs.flush) await this.#flush();
      if (now >= this.#dueMs.prune) {
        this.#dueMs.prune = now + PRUNE_MS;
        await this.#options.history.prune(clock.now());
      }
    } catch (error) {
      this.#shape = null;
      this.#status = { ...this.#status, trouble: toldOf(error) };
    }
  }

  async #read(now: number): Promise<void> {
    const { settings } = this.#options;
    const { tablesMs, sizesMs } = settings();
    const database = this.#options.database();
    const shape = await this.#shapeOf(database, now);
    const deltas = (this.#deltas ??= await this.#begin());
    const isTablesDue = now >= this.#dueMs.tables;
    const reading = await readCounters(database, shape, { tables: isTablesDue, counts: this.#counts });
    const startedAtMs = performance.now();
    this.#take(deltas, reading);
    this.#pending.processingMs += performance.now() - startedAtMs;
    this.#pending.readings++;
    if (isTablesDue) this.#dueMs.tables = now + tablesMs;
    if (now >= this.#dueMs.sizes) {
      this.#dueMs.sizes = now + sizesMs;
      const { value } = await readSizes(database, 'tables');
      for (const { oid } of this.#tables) {
        const size = value.get(oid)?.totalBytes;
        if (size !== undefined) this.#sizes.set(oid, size);
      }
    }
    // The first minute is handed on as soon as there is something to compare with.
    if (this.#dueMs.flush === Number.POSITIVE_INFINITY) this.#dueMs.flush = now + FLUSH_MS;
  }

  async #begin(): Promise<StatementDeltas> {
    const standings = await this.#options.history.standings(this.name);
    for (const { queryId, text, isOwn } of standings) if (text !== null) this.#texts.set(queryId, { text, isOwn });
    return new StatementDeltas(standings);
  }

  async #shapeOf(database: ObservedDatabase, now: number): Promise<ServerShape> {
    if (this.#shape === null || now - this.#shape.atMs >= SHAPE_MS) {
      this.#shape = { shape: await ServerShape.read(database), atMs: now };
    }
    return this.#shape.shape;
  }

  #take(deltas: StatementDeltas, { statements, database, tables }: CountersReading): void {
    const pending = this.#pending;
    this.#before ??= database;
    this.#last = database;
    if (tables !== null) this.#tables = tables;
    if (statements === null) return;
    const isFirst = deltas.size === 0;
    const { increases, unseenCalls } = deltas.advance(statements);
    if (unseenCalls !== null) pending.unseenCalls = (pending.unseenCalls ?? 0) + unseenCalls;
    for (const one of increases) {
      const key = trendKey(one);
      const known = pending.increases.get(key);
      pending.increases.set(key, known === undefined ? one : { ...one, counters: sumOf(known.counters, one.counters) });
    }
    // Where counting begins all are kept once; then those that moved.
    const moved = isFirst ? null : new Set(increases.map(trendKey));
    for (const { queryId, role, since, counters } of statements.statements) {
      const key = trendKey({ queryId, role });
      if (moved === null || moved.has(key)) {
        pending.standings.set(key, { queryId, role, since, counters, text: null, isOwn: false });
      }
    }
  }

  async #flush(): Promise<void> {
    const { clock, history } = this.#options;
    const pending = this.#pending;
    const statements = [...pending.increases.values()];
    await this.#learnTexts([...pending.standings.values()].map(({ queryId }) => queryId));
    const isOwn = ({ queryId }: { readonly queryId: string }): boolean => this.#texts.get(queryId)?.isOwn === true;
    const others = statements.filter((one) => !isOwn(one));
    const sum = (rows: readonly StatementIncrease[], name: keyof Counters): number =>
      rows.reduce((all, { counters }) => all + counters[name], 0);
    const calls = sum(others, 'calls');
    const [before, last] = [this.#before, this.#last];
    const risen = (name: keyof CountedDatabase): number | null =>
      before === null || last === null ? null : Math.max(0, last[name] - before[name]);
    const isTablesDue = clock.monotonicMs() >= this.#dueMs.tablesKept;
    const tables = isTablesDue
      ? this.#tables.map((table) => this.#standingOf(table)).filter((one) => this.#hasChanged(one))
      : [];
    await history.append(this.name, {
      at: clock.now(),
      standings: [...pending.standings.values()].map((one) => ({
        ...one,
        text: this.#texts.get(one.queryId)?.text ?? null,
        isOwn: isOwn(one),
      })),
      increases: others.toSorted((a, b) => b.counters.totalMs - a.counters.totalMs).slice(0, MOST_STATEMENTS),
      sample: {
        connections: last?.connections ?? null,
        active: last?.active ?? null,
        idleInTransaction: last?.idleInTransaction ?? null,
        waitingForLocks: last?.waitingForLocks ?? null,
        oldestTransactionMs: last?.oldestTransactionMs ?? null,
        transactions: risen('transactions'),
        rollbacks: risen('rollbacks'),
        pagesHit: risen('pagesHit'),
        pagesRead: risen('pagesRead'),
        tempBytes: risen('tempBytes'),
        deadlocks: risen('deadlocks'),
        identifiers: risen('identifiers'),
        calls,
        statementMs: sum(others, 'totalMs'),
        unseenCalls: pending.unseenCalls,
        readings: pending.readings,
        readingMs: sum(statements.filter(isOwn), 'totalMs'),
        processingMs: pending.processingMs,
      },
      tables,
    });
    // Only what was kept is forgotten here: after a failure it is handed on with the next minute.
    if (isTablesDue) this.#dueMs.tablesKept = clock.monotonicMs() + TABLES_KEPT_MS;
    for (const one of tables) this.#handedOn.set(one.relation, JSON.stringify(one));
    this.#seenCalls += calls;
    if (pending.unseenCalls !== null) this.#unseenCalls = (this.#unseenCalls ?? 0) + pending.unseenCalls;
    const all = this.#seenCalls + (this.#unseenCalls ?? 0);
    this.#status = {
      ...this.#status,
      unseenRatio: this.#unseenCalls === null ? null : all === 0 ? 0 : this.#unseenCalls / all,
    };
    this.#pending = emptyPending();
    this.#before = last;
    this.#dueMs.flush = clock.monotonicMs() + FLUSH_MS;
    await this.#watchPlans(others);
  }

  async #watchPlans(statements: readonly StatementIncrease[]): Promise<void> {
    const { clock, database, settings } = this.#options;
    const dearest = statements
      .toSorted((a, b) => b.counters.totalMs - a.counters.totalMs)
      .map(({ queryId }) => ({ queryId, text: this.textOf(queryId) ?? '' }));
    const now = { nowMs: clock.monotonicMs(), at: clock.now() };
    await this.#plans.turn(database(), dearest, settings().plansPerMinute, now);
  }

  /** Texts are read once for each statement: they are the dear part. */
  async #learnTexts(queryIds: readonly string[]): Promise<void> {
    const unknown = [...new Set(queryIds)].filter((id) => !this.#texts.has(id));
    if (unknown.length === 0 || this.#shape === null) return;
    const texts = await readStatementTexts(this.#options.database(), this.#shape.shape, unknown);
    for (const [id, one] of texts) this.#texts.set(id, one);
  }

  #standingOf(counted: CountedTable): TableStanding {
    const { oid, changedSinceAnalyze: _changed, ...table } = counted;
    return { ...table, totalBytes: this.#sizes.get(oid) ?? null };
  }

  #hasChanged(standing: TableStanding): boolean {
    return this.#handedOn.get(standing.relation) !== JSON.stringify(standing);
  }

  async #computeTrends(): Promise<ReadonlyMap<string, StatementTrend>> {
    const { history, clock } = this.#options;
    const now = clock.now();
    const from = now - HOUR_MS;
    const recent = new Map(
      (await history.increases(this.name, statementStepsMs.minute, from, now + 1)).map((one) => [trendKey(one), one]),
    );
    const steps = await history.steps(this.name, statementStepsMs.hour, now - USUAL_MS, from - HOUR_MS, null);
    const isLongWatched = now - (steps[0]?.at ?? now) >= DAY_MS;
    const hours = Map.groupBy(steps, trendKey);
    const changes = planChanges(await history.plans(this.name, null), now);
    const keys = new Set([...recent.keys(), ...hours.keys()]);
    return new Map(
      [...keys].map((key) => [
        key,
        statementTrend({
          recent: recent.get(key) ?? null,
          hours: hours.get(key) ?? [],
          isLongWatched,
          planChange: changes.get(key.slice(0, key.indexOf(' '))),
        }),
      ]),
    );
  }

  async #computeTableTrends(): Promise<ReadonlyMap<string, TableTrend>> {
    const { history, clock } = this.#options;
    const now = clock.now();
    const rows = await history.tableHours(this.name, now - GROWTH_MS, now + 1, null);
    const hours = Map.groupBy(rows, ({ relation }: TableHour) => relation);
    // A table that stands still has no rows of late: it stands as it was counted last.
    const at = Math.floor(now / HOUR_MS) * HOUR_MS;
    const standing = new Map(this.#tables.map((table) => [table.relation, { ...this.#standingOf(table), at }]));
    return new Map(
      [...hours].map(([relation, rest]) => {
        const last = standing.get(relation);
        return [relation, tableTrend(last === undefined ? rest : [...rest.filter((one) => one.at < at), last])];
      }),
    );
  }

  #kept<T>(
    known: { readonly atMs: number; readonly answer: Promise<T> } | null,
    compute: () => Promise<T>,
  ): { readonly atMs: number; readonly answer: Promise<T> } {
    const atMs = this.#options.clock.monotonicMs();
    if (known !== null && atMs - known.atMs < TRENDS_MS) return known;
    const answer = compute();
    answer.catch((error: unknown) => {
      // Asked again by whoever comes next.
      if (this.#trends?.answer === answer) this.#trends = null;
      if (this.#tableTrends?.answer === answer) this.#tableTrends = null;
      this.#status = { ...this.#status, trouble: messageOf(error) };
    });
    return { atMs, answer };
  }
}

/** Names a statement in the maps of trends. */
export function trendKey({ queryId, role }: { readonly queryId: string; readonly role: string }): string {
  return `${queryId} ${role}`;
}

function emptyPending(): Pending {
  return { increases: new Map(), standings: new Map(), unseenCalls: null, readings: 0, processingMs: 0 };
}

function sumOf(a: Counters, b: Counters): Counters {
  // Every name is written.
  return Object.fromEntries(
    Object.entries(a).map(([name, value]) => [name, value + b[name as keyof Counters]]),
  ) as Counters;
}
