import { candidateKey, type IndexCandidate } from '../planner/index-candidate.ts';

/** Of each statement the best index, the next best without it, and so on. */
const rounds = 3;

/** The candidates worth weighing. */
export interface PromisingIndexes {
  readonly ids: ReadonlySet<string>;
  /** What statements save that have all candidates to choose from and take this one, in the planner's units for all calls. */
  readonly credits: ReadonlyMap<string, number>;
}

/**
 * The candidates worth weighing: those that a statement's plan reads when all are there, those it reads when these are gone, and what
 * they begin with, which may serve several statements at once for less. Asks for a few plans of each statement instead of one for each
 * pair. The statements come the weightiest first, so that what is found when the time is over is what matters most.
 */
export async function promisingIndexes(
  statements: readonly { readonly relevant: ReadonlySet<string>; readonly calls: number }[],
  candidates: ReadonlyMap<string, IndexCandidate>,
  ask: (
    statement: number,
    indexes: ReadonlySet<string>,
  ) => Promise<{ readonly cost: number; readonly used: ReadonlySet<string> }>,
  over: (round: number) => boolean,
): Promise<PromisingIndexes> {
  const ids = new Set<string>();
  const credits = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, { relevant, calls }] of statements.entries()) {
      if (over(round)) break;
      let left = relevant;
      // Those that were read in former rounds are known already, and answered without asking.
      for (let again = 0; again <= round; again += 1) {
        const { cost, used } = await ask(at, left);
        const fresh = [...used].filter((id) => candidates.has(id));
        for (const id of fresh) ids.add(id);
        if (fresh.length === 0) break;
        if (round === 0) {
          const without = await ask(at, new Set([...relevant].filter((id) => !candidates.has(id))));
          const share = (calls * (without.cost - cost)) / fresh.length;
          for (const id of fresh) credits.set(id, (credits.get(id) ?? 0) + share);
        }
        left = left.difference(new Set(fresh));
      }
    }
  }
  const shorter = new Set(
    [...ids].flatMap((id) => {
      const candidate = candidates.get(id);
      return candidate === undefined ? [] : beginningsOf(candidate);
    }),
  );
  for (const [id, candidate] of candidates) if (shorter.has(candidateKey(candidate))) ids.add(id);
  return { ids, credits };
}

function beginningsOf(candidate: IndexCandidate): readonly string[] {
  return candidate.keys.map((_, at) =>
    candidateKey({ ...candidate, keys: candidate.keys.slice(0, at + 1), included: [] }),
  );
}
