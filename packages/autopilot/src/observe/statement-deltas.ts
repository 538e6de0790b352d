import { statementCounters } from '../contract/statement-counters.ts';
import type { CountedStatement, CountedStatements } from '../postgres/statement-counts.ts';
import type { Counters, StatementIncrease, StatementKey, StatementStanding } from '../storage/database-history.ts';

/** pg_stat_statements forgets this share of its places at a time, and ten at the least (its source, USAGE_DEALLOC_PERCENT). */
const EVICTED_SHARE = 0.05;
const EVICTED_LEAST = 10;

/** What happened between two readings. */
export interface Advance {
  readonly increases: readonly StatementIncrease[];
  /** Calls that were forgotten between the readings, by an eviction or a reset, estimated; null: the server does not count evictions. */
  readonly unseenCalls: number | null;
}

interface Known {
  since: string | null;
  counters: Counters;
}

/**
 * Turns what a server has counted into what happened since it was asked last:
 *
 *   increase = counted now - counted before         the same count goes on
 *            = counted now                          it began anew: it is lower, or says that it counts from later on,
 *                                                   or it was not there before
 *
 * It begins anew after a reset (of one or of all), after a crash, and when a statement was forgotten and came again; what
 * happened between the last reading and that moment is lost, so readings are close together. The first reading ever of a database is where
 * counting begins and increases nothing; after a restart of ours it is compared with what was kept.
 *
 * Statements that are forgotten before they are read are not seen at all. Each eviction takes E = max(10, 5 % of the places) of the
 * least used; those that were known before were seen, so
 *
 *   unseen calls = max(0, evictions x E - known ones that are gone) x mean calls of the least used twentieth of now
 *
 * A reset of all says when it was. What was called between the last reading and it is taken to have been as much a second as between
 * the two readings before.
 */
export class StatementDeltas {
  readonly #known = new Map<string, Known>();
  #begun: boolean;
  #evictions: number | null = null;
  #resetAt: number | null = null;
  /** When they were read last, and calls a ms before that; null: not known yet. */
  #readAt: number | null = null;
  #callsPerMs = 0;

  /** @param standings as they were kept; none: counting begins with the first reading. */
  constructor(standings: readonly StatementStanding[]) {
    this.#begun = standings.length > 0;
    for (const one of standings) this.#known.set(idOf(one), { since: one.since, counters: one.counters });
  }

  /** Statements that are known. */
  get size(): number {
    return this.#known.size;
  }

  advance({ statements, evictions, resetAt, at, max }: CountedStatements): Advance {
    const isReset = this.#resetAt !== null && resetAt !== null && this.#resetAt !== resetAt;
    const increases: StatementIncrease[] = [];
    const present = new Set<string>();
    for (const counted of statements) {
      const id = idOf(counted);
      present.add(id);
      const before = this.#known.get(id);
      const increase = before === undefined ? counted.counters : increaseOf(before, counted, isReset);
      this.#known.set(id, { since: counted.since, counters: counted.counters });
      if (this.#begun && increase.calls > 0) {
        increases.push({ queryId: counted.queryId, role: counted.role, counters: increase });
      }
    }
    let gone = 0;
    for (const id of this.#known.keys()) {
      if (present.has(id)) continue;
      gone++;
      // It counts from nothing when it comes again.
      this.#known.delete(id);
    }
    const forgotten = this.#unseen(statements, evictions, isReset, max, gone);
    const readAt = this.#readAt ?? at;
    const beforeResetMs = isReset ? Math.min(at, resetAt ?? at) - readAt : 0;
    const unseenCalls = forgotten === null ? null : forgotten + Math.max(0, beforeResetMs) * this.#callsPerMs;
    const calls = increases.reduce((sum, { counters }) => sum + counters.calls, 0);
    // After a reset it is known of a part of the time only.
    if (!isReset) this.#callsPerMs = at > readAt ? calls / (at - readAt) : 0;
    this.#readAt = at;
    this.#begun = true;
    this.#evictions = evictions;
    this.#resetAt = resetAt;
    return { increases, unseenCalls };
  }

  #unseen(
    statements: readonly CountedStatement[],
    evictions: number | null,
    isReset: boolean,
    max: number | null,
    gone: number,
  ): number | null {
    if (evictions === null || this.#evictions === null) return evictions === null ? null : 0;
    const rounds = isReset || evictions < this.#evictions ? evictions : evictions - this.#evictions;
    if (rounds === 0) return 0;
    const each = Math.max(EVICTED_LEAST, (max ?? statements.length) * EVICTED_SHARE);
    const least = statements
      .map(({ counters }) => counters.calls)
      .sort((a, b) => a - b)
      .slice(0, Math.max(1, Math.floor(statements.length * EVICTED_SHARE)));
    const callsEach = least.length === 0 ? 1 : least.reduce((sum, calls) => sum + calls, 0) / least.length;
    return Math.max(0, rounds * each - (isReset ? 0 : gone)) * callsEach;
  }
}

function idOf({ queryId, role }: StatementKey): string {
  return `${queryId} ${role}`;
}

function increaseOf(before: Known, now: CountedStatement, isReset: boolean): Counters {
  const isAnew =
    now.counters.calls < before.counters.calls ||
    (now.since !== null && before.since !== null ? now.since !== before.since : isReset);
  if (isAnew) return now.counters;
  const rest = statementCounters.map((name) => [name, Math.max(0, now.counters[name] - before.counters[name])]);
  // Every name is written.
  return Object.fromEntries(rest) as Counters;
}
