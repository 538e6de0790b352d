import type { PlanChange } from '../contract/statement-plan.ts';
import type { StatementIncrease, StatementStep } from '../storage/database-history.ts';

/** Whether a statement takes as long as it usually does. */
export interface StatementTrend {
  readonly state: 'steady' | 'slower' | 'faster' | 'new' | 'unknown';
  /** ms a call of late; null: hardly called. */
  readonly meanMs: number | null;
  /** ms a call in the days before; null: not known. */
  readonly usualMeanMs: number | null;
  /** Pages touched a call of late and before: work that does not depend on how busy the machine is. */
  readonly pagesPerCall: number | null;
  readonly usualPagesPerCall: number | null;
  /** Of late; null: none was found. */
  readonly planChange: PlanChange | null;
}

/** What is judged of one statement. */
export interface TrendEvidence {
  readonly recent: StatementIncrease | null;
  /** Its hours before. */
  readonly hours: readonly StatementStep[];
  /** Whether there is a day of history, so that a statement without any is new. */
  readonly isLongWatched: boolean;
  readonly planChange?: PlanChange | undefined;
}

/** Fewer calls tell more of chance than of the statement. */
const RECENT_CALLS = 20;
const HOUR_CALLS = 5;
const USUAL_CALLS = 50;
const USUAL_HOURS = 3;
/** Half as long again: what people notice, and more than caches make of it. */
const RATIO = 1.5;
/** ms a call: faster statements may vary as they like. */
const LEAST_DIFFERENCE_MS = 1;

/**
 * A statement is called slower when it takes at least half as long again as in the days before, and longer than in all but one of
 * twenty of its hours, so that the daily rush hour is no news; faster likewise.
 */
export function statementTrend({ recent, hours, isLongWatched, planChange }: TrendEvidence): StatementTrend {
  const calls = recent?.counters.calls ?? 0;
  const meanMs = recent === null || calls < RECENT_CALLS ? null : recent.counters.totalMs / calls;
  const pagesPerCall = recent === null || calls < RECENT_CALLS ? null : pagesOf([recent]) / calls;
  const known = hours.filter(({ counters }) => counters.calls >= HOUR_CALLS);
  const usualCalls = known.reduce((sum, { counters }) => sum + counters.calls, 0);
  if (known.length < USUAL_HOURS || usualCalls < USUAL_CALLS) {
    const isNew = hours.length === 0 && isLongWatched && calls > 0;
    const unknown = { usualMeanMs: null, usualPagesPerCall: null, planChange: planChange ?? null };
    return { state: isNew ? 'new' : 'unknown', meanMs, pagesPerCall, ...unknown };
  }
  const usualMeanMs = known.reduce((sum, { counters }) => sum + counters.totalMs, 0) / usualCalls;
  const figures = {
    meanMs,
    usualMeanMs,
    pagesPerCall,
    usualPagesPerCall: pagesOf(known) / usualCalls,
    planChange: planChange ?? null,
  };
  if (meanMs === null) return { state: 'unknown', ...figures };
  const means = known.map(({ counters }) => counters.totalMs / counters.calls).sort((a, b) => a - b);
  const high = means[Math.ceil(means.length * 0.95) - 1] ?? usualMeanMs;
  const low = means[Math.floor(means.length * 0.05)] ?? usualMeanMs;
  if (Math.abs(meanMs - usualMeanMs) < LEAST_DIFFERENCE_MS) return { state: 'steady', ...figures };
  if (meanMs >= RATIO * usualMeanMs && meanMs > high) return { state: 'slower', ...figures };
  if (meanMs <= usualMeanMs / RATIO && meanMs < low) return { state: 'faster', ...figures };
  return { state: 'steady', ...figures };
}

function pagesOf(rows: readonly StatementIncrease[]): number {
  return rows.reduce((sum, { counters }) => sum + counters.buffersHit + counters.buffersRead, 0);
}
