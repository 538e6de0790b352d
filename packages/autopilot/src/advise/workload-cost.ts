import type { CostBook, StatementCost } from '../planner/cost-book.ts';
import type { RelevantStatement } from './prepared-workload.ts';

/** What a whole workload costs under sets of indexes. Only statements that a change of the set can touch are looked at again. */
export class WorkloadCost {
  readonly #statements: readonly RelevantStatement[];
  readonly #book: CostBook;
  /** By index: the places of the statements that it may serve. */
  readonly #served = new Map<string, number[]>();
  readonly #costs: number[];
  #on: ReadonlySet<string> | null = null;

  constructor(statements: readonly RelevantStatement[], book: CostBook) {
    this.#statements = statements;
    this.#book = book;
    this.#costs = statements.map(() => 0);
    for (const [at, { relevant }] of statements.entries())
      for (const id of relevant) this.#served.set(id, [...(this.#served.get(id) ?? []), at]);
  }

  /** In the planner's units, each statement as often as it is called. */
  async of(on: ReadonlySet<string>): Promise<number> {
    const changed = this.#on === null ? this.#statements.keys() : this.#touchedBy(on.symmetricDifference(this.#on));
    // When a question fails, the next one has to ask for all.
    this.#on = null;
    for (const at of changed) this.#costs[at] = (await this.ofStatement(at, on)).cost * this.#callsOf(at);
    this.#on = new Set(on);
    return this.#costs.reduce((total, cost) => total + cost, 0);
  }

  /** Of one call of one statement, by its place. */
  async ofStatement(at: number, on: ReadonlySet<string>): Promise<StatementCost> {
    const statement = this.#statements[at];
    if (statement === undefined) throw new Error(`There is no statement ${at}`);
    return await this.#book.cost(statement, on);
  }

  #callsOf(at: number): number {
    return this.#statements[at]?.statement.calls ?? 0;
  }

  #touchedBy(indexes: ReadonlySet<string>): ReadonlySet<number> {
    return new Set([...indexes].flatMap((id) => this.#served.get(id) ?? []));
  }
}
