import pg from 'pg';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { parameterizedStatement } from '../kernel/parameterized-statement.ts';
import { statementTokens } from '../kernel/statement-text.ts';
import { type PlanNode, planUnavailable } from './explain-statement.ts';
import { type ObservedDatabase, OWN_MARK } from './observed-database.ts';
import { prepareStatement } from './prepare-statement.ts';

/** A node of a plan that was carried out; times and rows are of one of its loops. */
export interface MeasuredNode extends PlanNode {
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Actual Total Time'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly 'Sort Space Type'?: string;
  readonly 'Sort Space Used'?: number;
  readonly Plans?: readonly MeasuredNode[];
}

/** What carrying out a statement once showed. */
export interface MeasuredStatement {
  readonly root: MeasuredNode;
  readonly planningMs: number;
  readonly executionMs: number;
  /** As many as it has parameters. */
  readonly values: number;
}

/** Functions that answer otherwise each time, and do nothing else. */
const HARMLESS: ReadonlySet<string> = new Set([
  'random',
  'random_normal',
  'gen_random_uuid',
  'uuidv4',
  'uuidv7',
  'clock_timestamp',
  'timeofday',
]);

/** Stands in the name of what is prepared: one that could not be given up again is in nobody's way. */
let measured = 0;

/**
 * Carries out a statement once that only reads, and tells how that went (EXPLAIN ANALYZE): in a read-only transaction, with the limits of every
 * reading. One that calls a function which may do anything at all (a volatile one) is refused.
 * @param choose values for parameters of these types, which stand in this plan for any values (EXPLAIN VERBOSE)
 * @throws AutopilotError AP_PLAN_UNAVAILABLE
 */
export async function measureStatement(
  database: ObservedDatabase,
  text: string,
  choose: (types: readonly string[], plan: PlanNode) => Promise<readonly (string | null)[]>,
): Promise<MeasuredStatement> {
  try {
    return await database.within(async (client) => {
      await client.query(`SET LOCAL search_path TO DEFAULT ${OWN_MARK}; SAVEPOINT ${OWN_MARK} measured`);
      const [name] = await volatileFunctions(client, text);
      if (name !== undefined) {
        throw planUnavailable(
          `It calls ${name}(), which may do more than answer: the statement is planned, not carried out.`,
        );
      }
      const attempt = async (sql: string): Promise<void> => {
        try {
          await client.query(sql);
        } catch (error) {
          await client.query(`ROLLBACK ${OWN_MARK} TO SAVEPOINT measured`);
          throw error;
        }
      };
      const prepared = `autopilot_measured_${process.pid}_${measured++}`;
      const sql = await prepareStatement(attempt, prepared, parameterizedStatement(text));
      const { types, plan } = await planned(client, prepared);
      const values = await choose(types, plan);
      // Values go beside the text: in it they would be kept by pg_stat_statements.
      const { rows } = await client.query<{
        'QUERY PLAN': readonly [
          { readonly Plan: MeasuredNode; readonly 'Planning Time': number; readonly 'Execution Time': number },
        ];
      }>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${OWN_MARK} ${sql}`, [...values]);
      const found = rows[0]?.['QUERY PLAN'][0];
      if (found === undefined) throw planUnavailable('The server answered without a plan.');
      const { Plan: root, 'Planning Time': planningMs, 'Execution Time': executionMs } = found;
      return { root, planningMs, executionMs, values: types.length };
    });
  } catch (error) {
    if (error instanceof AutopilotError) throw error;
    const { code } = error instanceof Error && 'code' in error ? error : { code: '' };
    if (code === '25006') throw planUnavailable('It writes: what writes is planned, and never carried out.');
    if (code === '57014') throw planUnavailable('It took longer than a reading may (5 s), and was ended.');
    throw planUnavailable(`The server can not carry it out: ${messageOf(error)}.`);
  }
}

/** What is prepared under the name, which is given up again. */
async function planned(
  client: pg.ClientBase,
  name: string,
): Promise<{ readonly types: readonly string[]; readonly plan: PlanNode }> {
  const { rows } = await client.query<{ types: readonly string[] }>(
    `SELECT ${OWN_MARK} parameter_types::text[] AS types FROM pg_catalog.pg_prepared_statements WHERE name = $1`,
    [name],
  );
  const types = rows[0]?.types ?? [];
  await client.query(`SET LOCAL plan_cache_mode = force_generic_plan ${OWN_MARK}`);
  const nulls = types.length === 0 ? '' : `(${types.map(() => 'NULL').join(', ')})`;
  const answer = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>(
    `EXPLAIN (FORMAT JSON, VERBOSE) ${OWN_MARK} EXECUTE ${pg.escapeIdentifier(name)}${nulls}`,
  );
  await client.query(`DEALLOCATE ${pg.escapeIdentifier(name)}`);
  const plan = answer.rows[0]?.['QUERY PLAN'][0].Plan;
  if (plan === undefined) throw planUnavailable('The server answered without a plan.');
  return { types, plan };
}

async function volatileFunctions(client: pg.ClientBase, text: string): Promise<readonly string[]> {
  const tokens = statementTokens(text);
  const called = tokens.flatMap(({ kind, text: name }, at) =>
    (kind === 'word' || kind === 'name') && tokens[at + 1]?.text === '('
      ? [kind === 'name' ? name.slice(1, -1) : name.toLowerCase()]
      : [],
  );
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT ${OWN_MARK} proname::text AS name FROM pg_catalog.pg_proc WHERE proname = ANY ($1::text[]) AND provolatile = 'v'`,
    [called],
  );
  return rows.map(({ name }) => name).filter((name) => !HARMLESS.has(name));
}
