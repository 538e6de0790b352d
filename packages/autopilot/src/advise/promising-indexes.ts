import { candidateKey, type IndexCandidate } from '../planner/index-candidate.ts';

/** Of each statement the best index, the next best without it, and so on. */
const rounds = 3;

/**
 * The candidates worth weighing: those that a statement's plan reads when all are there, those it reads when these are gone, and what
 * they begin with, which may serve several statements at once for less. Asks for a few plans of each statement instead of one for each pair.
 */
export async function promisingIndexes(
  statements: readonly { readonly relevant: ReadonlySet<string> }[],
  candidates: ReadonlyMap<string, IndexCandidate>,
  used: (statement: number, indexes: ReadonlySet<string>) => Promise<ReadonlySet<string>>,
  over: () => boolean,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, { relevant }] of statements.entries()) {
      if (over()) break;
      let left = relevant;
      // Those that were read in former rounds are known already, and answered without asking.
      for (let again = 0; again <= round; again += 1) {
        const read = await used(at, left);
        const fresh = [...read].filter((id) => candidates.has(id));
        for (const id of fresh) found.add(id);
        if (fresh.length === 0) break;
        left = left.difference(new Set(fresh));
      }
    }
  }
  const shorter = new Set(
    [...found].flatMap((id) => {
      const candidate = candidates.get(id);
      return candidate === undefined ? [] : beginningsOf(candidate);
    }),
  );
  for (const [id, candidate] of candidates) if (shorter.has(candidateKey(candidate))) found.add(id);
  return found;
}

function beginningsOf(candidate: IndexCandidate): readonly string[] {
  return candidate.keys.map((_, at) =>
    candidateKey({ ...candidate, keys: candidate.keys.slice(0, at + 1), included: [] }),
  );
}
