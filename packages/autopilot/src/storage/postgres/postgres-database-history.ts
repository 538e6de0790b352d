import pg from 'pg';
import type { IndexAdviceRun } from '../../contract/index-advice.ts';
import { statementCounters } from '../../contract/statement-counters.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import {
  type Counters,
  type DatabaseBatch,
  type DatabaseHistory,
  type DatabaseSample,
  databaseHistoryKeptMs,
  type FoundPlan,
  type StatementIncrease,
  type StatementKey,
  type StatementStanding,
  type StatementStep,
  type StatementStepMs,
  type StoredPlan,
  statementStepsMs,
  type TableHour,
  type TableStanding,
} from '../database-history.ts';
import { type StoreClient, StoreConnection } from './store-connection.ts';

interface CountersRow {
  readonly query_id: string;
  readonly role: string;
  readonly counters: readonly number[];
}

interface TableRow extends Omit<TableStanding, 'totalBytes' | 'liveRows' | 'deadRows' | 'hotUpdated'> {
  readonly at: Date;
  readonly total_bytes: number | null;
  readonly live_rows: number;
  readonly dead_rows: number;
  readonly hot_updated: number;
}

interface PlanRow {
  readonly query_id: string;
  readonly fingerprint: string;
  readonly first_at: Date;
  readonly since_at: Date;
  readonly last_at: Date;
  readonly cost: number;
  readonly steps: StoredPlan['steps'];
}

/** In the order of statementCounters. */
const columns = statementCounters.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
const COLUMNS = columns.join(', ');
const ARRAY = `ARRAY[${COLUMNS}]`;
const SUMS = `ARRAY[${columns.map((column) => `sum(${column})`).join(', ')}]`;

/** Parameters of arrays, one for each counter, from `$first` on. */
function counterParameters(first: number): string {
  return columns.map((_, at) => `$${first + at}::float8[]`).join(', ');
}

/** What is seen of watched databases in PostgreSQL, schema `autopilot`. Methods throw as storeError says. */
export class PostgresDatabaseHistory implements DatabaseHistory {
  readonly #connection: StoreConnection;

