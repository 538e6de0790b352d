import type { QuantityKind } from './quantity.ts';

/** What is better: less, as of a duration; more, as of an apdex; neither, as of traffic. */
export type Better = 'less' | 'more' | 'neither';

/** A change since an earlier time, as it is shown. */
export interface Delta {
  /** "+12 %", "−0.4 pp", "×3.1", "same". */
  readonly text: string;
  readonly tone: 'better' | 'worse' | 'none';
}

/** Changes this small are noise: they take no colour. */
const NOISE = 0.1;
/** In percentage points, for ratios. */
const NOISE_POINTS = 0.5;
const GLUE = '\u202f';

/**
 * A change between two values; null where one is missing or there is nothing to compare. Ratios change in percentage points, because
 * twice of nearly nothing is nearly nothing; all else in percent, from three times on as a factor.
 */
export function deltaOf(
  kind: QuantityKind,
  better: Better,
  now: number | null | undefined,
  before: number | null | undefined,
): Delta | null {
  if (now === null || now === undefined || before === null || before === undefined) return null;
  if (kind === 'ratio') {
    const points = (now - before) * 100;
    if (Math.abs(points) < 0.005) return { text: 'same', tone: 'none' };
    const text = `${sign(points)}${digits(Math.abs(points))}${GLUE}pp`;
    return { text, tone: Math.abs(points) < NOISE_POINTS ? 'none' : toneOf(points, better) };
  }
  if (kind === 'apdex' || kind === 'score') {
    const difference = now - before;
    if (Math.abs(difference) < 0.005) return { text: 'same', tone: 'none' };
    const text = sign(difference) + Math.abs(difference).toFixed(2);
    return { text, tone: Math.abs(difference) < 0.02 ? 'none' : toneOf(difference, better) };
  }
  if (before === 0) return now === 0 ? { text: 'same', tone: 'none' } : { text: 'new', tone: toneOf(1, better) };
  const change = now / before - 1;
  if (Math.abs(change) < 0.005) return { text: 'same', tone: 'none' };
  const tone = Math.abs(change) < NOISE ? 'none' : toneOf(change, better);
  if (change >= 2) return { text: `×${digits(now / before)}`, tone };
  return { text: `${sign(change)}${Math.max(1, Math.round(Math.abs(change) * 100))}${GLUE}%`, tone };
}

function toneOf(change: number, better: Better): Delta['tone'] {
  if (better === 'neither') return 'none';
  return change > 0 === (better === 'more') ? 'better' : 'worse';
}

function sign(value: number): string {
  return value < 0 ? '−' : '+';
}

function digits(value: number): string {
  return value < 0.995 ? value.toFixed(2) : value < 9.95 ? value.toFixed(1) : Math.round(value).toString();
}
