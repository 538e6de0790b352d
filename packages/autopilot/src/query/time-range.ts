import type { TimeSpan } from '../contract/frame.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { AutopilotError } from '../kernel/errors.ts';
import type { Extent } from '../storage/ports.ts';

/** Most points a frame may have. */
const MAX_POINTS = 5000;
const DAY_MS = 86_400_000;
/** What a frame has at most when its step is left to us. */
const USUAL_POINTS = 600;
/** Steps that people read easily. */
const USUAL_STEPS_MS: readonly number[] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600]
  .concat([2, 3, 4, 6, 12, 24, 48, 168].map((hours) => hours * 3600))
  .map((seconds) => seconds * 1000);

/** A range as it was asked for; what is left out has a default. */
export interface AskedRange {
  readonly from?: EpochMs | undefined;
  readonly to?: EpochMs | undefined;
  readonly stepMs?: number | undefined;
}

/** A range that can be answered: [from, to). */
export interface TimeRange {
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** false: it reaches back beyond what is kept. */
  readonly complete: boolean;
  /** Where it differs from what was asked, as sentences. */
  readonly notes: readonly string[];
}

/** A range cut into steps that begin at multiples of `stepMs` since 1970. */
export interface SteppedRange extends TimeRange {
  readonly stepMs: number;
  /** The longest windows kept that never cross a step. */
  readonly resolutionMs: number;
}

/** After a second ends, its windows need a moment to arrive: the present ends with the newest, if that is not older. */
const ARRIVAL_MS = 2000;

/** Where a range ends that has no end: the newest window, or two seconds ago where none has come since. */
export function presentOf(extent: Extent, now: EpochMs): EpochMs {
  const second = Math.floor(now / 1000) * 1000;
  return Math.min(second, Math.max(extent.newestEnd ?? 0, second - ARRIVAL_MS));
}

/**
 * @throws AutopilotError AP_RANGE_INVALID when it is reversed, in the future, or has too many steps, or when the step is
 * not a multiple of 1,000 ms.
 */
export function steppedRange(asked: AskedRange, lookBackMs: number, extent: Extent, now: EpochMs): SteppedRange {
  const { from, to } = bounds(asked, lookBackMs, extent, now);
  const level = levelFor(extent, from);
  const step = asked.stepMs;
  if (step !== undefined && (!Number.isInteger(step) || step < 1000 || step % 1000 !== 0)) {
    throw invalid(`The step ${step} ms is not a multiple of 1,000 ms.`, 'Ask for a step in whole seconds.');
  }
  const stepMs =
    step === undefined
      ? (USUAL_STEPS_MS.find((usual) => usual % level.resolutionMs === 0 && (to - from) / usual <= USUAL_POINTS) ??
        Math.ceil((to - from) / USUAL_POINTS / DAY_MS) * DAY_MS)
      : Math.ceil(step / level.resolutionMs) * level.resolutionMs;
  const aligned = { from: Math.floor(from / stepMs) * stepMs, to: Math.ceil(to / stepMs) * stepMs };
  const points = (aligned.to - aligned.from) / stepMs;
  if (points > MAX_POINTS) {
    const least = Math.ceil((to - from) / MAX_POINTS / 1000) * 1000;
    throw invalid(
      `The range has ${points} steps of ${stepMs} ms; an answer has at most ${MAX_POINTS}.`,
      `Ask for a step of at least ${least} ms, or a shorter range.`,
    );
  }
  const notes = notesOf(extent, from, to);
  if (step !== undefined && stepMs !== step) {
    notes.push(
      `The step was rounded up from ${step} to ${stepMs} ms: back to ${timestamp(from)} facts are kept in windows of ${level.resolutionMs} ms.`,
    );
  }
  const fitting = extent.levels.findLast(({ resolutionMs }) => stepMs % resolutionMs === 0) ?? level;
  return { ...aligned, stepMs, resolutionMs: fitting.resolutionMs, complete: isComplete(extent, from, to), notes };
}