  /** @param connectionString `postgres://...` */
  constructor(connectionString: string) {
    this.#connection = new StoreConnection((settings) => new pg.Pool({ ...settings, connectionString }), {
      maxConnections: 2,
      statementTimeoutMs: 10_000,
    });
  }

  async standings(database: string): Promise<readonly StatementStanding[]> {
    const rows = await this.#connection.query<
      CountersRow & { readonly text: string | null; readonly is_own: boolean; readonly since: string | null }
    >(
      'Reading what statements had counted',
      `SELECT query_id, role, text, is_own, since, ${ARRAY} AS counters
       FROM autopilot.database_statements WHERE database = $1`,
      [database],
    );
    return rows.map((row) => ({
      ...increaseOf(row),
      text: row.text,
      isOwn: row.is_own,
      since: row.since,
    }));
  }

  async append(database: string, batch: DatabaseBatch): Promise<void> {
    const at = new Date(batch.at);
    await this.#connection.transaction('Keeping what was seen of a database', 'BEGIN', async (client) => {
      // An answer that got lost makes one come twice.
      const { rowCount } = await client.query(
        `INSERT INTO autopilot.database_samples (database, at, values) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
        [database, at, JSON.stringify(batch.sample)],
      );
      if (rowCount === 0) return;
      await putStandings(client, database, at, batch.standings);
      for (const stepMs of Object.values(statementStepsMs)) {
        await addIncreases(client, database, stepMs, at, batch.increases);
      }
      await putTables(client, database, at, batch.tables);
    });
  }

  async increases(
    database: string,
    stepMs: StatementStepMs,
    from: EpochMs,
    to: EpochMs,
  ): Promise<readonly StatementIncrease[]> {
    const rows = await this.#connection.query<CountersRow>(
      'Reading what statements did',
      `SELECT query_id, role, ${SUMS} AS counters FROM autopilot.database_statement_steps
       WHERE database = $1 AND step_ms = $2 AND at >= $3 AND at < $4 GROUP BY 1, 2`,
      [database, stepMs, new Date(from), new Date(to)],
    );
    return rows.map(increaseOf);
  }

  async steps(
    database: string,
    stepMs: StatementStepMs,
    from: EpochMs,
    to: EpochMs,
    queryId: string | null,
  ): Promise<readonly StatementStep[]> {
    const rows = await this.#connection.query<CountersRow & { readonly at: Date }>(
      'Reading what statements did',
      `SELECT query_id, role, at, ${ARRAY} AS counters FROM autopilot.database_statement_steps
       WHERE database = $1 AND step_ms = $2 AND at >= $3 AND at < $4${queryId === null ? '' : ' AND query_id = $5'}
       ORDER BY at`,
      [database, stepMs, new Date(from), new Date(to), ...(queryId === null ? [] : [queryId])],
    );
    return rows.map((row) => ({ ...increaseOf(row), at: row.at.getTime() }));
  }

  async samples(database: string, from: EpochMs, to: EpochMs): Promise<readonly DatabaseSample[]> {
    const rows = await this.#connection.query<{ readonly at: Date; readonly values: DatabaseSample['values'] }>(
      'Reading samples of a database',
      `SELECT at, values FROM autopilot.database_samples WHERE database = $1 AND at >= $2 AND at < $3 ORDER BY at`,
      [database, new Date(from), new Date(to)],
    );
    return rows.map(({ at, values }) => ({ at: at.getTime(), values }));
  }

  async tableHours(
    database: string,
    from: EpochMs,
    to: EpochMs,
    relation: string | null,
  ): Promise<readonly TableHour[]> {
    const rows = await this.#connection.query<TableRow>(
      'Reading how tables grew',
      `SELECT at, relation, total_bytes, live_rows, dead_rows, inserted, updated, deleted, hot_updated, vacuums
       FROM autopilot.database_table_hours
       WHERE database = $1 AND at >= $2 AND at < $3 AND ($4::text IS NULL OR relation = $4) ORDER BY at`,
      [database, new Date(from), new Date(to), relation],
    );
    return rows.map(({ at, total_bytes, live_rows, dead_rows, hot_updated, ...rest }) => ({
      ...rest,
      at: at.getTime(),
      totalBytes: total_bytes,
      liveRows: live_rows,
      deadRows: dead_rows,
      hotUpdated: hot_updated,
    }));
  }

  async indexAdvice(database: string): Promise<IndexAdviceRun | null> {
    const [row] = await this.#connection.query<{ readonly run: IndexAdviceRun }>(
      'Reading index advice',
      `SELECT run FROM autopilot.index_advice WHERE database = $1`,
      [database],
    );
    return row?.run ?? null;
  }

  async keepIndexAdvice(run: IndexAdviceRun & { readonly endedAt: string }): Promise<void> {
    await this.#connection.query(
      'Keeping index advice',
      `INSERT INTO autopilot.index_advice AS a (database, ended_at, run) VALUES ($1, $2, $3)
       ON CONFLICT (database) DO UPDATE SET ended_at = excluded.ended_at, run = excluded.run WHERE a.ended_at <= excluded.ended_at`,
      // A zero byte is nothing that JSON in PostgreSQL can hold.
      [run.database, run.endedAt, JSON.stringify(run, withoutZeros)],
    );
  }

  async keepPlan(database: string, at: EpochMs, { queryId, fingerprint, cost, steps }: FoundPlan): Promise<void> {
    await this.#connection.query(
      'Keeping the plan of a statement',
      `INSERT INTO autopilot.database_plans AS p (database, query_id, fingerprint, first_at, since_at, last_at, cost, steps)
       VALUES ($1, $2, $3, $4, $4, $4, $5, $6)
       ON CONFLICT (database, query_id, fingerprint) DO UPDATE SET last_at = excluded.last_at, cost = excluded.cost,
         steps = excluded.steps, since_at = CASE WHEN EXISTS (
           SELECT FROM autopilot.database_plans o
           WHERE o.database = p.database AND o.query_id = p.query_id AND o.last_at > p.last_at)
         THEN excluded.since_at ELSE p.since_at END`,
      [database, queryId, fingerprint, new Date(at), cost, JSON.stringify(steps)],
    );
  }

  async plans(database: string, queryId: string | null): Promise<readonly StoredPlan[]> {
    const rows = await this.#connection.query<PlanRow>(
      'Reading the plans of statements',
      `SELECT query_id, fingerprint, first_at, since_at, last_at, cost, ${queryId === null ? "'[]'::jsonb AS steps" : 'steps'}
       FROM autopilot.database_plans WHERE database = $1 AND ($2::text IS NULL OR query_id = $2) ORDER BY last_at DESC`,
      [database, queryId],
    );
    return rows.map(({ query_id, fingerprint, first_at, since_at, last_at, cost, steps }) => ({
      queryId: query_id,
      fingerprint,
      cost,
      steps,
      firstAt: first_at.getTime(),
      sinceAt: since_at.getTime(),
      lastAt: last_at.getTime(),
    }));
  }

  async prune(now: EpochMs): Promise<void> {
    const before = (keptMs: number): Date => new Date(now - keptMs);
    const { minutes, hours, samples, standings } = databaseHistoryKeptMs;
    const drop = async (sql: string, values: readonly unknown[]): Promise<void> => {
      await this.#connection.query('Dropping what is old of databases', `DELETE FROM autopilot.${sql}`, values);
    };
    const steps = 'database_statement_steps WHERE step_ms = $1 AND at < $2';
    await drop(steps, [statementStepsMs.minute, before(minutes)]);
    await drop(steps, [statementStepsMs.hour, before(hours)]);
    await drop('database_samples WHERE at < $1', [before(samples)]);
    await drop('database_table_hours WHERE at < $1', [before(hours)]);
    await drop('database_plans WHERE last_at < $1', [before(hours)]);
    await drop('database_statements WHERE seen_at < $1', [before(standings)]);
  }

  /** Waits for what is running. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}

function withoutZeros(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '') : value;
}

function increaseOf({ query_id: queryId, role, counters }: CountersRow): StatementIncrease {
  const named = statementCounters.map((name, at) => [name, counters[at] ?? 0]);
  // Every name is written.
  return { queryId, role, counters: Object.fromEntries(named) as Counters };
}

function countersOf(rows: readonly (StatementKey & { readonly counters: Counters })[]): number[][] {
  return statementCounters.map((name) => rows.map(({ counters }) => counters[name]));
}

async function putStandings(
  client: StoreClient,
  database: string,
  at: Date,
  rows: readonly StatementStanding[],
): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `INSERT INTO autopilot.database_statements (database, seen_at, query_id, role, text, is_own, since, ${COLUMNS})
     SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::bool[], $7::text[], ${counterParameters(8)})
     ON CONFLICT (database, query_id, role) DO UPDATE SET seen_at = excluded.seen_at, is_own = excluded.is_own,
       text = coalesce(excluded.text, database_statements.text), since = excluded.since,
       ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    [
      database,
      at,
      rows.map(({ queryId }) => queryId),
      rows.map(({ role }) => role),
      rows.map(({ text }) => text),
      rows.map(({ isOwn }) => isOwn),
      rows.map(({ since }) => since),
      ...countersOf(rows),
    ],
  );
}

