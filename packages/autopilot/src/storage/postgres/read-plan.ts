import type { EpochMs } from '../../kernel/clock.ts';
import { ceilTo, DAY_MS, floorTo, HOUR_MS, MINUTE_MS } from './retention.ts';

/**
 * Which level answers which part of a range: the coarsest that is welcome and fits, finer ones at the edges and for what
 * is not merged yet, coarser ones where nothing finer is kept any more.
 *
 *   cover(range, level):
 *     where the next finer level is not kept   -> this level, rounded outwards (a finer one is dropped only when this one is closed)
 *     its whole buckets that are closed        -> this level, if its buckets are not longer than welcome
 *     the rest                                 -> cover(rest, next finer level)
 */

export type Level = 'window' | 'minute' | 'hour' | 'day';

/** Buckets of one level that start in [from, to). */
export interface Part {
  readonly level: Level;
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** What is stored of a scope. */
export interface StoredLevels {
  /** Where each level begins to be kept whole; positive infinity: it is not kept at all. */
  readonly windowsFrom: EpochMs;
  readonly minutesFrom: EpochMs;
  readonly hoursFrom: EpochMs;
  /** Before it, minutes have been merged into hours; negative infinity: none has. */
  readonly minutesUntil: EpochMs;
  /** Before it, hours have been merged into days. */
  readonly hoursUntil: EpochMs;
}

interface LevelRule {
  readonly level: Level;
  readonly unitMs: number;
  readonly finerFrom: (stored: StoredLevels) => EpochMs;
  /** Buckets that start before it are complete but for late windows. */
  readonly until: (stored: StoredLevels) => EpochMs;
}

/** Coarsest first; what no rule covers is read from the windows. */
const rules: readonly LevelRule[] = [
  { level: 'day', unitMs: DAY_MS, finerFrom: ({ hoursFrom }) => hoursFrom, until: ({ hoursUntil }) => hoursUntil },
  {
    level: 'hour',
    unitMs: HOUR_MS,
    finerFrom: ({ minutesFrom }) => minutesFrom,
    until: ({ minutesUntil }) => minutesUntil,
  },
  // A minute that is not merged is in the queue of unfolded windows, which every read of minutes looks through.
  {
    level: 'minute',
    unitMs: MINUTE_MS,
    finerFrom: ({ windowsFrom }) => windowsFrom,
    until: () => Number.POSITIVE_INFINITY,
  },
];

/** The parts of [from, to), ascending and without overlap. */
export function planRead(from: EpochMs, to: EpochMs, resolutionMs: number, stored: StoredLevels): readonly Part[] {
  const parts: Part[] = [];
  cover(from, to, 0, resolutionMs, stored, parts);
  return parts;
}

function cover(
  from: EpochMs,
  to: EpochMs,
  depth: number,
  resolutionMs: number,
  stored: StoredLevels,
  parts: Part[],
): void {
  if (from >= to) return;
  const rule = rules[depth];
  if (rule === undefined) {
    add(parts, 'window', from, to);
    return;
  }
  const { level, unitMs } = rule;
  const onlyUntil = Math.min(to, rule.finerFrom(stored), rule.until(stored));
  let rest = from;
  if (from < onlyUntil) {
    rest = Math.max(from, Math.min(to, ceilTo(onlyUntil, unitMs)));
    add(parts, level, floorTo(from, unitMs), ceilTo(onlyUntil, unitMs));
  }
  const innerFrom = ceilTo(rest, unitMs);
  const innerTo = unitMs <= resolutionMs ? Math.min(floorTo(to, unitMs), rule.until(stored)) : innerFrom;
  if (innerFrom >= innerTo) {
    cover(rest, to, depth + 1, resolutionMs, stored, parts);
    return;
  }
  cover(rest, innerFrom, depth + 1, resolutionMs, stored, parts);
  add(parts, level, innerFrom, innerTo);
  cover(innerTo, to, depth + 1, resolutionMs, stored, parts);
}

/** Joins what touches, so that fewer questions are asked. */
function add(parts: Part[], level: Level, from: EpochMs, to: EpochMs): void {
  const last = parts.at(-1);
  if (last !== undefined && last.level === level && last.to >= from)
    parts[parts.length - 1] = { ...last, to: Math.max(last.to, to) };
  else parts.push({ level, from, to });
}
