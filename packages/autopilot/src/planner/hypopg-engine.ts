import pg from 'pg';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { marked } from '../postgres/observed-database.ts';
import { LoadMeter } from './load-meter.ts';
import type { PlanNode } from './plan-tree.ts';
import type {
  HypotheticalIndex,
  PlanDetail,
  PlannableStatement,
  PlanningEngine,
  PlanWithoutValues,
  SwitchableIndex,
} from './planning-engine.ts';
import { PlanningSession } from './planning-session.ts';
import { quoted } from './shadow-ddl.ts';
import type { TargetCatalog, TargetTable } from './target-catalog.ts';

/** HypoPG numbers its indexes with what is left of the server's own range: about 2,500 at a time. */
const mostParts = 2_000;

/** A hypothetical index with what makes it on each table with rows. */
interface Thought extends SwitchableIndex {
  readonly ddl: readonly string[];
}

/**
 * Plans on the target itself, with the extension HypoPG: its indexes exist in the memory of one session and nowhere else, so that an account
 * that may only read suffices and nothing is written. It knows B-trees, BRIN and hash indexes, estimates their sizes by itself, and
 * leaves the existing ones as they are (hiding them came with 1.4). Each plan is a statement more for the target.
 */
export class HypopgEngine implements PlanningEngine, AsyncDisposable {
  readonly notes: readonly string[] = [
    'Planned by the database itself with HypoPG: it knows no GIN and no GiST indexes, existing indexes are taken as they are, and each plan was a statement more for the database.',
  ];
  readonly #client: pg.Client;
  readonly #session: PlanningSession;
  readonly #meter: LoadMeter;
  readonly #schema: string;
  readonly #backend: number;
  readonly #tables: ReadonlyMap<number, TargetTable>;
  readonly #thoughts = new Map<string, Thought>();
  /** What HypoPG made for each index in use. */
  readonly #on = new Map<string, readonly number[]>();
  /** By the name that HypoPG gave. */
  readonly #idByName = new Map<string, string>();

  private constructor(
    client: pg.Client,
    meter: LoadMeter,
    { tables }: Pick<TargetCatalog, 'tables'>,
    { schema, backend }: { readonly schema: string; readonly backend: number },
  ) {
    this.#client = client;
    this.#meter = meter;
    this.#session = new PlanningSession(client, meter);
    this.#tables = new Map(tables.map((table) => [table.oid, table]));
    this.#schema = schema;
    this.#backend = backend;
  }

  /**
   * Connects. The session may change nothing, and each of its statements is a transaction, so that no lock and no snapshot is held between them.
   * @throws AutopilotError AP_PLANNER_ENGINE: the database has no HypoPG; AP_PLANNER_TARGET_UNREACHABLE
   */
  static async open(
    url: string,
    catalog: Pick<TargetCatalog, 'tables' | 'extensions' | 'database'>,
  ): Promise<HypopgEngine> {
    const schema = catalog.extensions.find(({ name }) => name === 'hypopg')?.schema;
    if (schema === undefined)
      throw new AutopilotError('AP_PLANNER_ENGINE', `The database ${catalog.database} has no extension hypopg.`, {
        remedy: 'CREATE EXTENSION hypopg there, or plan on a copy without it: --engine shadow.',
      });
    const client = new pg.Client({
      connectionString: url,
      application_name: 'autopilot-planner',
      connectionTimeoutMillis: 10_000,
      pipeline: true,
    });
    // A connection that breaks is told by the query that waits for it.
    client.on('error', () => {});
    const meter = new LoadMeter();
    try {
      await client.connect();
      const { rows } = await meter.during(() =>
        client.query<{ backend: number }>(
          marked(`SELECT pg_backend_pid() AS backend, set_config('default_transaction_read_only', 'on', false),
             set_config('statement_timeout', '5000', false), set_config('lock_timeout', '200', false),
             set_config('jit', 'off', false), set_config('hypopg.enabled', 'on', false),
             set_config('hypopg.use_real_oids', 'off', false)`),
        ),
      );
      return new HypopgEngine(client, meter, catalog, { schema: quoted(schema), backend: rows[0]?.backend ?? 0 });
    } catch (error) {
      await client.end().catch(() => {});
      throw new AutopilotError('AP_PLANNER_TARGET_UNREACHABLE', `The database can't be asked: ${messageOf(error)}`, {
        remedy: 'Check the address, the account and that the server takes connections from here.',
        cause: error,
      });
    }
  }

  /** ms in which the target had something of ours to answer. */
  get databaseMs(): number {
    return this.#meter.ms;
  }

  /** Statements sent to the target. */
  get statements(): number {
    return this.#meter.statements;
  }

