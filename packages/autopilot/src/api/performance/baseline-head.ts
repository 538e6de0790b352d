import type { Frame } from '../../contract/frame.ts';
import type { Baseline as BaselineAnswer } from '../../contract/performance.ts';
import type { Baseline } from '../../query/baseline.ts';

/** What every answer says of the earlier range that it holds. */
export function baselineHead({ range, shiftMs }: Pick<Baseline, 'range' | 'shiftMs'>): BaselineAnswer {
  return {
    from: new Date(range.from).toISOString(),
    to: new Date(range.to).toISOString(),
    shiftMs,
    complete: range.complete,
    notes: range.notes,
  };
}

/** A frame of an earlier range with the times of the present one. */
export function laidOver(frame: Frame, shiftMs: number): Frame {
  return { ...frame, at: frame.at.map((at) => at + shiftMs) };
}
