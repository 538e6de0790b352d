import { messageOf } from '../kernel/errors.ts';
import type { ColumnFactsBook } from '../planner/column-facts.ts';
import { hypothetical, type IndexCandidate, rowShares } from '../planner/index-candidate.ts';
import type { HypotheticalIndex, PlanningEngine } from '../planner/planning-engine.ts';

/** Made at once: each time all tables they are on are emptied and filled again. */
const batchSize = 400;

/** What became of candidates. */
export interface ThoughtIndexes {
  /** By id; switched off. */
  readonly made: ReadonlyMap<string, IndexCandidate>;
  /** By id, with the reason. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Makes candidates where they are planned with, those first that come first, until the time is over: what is not made then is refused for that. */
export async function thinkOf(
  candidates: ReadonlyMap<string, IndexCandidate>,
  engine: PlanningEngine,
  book: ColumnFactsBook,
  over: () => boolean,
): Promise<ThoughtIndexes> {
  const made = new Map<string, IndexCandidate>();
  const refused = new Map<string, string>();
  const shares = rowShares(book, engine);
  const all = [...candidates];
  for (let at = 0; at < all.length; at += batchSize) {
    const batch = all.slice(at, at + batchSize);
    if (at > 0 && over()) {
      for (const [id] of batch) refused.set(id, 'The time was over before it could be thought through.');
      continue;
    }
    const thought: HypotheticalIndex[] = [];
    for (const [id, candidate] of batch) {
      try {
        thought.push(await hypothetical(candidate, id, book, engine, shares));
        made.set(id, candidate);
      } catch (error) {
        refused.set(id, messageOf(error));
      }
    }
    for (const [id, reason] of await engine.add(thought)) {
      refused.set(id, reason);
      made.delete(id);
    }
  }
  return { made, refused };
}
