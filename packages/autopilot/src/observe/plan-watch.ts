import { isPlannable, type PlanChange } from '../contract/statement-plan.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { explainStatement } from '../postgres/explain-statement.ts';
import type { ObservedDatabase } from '../postgres/observed-database.ts';
import { planFingerprint, planSteps } from '../postgres/plan-shape.ts';
import type { DatabaseHistory, StoredPlan } from '../storage/database-history.ts';

/** Of a minute's statements, those that took most time; what is not among them costs little, whatever its plan. */
const MOST_WATCHED = 50;
const AGAIN_MS = 15 * 60_000;
/** What can not be planned by this role now can not in a minute. */
const REFUSED_MS = 6 * 3_600_000;
const MOST_RESTING = 5_000;
const CHANGE_TOLD_MS = 7 * 86_400_000;

/** Looks now and then how the server would carry out the dearest statements, and keeps what it finds. Nothing is executed. */
export class PlanWatch {
  readonly #name: string;
  readonly #history: DatabaseHistory;
  /** Until when each is left alone, on the monotonic clock. */
  readonly #rests = new Map<string, number>();

  constructor(name: string, history: DatabaseHistory) {
    this.#name = name;
    this.#history = history;
  }

  /** `statements`: the dearest first. At most `most` of them are planned. Cost: about 1 ms each. */
  async turn(
    database: ObservedDatabase,
    statements: readonly { readonly queryId: string; readonly text: string }[],
    most: number,
    { nowMs, at }: { readonly nowMs: number; readonly at: EpochMs },
  ): Promise<void> {
    if (this.#rests.size > MOST_RESTING) this.#rests.clear();
    const due = statements
      .filter(({ text }) => isPlannable(text))
      .slice(0, MOST_WATCHED)
      .filter(({ queryId }) => (this.#rests.get(queryId) ?? Number.NEGATIVE_INFINITY) <= nowMs)
      .slice(0, most);
    for (const { queryId, text } of due) {
      try {
        const plan = await explainStatement(database, text);
        const steps = planSteps(plan).map((step) => ({ ...step, condition: null }));
        const found = { queryId, fingerprint: planFingerprint(plan), cost: plan['Total Cost'], steps };
        await this.#history.keepPlan(this.#name, at, found);
        this.#rests.set(queryId, nowMs + AGAIN_MS);
      } catch {
        // The page of the statement says why, to whoever asks for its plan.
        this.#rests.set(queryId, nowMs + REFUSED_MS);
      }
    }
  }
}

/** What changed within a week, by queryId; `plans` the latest first. */
export function planChanges(plans: readonly StoredPlan[], now: EpochMs): ReadonlyMap<string, PlanChange> {
  const changes = new Map<string, PlanChange>();
  for (const [queryId, [current, before]] of Map.groupBy(plans, (one) => one.queryId)) {
    if (current === undefined || before === undefined || now - current.sinceAt > CHANGE_TOLD_MS) continue;
    changes.set(queryId, {
      at: new Date(current.sinceAt).toISOString(),
      costBefore: before.cost,
      cost: current.cost,
    });
  }
  return changes;
}
