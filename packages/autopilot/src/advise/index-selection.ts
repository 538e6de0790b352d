/** An index to choose, with what it costs to have. */
export interface Choice {
  readonly id: string;
  readonly table: string;
  readonly bytes: number;
  /** What the workload's writes pay for it, in the units of `cost`. */
  readonly writeCost: number;
}

/** What the search works on. Costs are of the whole workload, in the planner's units. */
export interface SelectionProblem {
  readonly candidates: readonly Choice[];
  readonly existing: readonly string[];
  readonly cost: (on: ReadonlySet<string>) => Promise<number>;
  readonly budgetBytes: number;
  readonly mostPerTable: number;
  /** What statements save that have all candidates to choose from and take this one; by id. */
  readonly credits: ReadonlyMap<string, number>;
  /** True when that share of the time for the search is over (1: all of it): the best so far is the answer. */
  readonly over: (share: number) => boolean;
}

export interface Selection {
  readonly chosen: readonly string[];
  readonly costBefore: number;
  /** Without what writes pay. */
  readonly costAfter: number;
  readonly rejected: readonly { readonly id: string; readonly reason: string }[];
}

/** An index that saves less than this share of the workload is not worth having ... */
const leastShare = 0.003;
/** ... unless it is this share of what the others have left of it. */
const leastShareOfRest = 0.01;
/** For the benefit per byte: below this no index is a burden. */
const smallBytes = 1_048_576;
/** Growing ends at that share of the time: taking away and exchanging betters a half-grown set more than another index does. */
const growingShare = 0.75;

/**
 * Chooses indexes for a workload; good at once and better with time. What statements would take if each could choose for itself comes first,
 * which costs hardly a question. Then a set is grown by the largest saving per byte, savings less what writes pay ("Extend": Schlosser,
 * Kossmann, Boissier, ICDE 2019). The cheaper of the two loses what its others made redundant, and one is exchanged for another or added as
 * long as that helps and there is time.
 */
export async function selectIndexes(problem: SelectionProblem): Promise<Selection> {
  // Those that promise most are asked about first: there may be no time for the others.
  const candidates = problem.candidates.toSorted((a, b) => promiseOf(b, problem) - promiseOf(a, problem));
  const byId = new Map(candidates.map((one) => [one.id, one]));
  const reasons = new Map<string, string>();
  const existing = new Set(problem.existing);
  const costBefore = await problem.cost(existing);
  const leastOf = (rest: number): number => Math.min(costBefore * leastShare, rest * leastShareOfRest);
  const total = async (ids: ReadonlySet<string>): Promise<number> =>
    (await problem.cost(existing.union(ids))) + [...ids].reduce((sum, id) => sum + (byId.get(id)?.writeCost ?? 0), 0);

  const first = new Set<string>();
  for (const one of candidates) {
    const isWorthIt = (problem.credits.get(one.id) ?? 0) - one.writeCost >= leastOf(costBefore);
    if (isWorthIt && limitOf(one, first, byId, problem) === null) first.add(one.id);
  }
  const costOfFirst = first.size === 0 ? costBefore : await total(first);

  let chosen = new Set<string>();
  let current = costBefore;
  // Savings only shrink as others are chosen: who was not the best before need not be asked again until it might be.
  let queue: { readonly one: Choice; readonly worth: number; readonly round: number }[] = [];
  for (const one of candidates) {
    if (problem.over(growingShare)) break;
    const saved = current - (await total(new Set([one.id])));
    if (saved >= leastOf(0.1 * costBefore)) queue.push({ one, worth: worth(saved, one), round: 0 });
    else reasons.set(one.id, reasonOf(saved + one.writeCost, saved, costBefore));
  }
  for (let round = 0; queue.length > 0 && !problem.over(growingShare); ) {
    queue = queue.toSorted((a, b) => b.worth - a.worth);
    const [best] = queue.splice(0, 1);
    if (best === undefined) break;
    const { one } = best;
    const refusal = limitOf(one, chosen, byId, problem);
    if (refusal !== null) {
      reasons.set(one.id, refusal);
      continue;
    }
    const after = await total(new Set([...chosen, one.id]));
    if (current - after < leastOf(current)) {
      reasons.set(one.id, 'What it would save is saved by the chosen ones already.');
    } else if (best.round === round) {
      chosen.add(one.id);
      current = after;
      round += 1;
    } else queue.push({ one, worth: worth(current - after, one), round });
  }

  if (costOfFirst < current) {
    chosen = first;
    current = costOfFirst;
  }

  for (let changed = true; changed && !problem.over(1); ) {
    changed = false;
    for (const id of chosen) {
      if (problem.over(1)) break;
      const without = new Set(chosen);
      without.delete(id);
      const cost = await total(without);
      if (cost <= current + leastOf(current) / 3) {
        chosen.delete(id);
        current = cost;
        reasons.set(id, 'The others do without it.');
        changed = true;
      }
    }
    for (const id of chosen) {
      const rivals = candidates.filter((one) => one.table === byId.get(id)?.table && !chosen.has(one.id));
      for (const rival of rivals) {
        if (problem.over(1)) break;
        const exchanged = new Set(chosen);
        exchanged.delete(id);
        if (limitOf(rival, exchanged, byId, problem) !== null) continue;
        exchanged.add(rival.id);
        const cost = await total(exchanged);
        if (cost < current - leastOf(current)) {
          chosen.delete(id);
          chosen.add(rival.id);
          current = cost;
          reasons.set(id, 'Another index on the table saves more.');
          changed = true;
          break;
        }
      }
    }
    for (const one of candidates) {
      if (problem.over(1)) break;
      if (chosen.has(one.id) || limitOf(one, chosen, byId, problem) !== null) continue;
      const more = new Set([...chosen, one.id]);
      const cost = await total(more);
      if (cost >= current - leastOf(current)) continue;
      chosen = more;
      current = cost;
      changed = true;
    }
  }
  return {
    chosen: [...chosen],
    costBefore,
    costAfter: await problem.cost(existing.union(chosen)),
    rejected: problem.candidates
      .filter(({ id }) => !chosen.has(id))
      .map(({ id }) => ({ id, reason: reasons.get(id) ?? 'The time for the search was over.' })),
  };
}

/** Per byte, as far as it can be told without asking. */
function promiseOf(one: Choice, { credits }: SelectionProblem): number {
  return worth((credits.get(one.id) ?? 0) - one.writeCost, one);
}

function worth(saved: number, { bytes }: Choice): number {
  return saved / Math.max(smallBytes, bytes);
}

function reasonOf(read: number, net: number, before: number): string {
  const percent = (value: number): string => `${((100 * value) / Math.max(before, 1)).toFixed(1)} %`;
  if (read - net > 0 && read >= before * leastShare)
    return `It saves ${percent(read)} of the workload and costs its writes ${percent(read - net)}.`;
  return read <= 0
    ? 'No plan of the workload gets cheaper with it.'
    : `It saves ${percent(read)} of the workload, too little to be worth having.`;
}

function limitOf(
  one: Choice,
  chosen: ReadonlySet<string>,
  byId: ReadonlyMap<string, Choice>,
  { budgetBytes, mostPerTable }: SelectionProblem,
): string | null {
  const others = [...chosen].flatMap((id) => byId.get(id) ?? []);
  const bytes = others.reduce((sum, other) => sum + other.bytes, one.bytes);
  if (bytes > budgetBytes) return `With it the new indexes would take ${bytes} bytes of the ${budgetBytes} allowed.`;
  if (others.filter(({ table }) => table === one.table).length >= mostPerTable)
    return `Its table would get more than ${mostPerTable} new indexes.`;
  return null;
}
