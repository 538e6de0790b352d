import type pg from 'pg';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { marked } from '../postgres/observed-database.ts';
import { prepareStatement } from '../postgres/prepare-statement.ts';
import { LoadMeter } from './load-meter.ts';
import type { PlanNode } from './plan-tree.ts';
import type { PlanDetail, PlannableStatement, PlanWithoutValues } from './planning-engine.ts';

/** Asks one session of a server for plans; runs nothing. */
export class PlanningSession {
  readonly #client: pg.Client;
  readonly #meter: LoadMeter;

  constructor(client: pg.Client, meter: LoadMeter = new LoadMeter()) {
    this.#client = client;
    this.#meter = meter;
  }

  /** About 0.5 ms. @throws AutopilotError AP_PLANNER_STATEMENT: it can't be planned, the message says why */
  async plan(statement: PlannableStatement, detail: PlanDetail = 'plain'): Promise<PlanNode> {
    if (detail === 'without values')
      return await explained(() => this.#simple<ExplainRow>(genericExplain(statement.sql)));
    const text = `EXPLAIN (FORMAT JSON${detail === 'verbose' ? ', VERBOSE' : ''}) ${statement.sql}`;
    return await explained(() => this.#extended<ExplainRow>(text, statement.values));
  }

  /**
   * The plan that serves for any values, with `$1` where a parameter stands, and the types of the parameters; on every version.
   * @throws AutopilotError AP_PLANNER_STATEMENT: it can't be planned, the message says why
   */
  async planWithoutValues(sql: string): Promise<PlanWithoutValues> {
    const types: string[] = [];
    let text = sql;
    const plan = await explained(async () => {
      text = await prepareStatement((one) => this.#sent(one, []), 'autopilot_generic', sql);
      try {
        const [prepared] = await this.#extended<{ types: readonly string[] }>(
          `SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name = 'autopilot_generic'`,
          [],
        );
        types.push(...(prepared?.types ?? []));
        await this.#simple('SET plan_cache_mode = force_generic_plan');
        const nulls = types.length === 0 ? '' : `(${types.map(() => 'NULL').join(', ')})`;
        return await this.#extended<ExplainRow>(`EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE autopilot_generic${nulls}`, []);
      } finally {
        await this.#simple('SET plan_cache_mode = auto; DEALLOCATE autopilot_generic');
      }
    });
    return { plan, types, prepared: text };
  }

  async #simple<Row extends object>(text: string): Promise<readonly Row[]> {
    return await this.#meter.during(async () => (await this.#client.query<Row>(marked(text))).rows);
  }

  /** By the extended protocol, which takes one statement and no second one behind a semicolon. */
  async #extended<Row extends object>(text: string, values: readonly (string | null)[]): Promise<readonly Row[]> {
    return await this.#sent<Row>(marked(text), values);
  }

  /** As it is, which bears the mark. */
  async #sent<Row extends object>(text: string, values: readonly (string | null)[]): Promise<readonly Row[]> {
    const query = { text, values: [...values], queryMode: 'extended' } as pg.QueryConfig; // `as`: @types/pg does not know queryMode
    return await this.#meter.during(async () => (await this.#client.query<Row>(query)).rows);
  }
}

/** Asks a server, 16 or later, for the plan that serves for any values; by the simple protocol, which sends none. */
export function genericExplain(sql: string): string {
  return `EXPLAIN (FORMAT JSON, GENERIC_PLAN) ${sql}`;
}

/** A row of EXPLAIN (FORMAT JSON). */
export interface ExplainRow {
  readonly 'QUERY PLAN': readonly { readonly Plan: PlanNode }[];
}

/** The plan of an EXPLAIN. @throws AutopilotError AP_PLANNER_STATEMENT */
export async function explained(ask: () => Promise<readonly ExplainRow[]>): Promise<PlanNode> {
  try {
    const [row] = await ask();
    const plan = row?.['QUERY PLAN'][0]?.Plan;
    if (plan === undefined) throw new Error('EXPLAIN gave no plan');
    return plan;
  } catch (error) {
    throw new AutopilotError('AP_PLANNER_STATEMENT', messageOf(error), { cause: error });
  }
}
