/** Within what a setting is searched. */
export interface SearchBounds {
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
}

/** A value that was tried, and whether it was kept: better than the best one before it. */
export interface SearchedValue {
  readonly value: number;
  readonly isKept: boolean;
}

/** Steps are factors: first to twice or half. */
const FIRST_STEP = 2;
/** Smaller steps are not worth a trial: what they bring would be no difference. */
const LEAST_STEP = 1.15;

/**
 * The next value of a safe search (pattern search by one coordinate: Hooke & Jeeves 1961, Journal of the ACM 8), from the value of
 * now outwards: twice as much, else half as much; on in the same direction as long as it helps; with steps of the root when neither
 * does. No value is tried twice, and none beyond the bounds. Everything follows from what was tried, so that nothing else is kept.
 *
 * @param start the value before the first trial; 0 usually means something else than very little, and is not searched from
 * @returns null: the search is over; the last one kept, or `start`, is the best found
 */
export function nextSearchValue(
  start: number,
  tried: readonly SearchedValue[],
  { min, max, isInteger }: SearchBounds,
): number | null {
  if (!(start > 0)) return null;
  const seen = [start];
  const known = tried[Symbol.iterator]();
  let best = start;
  let step = FIRST_STEP;
  let isUp = true;
  let failures = 0;
  while (step >= LEAST_STEP) {
    const wish = isUp ? best * step : best / step;
    const value = Math.min(max, Math.max(min, isInteger ? Math.round(wish) : wish));
    let isKept = false;
    if (value > 0 && !seen.some((other) => isNear(other, value))) {
      const next = known.next();
      if (next.done === true) return value;
      seen.push(next.value.value);
      if (next.value.isKept) best = next.value.value;
      ({ isKept } = next.value);
    }
    if (isKept) {
      failures = 0;
      continue;
    }
    isUp = !isUp;
    failures++;
    if (failures < 2) continue;
    failures = 0;
    step = Math.sqrt(step);
  }
  return null;
}

/** Too near for a difference that could be shown. */
function isNear(one: number, other: number): boolean {
  return Math.abs(Math.log(one / other)) < Math.log(LEAST_STEP) / 2;
}
