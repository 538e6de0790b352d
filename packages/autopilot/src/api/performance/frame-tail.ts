import type { Frame } from '../../contract/frame.ts';

/** How much of a frame goes into every event, at least: what is late by a few seconds comes with the next one. */
const TAIL_MS = 10_000;

/**
 * The end of a frame, from the first point that differs from the frame sent before, and at least the last ten seconds.
 * (A blocked event loop sends its missing seconds when it is back, and so changes older points.)
 */
export function tailOf(frame: Frame, before: Frame | undefined): Frame {
  const last = frame.at.at(-1);
  if (last === undefined || before === undefined || before.stepMs !== frame.stepMs) return frame;
  const ordinary = frame.at.findIndex((at) => at > last - Math.max(TAIL_MS, 2 * frame.stepMs));
  const from = Math.min(ordinary, firstChange(frame, before));
  return {
    ...frame,
    at: frame.at.slice(from),
    columns: Object.fromEntries(Object.entries(frame.columns).map(([name, column]) => [name, column.slice(from)])),
  };
}

function firstChange(frame: Frame, before: Frame): number {
  const start = before.at[0] ?? 0;
  const first = frame.at[0] ?? 0;
  const shift = Math.round((first - start) / frame.stepMs);
  const shared = Math.min(frame.at.length, before.at.length - shift);
  if (shift < 0 || shared <= 0) return 0;
  let change = shared;
  for (const [name, column] of Object.entries(frame.columns)) {
    const known = before.columns[name];
    for (let index = 0; index < change; index++) {
      if (column[index] !== known?.[index + shift]) change = index;
    }
  }
  return change;
}