  get indexes(): readonly SwitchableIndex[] {
    return [...this.#thoughts.values()];
  }

  index(id: string): SwitchableIndex | undefined {
    return this.#thoughts.get(id);
  }

  oidOf(targetOid: number): number | undefined {
    return this.#tables.has(targetOid) ? targetOid : undefined;
  }

  /** Cost: a ms each and one for each partition; those in use are switched off. */
  async add(indexes: readonly HypotheticalIndex[]): Promise<ReadonlyMap<string, string>> {
    const refused = new Map<string, string>();
    let parts = [...this.#thoughts.values()].reduce((total, { ddl }) => total + ddl.length, 0);
    for (const { id, ddlOn, sizes } of indexes) {
      const places = sizes.flatMap(({ tableOid }) => this.#tables.get(tableOid) ?? []);
      parts += places.length;
      if (parts > mostParts) {
        refused.set(id, `HypoPG holds no more than about ${mostParts} indexes at a time.`);
        parts -= places.length;
        continue;
      }
      const thought = {
        id,
        tableOids: sizes.map(({ tableOid }) => tableOid),
        names: [id],
        bytes: sizes.reduce((total, { pages }) => total + pages * 8_192, 0),
        existing: false,
        ddl: places.map(ddlOn),
      };
      try {
        await this.#make([thought]);
        this.#thoughts.set(id, thought);
      } catch (error) {
        refused.set(id, messageOf(error));
        parts -= places.length;
      }
      await this.#forgetAll();
    }
    return refused;
  }

  async use(ids: ReadonlySet<string>, among: Iterable<string> = this.#thoughts.keys()): Promise<void> {
    for (const id of ids) if (!this.#thoughts.has(id)) throw new Error(`There is no index ${id} to plan with`);
    const wanted: Thought[] = [];
    const gone: number[] = [];
    for (const id of among) {
      const thought = this.#thoughts.get(id);
      const made = this.#on.get(id);
      if (thought === undefined || (made !== undefined) === ids.has(id)) continue;
      if (made === undefined) wanted.push(thought);
      else {
        gone.push(...made);
        this.#on.delete(id);
      }
    }
    if (gone.length > 0)
      await this.#rows(`SELECT ${this.#schema}.hypopg_drop_index(o) FROM unnest($1::oid[]) o`, [gone]);
    if (wanted.length > 0) await this.#make(wanted);
  }

  async plan(statement: PlannableStatement, detail: PlanDetail = 'plain'): Promise<PlanNode> {
    return this.#renamed(await this.#session.plan(statement, detail));
  }

  /** Under no index at all, also no existing one: what it asks of its tables stands in conditions and sorts then. */
  async planWithoutValues(sql: string): Promise<PlanWithoutValues> {
    const ways = ['enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan'];
    await this.#rows(`SELECT set_config(name, 'off', false) FROM unnest($1::text[]) name`, [ways]);
    try {
      return await this.#session.planWithoutValues(sql);
    } finally {
      await this.#rows(`SELECT set_config(name, reset_val, false) FROM pg_settings WHERE name = ANY ($1)`, [ways]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  async #make(thoughts: readonly Thought[]): Promise<void> {
    const all = thoughts.flatMap(({ id, ddl }) => ddl.map((sql) => ({ id, sql })));
    const made = await this.#rows<{ oid: number; name: string; backend: number }>(
      `SELECT h.indexrelid::int8::float8 AS oid, h.indexname AS name, pg_backend_pid() AS backend
       FROM unnest($1::text[]) WITH ORDINALITY d(sql, place), LATERAL ${this.#schema}.hypopg_create_index(d.sql) h ORDER BY d.place`,
      [all.map(({ sql }) => sql)],
    );
    for (const [at, { oid, name, backend }] of made.entries()) {
      if (backend !== this.#backend)
        throw new AutopilotError(
          'AP_PLANNER_ENGINE',
          'The session that holds the indexes is gone: each statement may reach another one.',
          {
            remedy: 'Connect to the server itself and not through a pooler that shares its connections by transaction.',
          },
        );
      const id = all[at]?.id ?? '';
      this.#on.set(id, [...(this.#on.get(id) ?? []), oid]);
      this.#idByName.set(name, id);
    }
  }

  async #forgetAll(): Promise<void> {
    await this.#rows(`SELECT ${this.#schema}.hypopg_reset()`);
    this.#on.clear();
    this.#idByName.clear();
  }

  async #rows<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return await this.#meter.during(async () => (await this.#client.query<Row>(marked(sql), [...values])).rows);
  }

  /** With our name for each index of HypoPG's, which has a new one each time it is made. */
  #renamed(plan: PlanNode): PlanNode {
    const { 'Index Name': name, Plans: children } = plan;
    return {
      ...plan,
      ...(name === undefined ? {} : { 'Index Name': this.#idByName.get(name) ?? name }),
      ...(children === undefined ? {} : { Plans: children.map((child) => this.#renamed(child)) }),
    };
  }
}
