import type pg from 'pg';
import { type StatementCounter, statementCounters } from '../contract/statement-counters.ts';
import { OWN_MARK } from './observed-database.ts';
import type { ServerShape } from './server-shape.ts';

/** A statement's counters since `since`. */
export interface CountedStatement {
  readonly queryId: string;
  readonly role: string;
  /** null: since the reset of all, or older than PostgreSQL 17. */
  readonly since: string | null;
  readonly counters: Readonly<Record<StatementCounter, number>>;
}

/** All statements that the server counts, and how often it had to forget some. */
export interface CountedStatements {
  readonly statements: readonly CountedStatement[];
  /** Times that the least used twentieth was forgotten, since the reset; null: older than pg_stat_statements 1.9. */
  readonly evictions: number | null;
  /** ms since 1970, as the server's clock has it; null: not told. */
  readonly resetAt: number | null;
  /** When they were read, by the same clock. */
  readonly at: number;
  /** Places for statements. */
  readonly max: number | null;
}

type Cell = string | number | null;

/** Rows as arrays: half of what objects cost here. */
export async function arraysOf(
  client: pg.ClientBase,
  text: string,
  values: readonly unknown[] = [],
): Promise<Cell[][]> {
  const { rows } = await client.query<Cell[]>({ text, values: [...values], rowMode: 'array' });
  return rows;
}

/** After so many readings of what has moved everything is read, in case something went unseen (one that was reset by name, say). */
const WHOLE_EVERY = 40;
/** Where they stand in a row. */
const HEAD_CELLS = 5;

/**
 * Reads pg_stat_statements again and again. Most of what a reading costs the server is writing thousands of rows out as text, and most of them
 * have not moved: the server is told a mark of each row as it was read last (a hash of the statement, its role and its calls) and
 * answers those with other marks. That can not tell what is gone: where something was evicted or reset, everything is read.
 */
export class StatementCounts {
  /** By statement, role and level, as they were read last. */
  readonly #rows = new Map<string, Cell[]>();
  #evictions: number | null = null;
  #resetAt: number | null = null;
  #partly = 0;

  /** For a server that has pg_stat_statements. */
  async read(client: pg.ClientBase, shape: ServerShape): Promise<CountedStatements> {
    const info = shape.has('pg_stat_statements_info')
      ? `i.dealloc::float8, (extract(epoch FROM i.stats_reset) * 1000)::float8 FROM ${shape.nameOf('pg_stat_statements_info')} i`
      : 'NULL, NULL';
    const [head = []] = await arraysOf(
      client,
      `SELECT ${OWN_MARK} current_setting('pg_stat_statements.max', true), (extract(epoch FROM clock_timestamp()) * 1000)::float8, ${info}`,
    );
    const [max, at, ...told] = head;
    const [evictions = null, resetAt = null] = told.map((cell) => (typeof cell === 'number' ? cell : null));
    // Before 15 the server would compare each row with each mark.
    const isSame = evictions !== null && evictions === this.#evictions && resetAt === this.#resetAt;
    const isWhole = !isSame || this.#partly >= WHOLE_EVERY || !shape.has('pg_stat_statements', 'jit_functions');
    const marks = isWhole ? [] : [...this.#rows.values()].map(([mark]) => mark);
    const rows = await arraysOf(client, statementQuery(shape), [`{${marks.join(',')}}`]);
    if (isWhole) this.#rows.clear();
    for (const row of rows) this.#rows.set(`${row[1]} ${row[2]} ${row[3]}`, row);
    this.#partly = isWhole ? 0 : this.#partly + 1;
    this.#evictions = evictions;
    this.#resetAt = resetAt;
    const roles = new Map(
      (await arraysOf(client, `SELECT ${OWN_MARK} oid, rolname FROM pg_roles`)).map(([oid, name]) => [
        oid,
        String(name),
      ]),
    );
    return {
      statements: addedUp(this.#rows.values(), roles),
      evictions,
      resetAt,
      at: Number(at),
      max: max === null || max === undefined ? null : Number(max),
    };
  }
}

/** Its rows begin with mark, statement, role, level and since when they count. */
function statementQuery(shape: ServerShape): string {
  const column = (names: readonly string[]): string => shape.column('pg_stat_statements', 's', names, '0');
  const expressions: Readonly<Record<StatementCounter, string>> = {
    calls: 's.calls',
    totalMs: column(['total_exec_time', 'total_time']),
    rows: 's.rows',
    planMs: column(['total_plan_time']),
    buffersHit: 's.shared_blks_hit',
    buffersRead: 's.shared_blks_read',
    buffersDirtied: 's.shared_blks_dirtied',
    tempBuffersRead: 's.temp_blks_read',
    tempBuffersWritten: 's.temp_blks_written',
    readMs: column(['shared_blk_read_time', 'blk_read_time']),
    writeMs: column(['shared_blk_write_time', 'blk_write_time']),
    walBytes: column(['wal_bytes']),
  };
  const since = shape.column('pg_stat_statements', 's', ['stats_since'], 'NULL');
  const level = shape.has('pg_stat_statements', 'toplevel') ? 's.toplevel::int' : '0';
  const mark = `hashint8extended(s.queryid # s.calls, s.userid::int8 * 2 + ${level})`;
  // Of other roles' statements one without rights sees no id. Neither cast nor added nor joined there: with thousands of statements
  // that is most of what the reading takes, and here it is little.
  return `SELECT ${OWN_MARK} ${mark}, s.queryid, s.userid, ${level}, (${since})::text, ${statementCounters.map((name) => expressions[name]).join(', ')}
     FROM ${shape.nameOf('pg_stat_statements')}(false) s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.queryid IS NOT NULL
       AND ${mark} <> ALL ($1::int8[])`;
}

/** A statement is counted once by itself and once within functions: one row each, of one statement and role. */
function addedUp(rows: Iterable<Cell[]>, roles: ReadonlyMap<Cell | undefined, string>): readonly CountedStatement[] {
  const statements = new Map<string, CountedStatement & { readonly counters: Record<StatementCounter, number> }>();
  for (const row of rows) {
    const [, queryId, user, , counted] = row;
    const values = row.slice(HEAD_CELLS);
    const id = `${queryId} ${user}`;
    const since = counted === null || counted === undefined ? null : String(counted);
    const known = statements.get(id);
    if (known !== undefined) {
      for (const [at, name] of statementCounters.entries()) known.counters[name] += Number(values[at] ?? 0);
      if (since !== null && (known.since === null || since < known.since)) statements.set(id, { ...known, since });
      continue;
    }
    const named = statementCounters.map((name, at) => [name, Number(values[at] ?? 0)]);
    statements.set(id, {
      queryId: String(queryId),
      role: roles.get(user) ?? String(user),
      since,
      // Every name is written.
      counters: Object.fromEntries(named) as Record<StatementCounter, number>,
    });
  }
  return [...statements.values()];
}
