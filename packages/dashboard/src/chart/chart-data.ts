import type { EpochMs, Frame } from '@teamflow/autopilot/contract';

export type Values = readonly (number | null)[];

/** Columns side by side over one axis of time, as uPlot takes them; the first is the time in seconds. */
export type AlignedValues = [number[], ...(number | null)[][]];

/**
 * The columns of a frame within a range. A step that is missing altogether is put in as a null, so that no line is
 * drawn across it; a column that the frame lacks is null throughout.
 */
export function alignedValues(frame: Frame, columns: readonly string[], from: EpochMs, to: EpochMs): AlignedValues {
  const seconds: number[] = [];
  // Indices of the steps to take; -1: a gap. Once a second over thousands of points: plain loops, column by column.
  const steps: number[] = [];
  let before = Number.POSITIVE_INFINITY;
  for (let index = 0; index < frame.at.length; index += 1) {
    const at = frame.at[index] ?? Number.NaN;
    if (at < from - frame.stepMs || at > to) continue;
    if (at - before > frame.stepMs * 1.5) {
      seconds.push((before + frame.stepMs) / 1000);
      steps.push(-1);
    }
    seconds.push(at / 1000);
    steps.push(index);
    before = at;
  }
  const values = columns.map((name) => {
    const column = frame.columns[name] ?? [];
    return steps.map((index) => column[index] ?? null);
  });
  return [seconds, ...values];
}

/**
 * The columns of an earlier range, laid over these seconds: each takes the step of the earlier frame that it lies in. The frame has
 * the times of the present already.
 */
export function earlierValues(
  frame: Frame,
  columns: readonly string[],
  seconds: readonly number[],
): (number | null)[][] {
  const first = frame.at[0] ?? Number.NaN;
  const steps = seconds.map((second) => Math.floor((second * 1000 - first) / frame.stepMs));
  return columns.map((name) => {
    const column = frame.columns[name] ?? [];
    return steps.map((step) => column[step] ?? null);
  });
}

/**
 * Points that stand alone between gaps: no line would show them. The last point of all counts when what is before it
 * is a gap.
 */
export function lonelyPoints(values: ArrayLike<number | null | undefined>): number[] {
  const lonely: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] == null || values[index - 1] != null || values[index + 1] != null) continue;
    lonely.push(index);
  }
  return lonely;
}

export interface Extent {
  readonly latest: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

/** How many steps back the latest value may lie: the last second is often still on its way. */
const LATEST_REACH = 3;

export function extentOf(values: Values): Extent {
  let least: number | null = null;
  let most: number | null = null;
  for (const value of values) {
    if (value === null) continue;
    if (least === null || value < least) least = value;
    if (most === null || value > most) most = value;
  }
  return { latest: latestOf(values), least, most };
}

/** The newest value, if it is of the present; null after a silence. */
export function latestOf(values: Values): number | null {
  return values.slice(-LATEST_REACH).findLast((value) => value !== null) ?? null;
}

/** The end of an axis: the next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten, so that it does not twitch with each value. */
export function niceCeiling(most: number, floor: number): number {
  const reach = Math.max(most * 1.05, floor);
  if (!(reach > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(reach));
  const step = [1, 1.5, 2, 3, 5, 7.5, 10].find((one) => one * power >= reach - power * 1e-9) ?? 10;
  return step * power;
}
