import pg from 'pg';
import {
  BENCHMARK_KIND,
  type JsonValue,
  type KeptLoadTest,
  type ListPart,
  LOAD_TEST_ORPHANED,
  type LoadTestDraft,
  type LoadTestEnd,
  type LoadTestGroup,
  type LoadTestStore,
} from '../ports.ts';
import { rangeOf } from './list-part.ts';
import { StoreConnection } from './store-connection.ts';

interface Row extends Omit<KeptLoadTest, 'number' | 'startedAt' | 'endedAt'> {
  readonly number: string;
  readonly started_at: Date;
  readonly ended_at: Date | null;
}

const COLUMNS = 'number, id, service, name, kind, target, state, reason, author, started_at, ended_at, summary';

/** Load tests in PostgreSQL, schema `autopilot`. Methods throw as storeError says. */
export class PostgresLoadTestStore implements LoadTestStore {
  readonly #connection: StoreConnection;

  /** @param connectionString `postgres://...` */
  constructor(connectionString: string) {
    this.#connection = new StoreConnection((settings) => new pg.Pool({ ...settings, connectionString }), {
      maxConnections: 2,
      statementTimeoutMs: 5_000,
    });
  }

  async begin(draft: LoadTestDraft, aliveMs: number): Promise<{ begun: boolean; test: KeptLoadTest }> {
    const { id, service, name, kind, target, author } = draft;
    for (;;) {
      await this.#endOrphans();
      // The unique index on running targets decides between two that begin at once.
      const [begun] = await this.#connection.query<Row>(
        'Entering a load test',
        `INSERT INTO autopilot.load_tests (id, service, name, kind, target, state, author, alive_until)
         VALUES ($1, $2, $3, $4, $5, 'running', $6, now() + $7 * interval '1 ms')
         ON CONFLICT (target) WHERE state = 'running' DO NOTHING
         RETURNING ${COLUMNS}`,
        [id, service, name, kind, target, author, aliveMs],
      );
      if (begun !== undefined) return { begun: true, test: testOf(begun) };
      const [other] = await this.#connection.query<Row>(
        'Looking for the load test that runs',
        `SELECT ${COLUMNS} FROM autopilot.load_tests WHERE target = $1 AND state = 'running'`,
        [target],
      );
      // It may have ended in between: then there is room.
      if (other !== undefined) return { begun: false, test: testOf(other) };
    }
  }

  async renew(id: string, aliveMs: number): Promise<'go-on' | 'stop' | 'gone'> {
    const [row] = await this.#connection.query<{ stopping: boolean }>(
      'Keeping a load test alive',
      `UPDATE autopilot.load_tests SET alive_until = now() + $2 * interval '1 ms'
       WHERE id = $1 AND state = 'running' RETURNING stopping`,
      [id, aliveMs],
    );
    return row === undefined ? 'gone' : row.stopping ? 'stop' : 'go-on';
  }

  async stop(id: string): Promise<void> {
    await this.#connection.query(
      'Stopping a load test',
      `UPDATE autopilot.load_tests SET stopping = true WHERE id = $1 AND state = 'running'`,
      [id],
    );
  }

  async end(id: string, { state, reason, summary, report }: LoadTestEnd): Promise<boolean> {
    const rows = await this.#connection.query(
      'Keeping what came of a load test',
      `UPDATE autopilot.load_tests SET state = $2, reason = $3, summary = $4, report = $5, ended_at = now()
       WHERE id = $1 AND state = 'running' RETURNING id`,
      [id, state, reason, jsonOf(summary), jsonOf(report)],
    );
    return rows.length > 0;
  }

  async list({ service, isBenchmark }: LoadTestGroup, part: ListPart): Promise<readonly KeptLoadTest[]> {
    await this.#endOrphans();
    const { where, order } = rangeOf('number', part.toward);
    const rows = await this.#connection.query<Row>(
      'Listing load tests',
      `SELECT ${COLUMNS} FROM autopilot.load_tests
       WHERE ${where} AND service = $3 AND (kind = $4) = $5 ORDER BY ${order} LIMIT $2`,
      [part.edge, part.limit, service, BENCHMARK_KIND, isBenchmark],
    );
    return rows.map(testOf);
  }

  async running(): Promise<readonly KeptLoadTest[]> {
    await this.#endOrphans();
    const rows = await this.#connection.query<Row>(
      'Looking for load tests that run',
      `SELECT ${COLUMNS} FROM autopilot.load_tests WHERE state = 'running' ORDER BY number`,
    );
    return rows.map(testOf);
  }

  async read(id: string): Promise<{ test: KeptLoadTest; report: JsonValue } | null> {
    await this.#endOrphans();
    const [row] = await this.#connection.query<Row & { readonly report: JsonValue }>(
      'Reading a load test',
      `SELECT ${COLUMNS}, report FROM autopilot.load_tests WHERE id::text = $1`,
      [id],
    );
    if (row === undefined) return null;
    const { report, ...test } = row;
    return { test: testOf(test), report };
  }

  async tidy({ service, isBenchmark }: LoadTestGroup, kept: number): Promise<void> {
    await this.#endOrphans();
    await this.#connection.query(
      'Dropping old load tests',
      `DELETE FROM autopilot.load_tests WHERE service = $1 AND (kind = $3) = $4 AND state <> 'running' AND number <= (
         SELECT number FROM autopilot.load_tests WHERE service = $1 AND (kind = $3) = $4 AND state <> 'running'
         ORDER BY number DESC OFFSET $2 LIMIT 1)`,
      [service, kept, BENCHMARK_KIND, isBenchmark],
    );
  }

  /** Waits for what is running. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  async #endOrphans(): Promise<void> {
    await this.#connection.query(
      'Ending load tests that nobody runs',
      `UPDATE autopilot.load_tests SET state = 'failed', reason = $1, ended_at = now()
       WHERE state = 'running' AND alive_until < now()`,
      [LOAD_TEST_ORPHANED],
    );
  }
}

/** JSON's null and SQL's are the same here: nothing was measured. */
function jsonOf(value: JsonValue): string | null {
  return value === null ? null : JSON.stringify(value);
}

function testOf({ number, started_at: startedAt, ended_at: endedAt, ...rest }: Row): KeptLoadTest {
  return {
    ...rest,
    number: Number(number),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  };
}
