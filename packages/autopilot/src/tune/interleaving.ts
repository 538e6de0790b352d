import type { TrialTimes } from './trial-times.ts';

/** A change that is cheap to flip is measured on, off, on, off: what the day does meanwhile befalls both alike. */
export interface Interleaving {
  readonly isOn: boolean;
  /** How often it was flipped since it was made. */
  readonly flips: number;
  /** ms since 1970. */
  readonly flippedAt: number;
}

/** After a flip nothing is measured for so long: instances have to hear of it, and what was under way to end. */
export const SETTLING_MS = 5_000;
/** A verdict that is not urgent waits for on, off, on, off, on. */
const LEAST_FLIPS = 4;
/** Samples of a stretch, so that it is mostly measuring and not settling. */
const LEAST_SAMPLES = 6;

/** Of a trial, more or less: what takes days is flipped less often. */
const STRETCHES = 60;

/** How long it stays on or off at a time, so many ms after it was made. */
export function stretchMs({ sampleMs, minMs }: TrialTimes, sinceMs: number): number {
  return Math.max(SETTLING_MS + LEAST_SAMPLES * sampleMs, minMs / (2 * LEAST_FLIPS), sinceMs / STRETCHES);
}

/** Whether a trial may be kept, as far as its flips are concerned: a change that is off now comes on first. */
export function mayEnd(interleaving: Interleaving | undefined): boolean {
  return interleaving === undefined || (interleaving.isOn && interleaving.flips >= LEAST_FLIPS);
}