/** @throws AutopilotError AP_RANGE_INVALID when it is reversed or in the future. */
export function wholeRange(
  asked: Omit<AskedRange, 'stepMs'>,
  lookBackMs: number,
  extent: Extent,
  now: EpochMs,
): TimeRange {
  const { from, to } = bounds(asked, lookBackMs, extent, now);
  const { resolutionMs } = levelFor(extent, from);
  return {
    from: Math.floor(from / resolutionMs) * resolutionMs,
    to: Math.ceil(to / resolutionMs) * resolutionMs,
    complete: isComplete(extent, from, to),
    notes: notesOf(extent, from, to),
  };
}

/** A sparkline has about this many points. */
const SPARKLINE_STEPS = 60;

/** A range in about as many steps as a sparkline has points. */
export function sparklineRange({ from, to, notes }: TimeRange, extent: Extent, now: EpochMs): SteppedRange {
  const stepMs = Math.max(1000, Math.ceil((to - from) / SPARKLINE_STEPS / 1000) * 1000);
  return { ...steppedRange({ from, to, stepMs }, to - from, extent, now), notes };
}

function bounds(
  asked: Omit<AskedRange, 'stepMs'>,
  lookBackMs: number,
  extent: Extent,
  now: EpochMs,
): { readonly from: EpochMs; readonly to: EpochMs } {
  const to = asked.to ?? presentOf(extent, now);
  const from = asked.from ?? to - lookBackMs;
  if (from > now) {
    throw invalid(
      `The range begins at ${timestamp(from)}, which is in the future; it is ${timestamp(now)}.`,
      'Ask for a range that has begun.',
    );
  }
  if (from >= to) {
    throw invalid(
      `The range begins at ${timestamp(from)} and ends at ${timestamp(to)}: nothing lies between.`,
      'Let `from` be before `to`; left out, `to` is the present.',
    );
  }
  return { from, to };
}

/** The finest resolution that reaches back that far; else the one that reaches furthest. */
function levelFor(extent: Extent, from: EpochMs): Extent['levels'][number] {
  const level = extent.levels.find((one) => one.from <= from) ?? extent.levels.at(-1);
  return level ?? { resolutionMs: 1000, from };
}

/** Whether all of [from, to) is kept and can be had, and if not, why, as sentences. */
export function limitsOf(extent: Extent, from: EpochMs, to: EpochMs): Pick<TimeRange, 'complete' | 'notes'> {
  return { complete: isComplete(extent, from, to), notes: notesOf(extent, from, to) };
}

function isComplete(extent: Extent, from: EpochMs, to: EpochMs): boolean {
  return isKept(extent, from) && unsettledIn(extent, from, to).length === 0;
}

function isKept(extent: Extent, from: EpochMs): boolean {
  return extent.levels.some((level) => level.from <= from);
}

function unsettledIn({ unsettled = [] }: Extent, from: EpochMs, to: EpochMs): readonly TimeSpan[] {
  return unsettled.filter((span) => span.from < to && span.to > from);
}

function keptOf({ levels }: Extent): string {
  // Beyond ten seconds there is history.
  return (levels.at(-1)?.resolutionMs ?? 0) > 10_000
    ? 'nothing older is kept'
    : 'the control plane keeps the last hour';
}

function notesOf(extent: Extent, from: EpochMs, to: EpochMs): string[] {
  const notes: string[] = [];
  const kept = extent.levels.at(-1)?.from;
  if (kept !== undefined && !isKept(extent, from)) {
    const why =
      extent.trouble ??
      (extent.droppedWindows > 0
        ? `${extent.droppedWindows} older windows were dropped to stay within the memory bound`
        : keptOf(extent));
    notes.push(`Nothing from before ${timestamp(kept)} can be had: ${why.replace(/\.$/, '')}.`);
  }
  const open = unsettledIn(extent, from, to);
  if (open.length > 0) {
    const since = Math.max(from, Math.min(...open.map((span) => span.from)));
    notes.push(
      `From ${timestamp(since)} on something may be missing yet: another control plane took it, and it is on its way through the store.`,
    );
  }
  return notes;
}

/** RFC 3339 in UTC; times too far for a Date as their number. */
function timestamp(at: EpochMs): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : `${at} ms`;
}

function invalid(message: string, remedy: string): AutopilotError {
  return new AutopilotError('AP_RANGE_INVALID', message, { remedy });
}
