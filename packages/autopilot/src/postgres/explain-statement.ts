import { isPlannable } from '../contract/statement-plan.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { parameterizedStatement } from '../kernel/parameterized-statement.ts';
import { type ObservedDatabase, OWN_MARK } from './observed-database.ts';
import { prepareStatement } from './prepare-statement.ts';

/** A node of a plan as EXPLAIN (FORMAT JSON) gives it. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Join Type'?: string;
  readonly Strategy?: string;
  readonly 'Scan Direction'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Plan Rows': number;
  readonly 'Plan Width': number;
  readonly 'Total Cost': number;
  readonly Filter?: string;
  readonly 'Index Cond'?: string;
  readonly 'Hash Cond'?: string;
  readonly 'Join Filter'?: string;
  readonly 'Sort Key'?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/** Stands in the name of what is prepared, so that two at once on one connection can't meet. */
let prepared = 0;

/**
 * How the server would carry out a statement whatever its parameters are: its generic plan. The statement is prepared and
 * explained, never executed; works from 13 on, where EXPLAIN (GENERIC_PLAN) needs 16.
 * @throws AutopilotError AP_PLAN_UNAVAILABLE
 */
export async function explainStatement(database: ObservedDatabase, text: string): Promise<PlanNode> {
  if (!isPlannable(text)) {
    throw planUnavailable('Only a single SELECT, INSERT, UPDATE, DELETE or MERGE has a plan.');
  }
  const name = `autopilot_plan_${process.pid}_${prepared++}`;
  try {
    return await database.within(async (client) => {
      // The statement's names are the application's.
      await client.query(
        `SET LOCAL search_path TO DEFAULT ${OWN_MARK}; SET LOCAL plan_cache_mode = force_generic_plan ${OWN_MARK}; SAVEPOINT ${OWN_MARK} prepared`,
      );
      const prepare = async (sql: string): Promise<void> => {
        try {
          await client.query(sql);
        } catch (error) {
          await client.query(`ROLLBACK ${OWN_MARK} TO SAVEPOINT prepared`);
          throw error;
        }
      };
      await prepareStatement(prepare, name, parameterizedStatement(text));
      try {
        const { rows: types } = await client.query<{ parameters: number }>(
          `SELECT ${OWN_MARK} coalesce(cardinality(parameter_types), 0) AS parameters FROM pg_prepared_statements WHERE name = $1`,
          [name],
        );
        const nulls = Array.from({ length: types[0]?.parameters ?? 0 }, () => 'NULL').join(', ');
        const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
          `EXPLAIN (FORMAT JSON) ${OWN_MARK} EXECUTE ${name}${nulls === '' ? '' : `(${nulls})`}`,
        );
        const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
        if (plan === undefined) throw planUnavailable('The server answered without a plan.');
        return plan;
      } finally {
        // A failed transaction takes no more statements: the name is given up with the connection's next use.
        await client.query(`DEALLOCATE ${name}`).catch(() => {});
      }
    });
  } catch (error) {
    if (error instanceof AutopilotError) throw error;
    throw planUnavailable(`The server can not plan it: ${messageOf(error)}.`);
  }
}

/** @returns AutopilotError AP_PLAN_UNAVAILABLE */
export function planUnavailable(reason: string): AutopilotError {
  return new AutopilotError('AP_PLAN_UNAVAILABLE', reason, {
    remedy: 'Plans need SELECT (or the right that the statement takes) on its tables; see docs/guides/database.md.',
  });
}
