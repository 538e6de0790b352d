import type { GinShape } from './gin-size.ts';
import type { PlanNode } from './plan-tree.ts';

/** An index that an engine can switch: an existing one that may be dropped, or one that is only thought of. */
export interface SwitchableIndex {
  /** Unique: the name of an existing index with its schema, or the one given. */
  readonly id: string;
  /** The tables it is on: all partitions for an index of their parent. */
  readonly tableOids: readonly number[];
  /** As plans show it: a name for each partition. */
  readonly names: readonly string[];
  readonly bytes: number;
  readonly existing: boolean;
}

/** What makes a hypothetical index. */
export interface HypotheticalIndex {
  readonly id: string;
  readonly table: { readonly schema: string; readonly name: string };
  /** CREATE INDEX with the id as its name, on the table or one of its partitions. */
  readonly ddlOn: (table: { readonly schema: string; readonly name: string }) => string;
  /** The size it would have on each table: one entry, or one for each partition. Oids are the engine's. */
  readonly sizes: readonly {
    readonly tableOid: number;
    readonly pages: number;
    readonly rows: number;
    readonly level: number | null;
    readonly gin?: GinShape | null;
  }[];
}

/** A statement with values for its parameters, as text; null is NULL. */
export interface PlannableStatement {
  readonly sql: string;
  readonly values: readonly (string | null)[];
}

/** `verbose` also shows columns; `without values` is the plan for any, of one statement as the parser has cut it out. */
export type PlanDetail = 'plain' | 'verbose' | 'without values';

/** A plan that serves for any values. */
export interface PlanWithoutValues {
  readonly plan: PlanNode;
  /** Of the parameters. */
  readonly types: readonly string[];
  /** The statement as it was prepared, which may say types that the given one does not. */
  readonly prepared: string;
}

/**
 * Plans statements as a database would under any set of indexes, and runs none. Plans may be asked for together; whatever changes the
 * indexes has to be waited for.
 */
export interface PlanningEngine {
  /** What it can't do. */
  readonly notes: readonly string[];
  /** Every index that can be switched, existing ones first. */
  readonly indexes: readonly SwitchableIndex[];
  /** One of them by its id. */
  index(id: string): SwitchableIndex | undefined;
  /** What the engine calls a table, by the target's oid; undefined: it does not have it. */
  oidOf(targetOid: number): number | undefined;
  /** Adds hypothetical indexes, switched off. Answers those that were refused, with the reason. */
  add(indexes: readonly HypotheticalIndex[]): Promise<ReadonlyMap<string, string>>;
  /**
   * From now on plans see these indexes and no other switchable ones. Where a plan can be changed only by some, `among` says by which: the
   * others are left as they are. @throws when one is not known
   */
  use(ids: ReadonlySet<string>, among?: Iterable<string>): Promise<void>;
  /**
   * The plan under the indexes in use, as the target would make it.
   * @throws AutopilotError AP_PLANNER_STATEMENT: it can't be planned, the message says why
   */
  plan(statement: PlannableStatement, detail?: PlanDetail): Promise<PlanNode>;
  /**
   * The plan that serves for any values, with `$1` where a parameter stands.
   * @throws AutopilotError AP_PLANNER_STATEMENT: it can't be planned, the message says why
   */
  planWithoutValues(sql: string): Promise<PlanWithoutValues>;
}
