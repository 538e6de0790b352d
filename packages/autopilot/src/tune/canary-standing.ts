import type { TrialCourse } from './trial-course.ts';

/** One that is not heard of for longer is gone; agents take seconds to link to another control plane. */
const MISSING_MS = 60_000;

/**
 * Whether an instance that tries something can be compared with others now: it and one of them have to be there.
 * @param now monotonic ms
 * @returns `missing`: nothing is measured until they are back; a text: they don't come back, and why that is the end
 */
export function canaryStanding(
  canary: string,
  live: readonly string[],
  course: TrialCourse,
  now: number,
): 'compared' | 'missing' | { readonly end: string } {
  const isThere = live.includes(canary);
  if (isThere && live.length > 1) {
    course.missingSince = null;
    return 'compared';
  }
  course.missingSince ??= now;
  // What was counted before they are back is no stretch of time that could be compared.
  course.last = null;
  if (now - course.missingSince < MISSING_MS) return 'missing';
  return {
    end: isThere
      ? `All instances but ${canary} are gone, so that there is nothing to compare it with.`
      : `${canary}, which tries it, is gone, so that nobody can tell what it does.`,
  };
}
