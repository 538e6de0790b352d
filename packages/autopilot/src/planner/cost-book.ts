import { indexesOf, nodesOf, type PlanNode } from './plan-tree.ts';
import type { PlannableStatement, PlanningEngine } from './planning-engine.ts';

/** What a statement costs under a set of indexes, in the planner's units, the mean over its values. */
export interface StatementCost {
  readonly cost: number;
  /** What the planner expects it to return. */
  readonly rows: number;
  /** The switchable indexes that the plans read. */
  readonly used: ReadonlySet<string>;
  /** Of the first of its values. */
  readonly plan: PlanNode;
}

/**
 * Answers what statements cost under sets of indexes and asks the planner as seldom as possible: an index on a table that a statement does
 * not touch changes nothing, and a plan made with more indexes stays the best as long as those that it reads are there.
 */
export class CostBook {
  readonly #engine: PlanningEngine;
  readonly #known = new Map<string, (StatementCost & { readonly on: ReadonlySet<string> })[]>();
  #asked = 0;

  constructor(engine: PlanningEngine) {
    this.#engine = engine;
  }

  /** How often the planner was asked. */
  get asked(): number {
    return this.#asked;
  }

  /** @throws AutopilotError AP_PLANNER_STATEMENT */
  async cost(
    statement: {
      readonly id: string;
      readonly samples: readonly PlannableStatement[];
      readonly relevant: ReadonlySet<string>;
    },
    indexes: ReadonlySet<string>,
  ): Promise<StatementCost> {
    const on = indexes.intersection(statement.relevant);
    const known = this.#known.get(statement.id) ?? [];
    const found = known.find((one) => one.used.isSubsetOf(on) && on.isSubsetOf(one.on));
    if (found !== undefined) return found;
    await this.#engine.use(on, statement.relevant);
    const plans = await Promise.all(statement.samples.map((sample) => this.#engine.plan(sample)));
    this.#asked += plans.length;
    const [plan] = plans;
    if (plan === undefined) throw new Error(`The statement ${statement.id} has no sample`);
    const names = new Set(plans.flatMap((one) => [...indexesOf(one)]));
    const used = [...on].filter((id) => this.#engine.index(id)?.names.some((name) => names.has(name)));
    const answer = {
      on,
      used: new Set(used),
      cost: plans.reduce((total, one) => total + one['Total Cost'], 0) / plans.length,
      rows: plans.reduce((total, one) => total + one['Plan Rows'], 0) / plans.length,
      plan,
    };
    this.#known.set(statement.id, [...known, answer]);
    return answer;
  }
}

/** The tables that a plan reads or writes, by schema and name; made with its columns shown. */
export function tablesOf(plan: PlanNode): readonly { readonly schema: string; readonly name: string }[] {
  return [...nodesOf(plan)].flatMap(({ Schema: schema, 'Relation Name': name }) =>
    schema === undefined || name === undefined ? [] : [{ schema, name }],
  );
}
