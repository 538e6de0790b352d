import type { Choice } from './index-selection.ts';

/** An index that is there and may be dropped: none that a constraint needs. */
export interface ExistingIndex extends Choice {
  /** Plain ascending columns of a whole B-tree; null: it is another kind, or has expressions, included columns or a condition. */
  readonly columns: readonly string[] | null;
}

/** What {@link replaceIndexes} works on. Costs are of the whole workload, in the planner's units. */
export interface ReplacementProblem {
  readonly existing: readonly ExistingIndex[];
  /** Chosen already, by id, with their columns as above. */
  readonly chosen: ReadonlyMap<string, ExistingIndex>;
  /** Indexes that stay whatever happens and may serve in place of others. */
  readonly constraints: readonly {
    readonly name: string;
    readonly table: string;
    readonly columns: readonly string[];
  }[];
  /** New ones that could stand for two existing ones each. */
  readonly merges: readonly { readonly index: ExistingIndex; readonly replaces: readonly [string, string] }[];
  readonly cost: (on: ReadonlySet<string>) => Promise<number>;
  /** Existing ones that a plan of the workload read before anything was changed. */
  readonly read: ReadonlySet<string>;
  /** Columns of foreign keys: deleting what they refer to looks for them, which no plan shows. */
  readonly foreignKeys: readonly { readonly table: string; readonly columns: readonly string[] }[];
  /** Why there may be statements on a table that the workload does not have; null: it has all. */
  readonly unseen: (table: string) => string | null;
  /** What the new ones are called. */
  readonly nameOf: (id: string) => string;
  /** For all new ones together. */
  readonly budgetBytes: number;
  readonly over: () => boolean;
}

/** What is dropped, what stays all the same, and what is made in the place of others. */
export interface Replacement {
  readonly create: readonly string[];
  readonly drop: readonly { readonly id: string; readonly reason: string }[];
  readonly kept: readonly { readonly id: string; readonly reason: string }[];
}

/** The workload may get so much dearer by a drop: rounding. */
const mostDearer = 1.0005;

/**
 * Looks among the existing indexes for what the workload does without: two that one new one can stand for, and those that others make
 * superfluous. Without being told that it has seen all statements, it drops only what another index begins with.
 */
export async function replaceIndexes(problem: ReplacementProblem): Promise<Replacement> {
  const { existing, cost, unseen, merges, nameOf } = problem;
  const byId = new Map<string, ExistingIndex>([...existing.map((one) => [one.id, one] as const), ...problem.chosen]);
  const on = new Set(byId.keys());
  const create: string[] = [];
  const drop: Replacement['drop'][number][] = [];
  const kept: Replacement['kept'][number][] = [];
  const writes = (ids: ReadonlySet<string>): number =>
    [...ids].reduce((sum, id) => sum + (byId.get(id)?.writeCost ?? 0), 0);
  const total = async (ids: ReadonlySet<string>): Promise<number> => (await cost(ids)) + writes(ids);
  let newBytes = [...problem.chosen.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  for (const { index, replaces } of merges) {
    const [one, other] = replaces.map((id) => byId.get(id));
    if (problem.over() || one === undefined || other === undefined || !replaces.every((id) => on.has(id))) continue;
    byId.set(index.id, index);
    const merged = new Set([...on, index.id]);
    for (const id of replaces) merged.delete(id);
    const isSmaller = index.bytes < one.bytes + other.bytes;
    if (!isSmaller || newBytes + index.bytes > problem.budgetBytes) continue;
    if ((await total(merged)) > mostDearer * (await total(on))) continue;
    const reason = unseen(index.table) ?? lostForeignKey(replaces, merged, byId, problem);
    if (reason !== null) {
      kept.push({ id: index.id, reason: `It could stand for ${replaces.join(' and ')}, but ${reason}` });
      continue;
    }
    create.push(index.id);
    newBytes += index.bytes;
    for (const id of replaces) {
      on.delete(id);
      drop.push({ id, reason: `${nameOf(index.id)} serves its statements and those of the other, in less space.` });
    }
    on.add(index.id);
  }

  for (const { id, table, columns } of existing.toSorted((a, b) => b.bytes - a.bytes)) {
    if (problem.over()) break;
    if (!on.has(id)) continue;
    const without = new Set(on);
    without.delete(id);
    if ((await cost(without)) > mostDearer * (await cost(on))) continue;
    const by = columns === null ? null : beginningWith(table, columns, without, byId, problem);
    if (by !== null) {
      on.delete(id);
      drop.push({ id, reason: `${by} begins with its columns and serves every plan that used it.` });
      continue;
    }
    if (!problem.read.has(id)) {
      kept.push({ id, reason: 'No plan of the workload reads it. It is not dropped for that alone.' });
      continue;
    }
    const reason = unseen(table) ?? lostForeignKey([id], without, byId, problem);
    if (reason === null) {
      on.delete(id);
      drop.push({ id, reason: 'Every statement that read it is served as well by another index.' });
    } else kept.push({ id, reason: `The workload would do without it, but ${reason}` });
  }
  return { create, drop, kept };
}

/** What an index begins with these columns is called; null: none does. */
function beginningWith(
  table: string,
  columns: readonly string[],
  on: ReadonlySet<string>,
  byId: ReadonlyMap<string, ExistingIndex>,
  { constraints, chosen, nameOf }: ReplacementProblem,
): string | null {
  const others = [...on].flatMap((id) => {
    const one = byId.get(id);
    if (one === undefined || one.columns === null || one.table !== table) return [];
    return { name: chosen.has(id) ? nameOf(id) : id, columns: one.columns };
  });
  const all = [...others, ...constraints.filter((one) => one.table === table)];
  return all.find((one) => columns.every((column, at) => one.columns[at] === column))?.name ?? null;
}

/** A foreign key that no index begins with once these are gone, and one of these did; null: there is none. */
function lostForeignKey(
  ids: readonly string[],
  on: ReadonlySet<string>,
  byId: ReadonlyMap<string, ExistingIndex>,
  { foreignKeys, constraints }: ReplacementProblem,
): string | null {
  const leads = (one: { readonly columns: readonly string[] | null } | undefined, key: readonly string[]): boolean => {
    const start = new Set(one?.columns?.slice(0, key.length) ?? []);
    return start.size === key.length && key.every((column) => start.has(column));
  };
  for (const { table, columns } of foreignKeys) {
    const lost = ids.some((id) => byId.get(id)?.table === table && leads(byId.get(id), columns));
    const stays =
      [...on].some((id) => byId.get(id)?.table === table && leads(byId.get(id), columns)) ||
      constraints.some((one) => one.table === table && leads(one, columns));
    if (lost && !stays) return `a foreign key (${columns.join(', ')}) needs it when what it refers to is deleted.`;
  }
  return null;
}

/** Columns of an index that comes from merging two: all of the one and then what the other has besides, both ways. */
export function mergedColumns(one: readonly string[], other: readonly string[]): readonly (readonly string[])[] {
  if (one[0] === undefined || one[0] !== other[0]) return [];
  const isBeginning = (short: readonly string[], long: readonly string[]): boolean =>
    short.every((column, at) => long[at] === column);
  if (isBeginning(one, other) || isBeginning(other, one)) return [];
  const plus = (first: readonly string[], second: readonly string[]): readonly string[] => [
    ...first,
    ...second.filter((column) => !first.includes(column)),
  ];
  return [plus(one, other), plus(other, one)];
}
