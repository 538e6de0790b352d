/** How many rows a list has, on all of its pages together. */
export interface PageCount {
  readonly value: number;
  /** false: the planner's estimate, from the statistics of the last ANALYZE. */
  readonly exact: boolean;
}

/** The two ways to learn how many rows a list has. */
export interface CountSource {
  /** Counts at most `limit` rows; null when that took longer than it may. */
  readonly counted: (limit: number) => Promise<number | null>;
  /** What the planner expects; a millisecond whatever the list's length. */
  readonly estimated: () => Promise<number>;
}

/** Index entries to walk at most for an exact count: a few milliseconds. */
const defaultBound = 10_000;

/** The exact count of a short list and an estimate of a long one. Rejects when the source does. */
export async function countRows(source: CountSource, bound: number = defaultBound): Promise<PageCount> {
  const counted = await source.counted(bound + 1);
  if (counted !== null && counted <= bound) return { value: counted, exact: true };
  // What was counted is there, whatever the planner believes.
  return { value: Math.max(await source.estimated(), counted ?? 0), exact: false };
}

/**
 * The rows that a plan promises, from what `EXPLAIN (FORMAT JSON)` answers.
 *
 * @throws TypeError for anything else.
 */
export function plannedRows(explained: unknown): number {
  const first: unknown = Array.isArray(explained) ? explained[0] : undefined;
  const plan = member(first, 'Plan');
  const rows = member(plan, 'Plan Rows');
  if (typeof rows !== 'number') throw new TypeError('This is not the plan of one statement as EXPLAIN (FORMAT JSON).');
  return rows;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