async function addIncreases(
  client: StoreClient,
  database: string,
  stepMs: StatementStepMs,
  at: Date,
  rows: readonly StatementIncrease[],
): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `INSERT INTO autopilot.database_statement_steps AS s (database, step_ms, at, query_id, role, ${COLUMNS})
     SELECT $1, $2, $3, * FROM unnest($4::text[], $5::text[], ${counterParameters(6)})
     ON CONFLICT (database, step_ms, at, query_id, role) DO UPDATE SET
       ${columns.map((column) => `${column} = s.${column} + excluded.${column}`).join(', ')}`,
    [
      database,
      stepMs,
      new Date(Math.floor(at.getTime() / stepMs) * stepMs),
      rows.map(({ queryId }) => queryId),
      rows.map(({ role }) => role),
      ...countersOf(rows),
    ],
  );
}

async function putTables(
  client: StoreClient,
  database: string,
  at: Date,
  rows: readonly TableStanding[],
): Promise<void> {
  if (rows.length === 0) return;
  const names = ['total_bytes', 'live_rows', 'dead_rows', 'inserted', 'updated', 'deleted', 'hot_updated', 'vacuums'];
  const list = names.join(', ');
  await client.query(
    `INSERT INTO autopilot.database_table_hours AS h (database, at, relation, ${list})
     SELECT $1, $2, * FROM unnest($3::text[], ${names.map((_, index) => `$${index + 4}::float8[]`).join(', ')})
     ON CONFLICT (database, at, relation) DO UPDATE SET total_bytes = coalesce(excluded.total_bytes, h.total_bytes),
       ${names
         .slice(1)
         .map((name) => `${name} = excluded.${name}`)
         .join(', ')}`,
    [
      database,
      new Date(Math.floor(at.getTime() / statementStepsMs.hour) * statementStepsMs.hour),
      rows.map(({ relation }) => relation),
      rows.map(({ totalBytes }) => totalBytes),
      rows.map(({ liveRows }) => liveRows),
      rows.map(({ deadRows }) => deadRows),
      rows.map(({ inserted }) => inserted),
      rows.map(({ updated }) => updated),
      rows.map(({ deleted }) => deleted),
      rows.map(({ hotUpdated }) => hotUpdated),
      rows.map(({ vacuums }) => vacuums),
    ],
  );
}
