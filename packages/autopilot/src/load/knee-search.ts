/**
 * Where a service breaks: the highest level (arrivals a second, or users) at which an objective is met.
 *
 *   climb:   from, 2 from, 4 from, ... until the objective is missed; where the first level misses it, downwards
 *   bisect:  the geometric middle of the highest level that met it and the lowest that missed it, until
 *            high / low <= 1 + tolerance
 *
 * A miss that decides the bisection is measured a second time: one pause of a shared machine must not halve what a
 * service can do. A level that meets it is believed: luck makes nothing faster.
 */
export interface KneeSearchOptions {
  /** The first level. */
  readonly from: number;
  /** No level above it is tried. */
  readonly most: number;
  /** No level below it is tried. */
  readonly fewest: number;
  /** How close the two levels around the knee must come: 0.03 is 3 %. */
  readonly tolerance: number;
  /** Levels are whole numbers. */
  readonly whole: boolean;
  /** Asked before each level: true ends the search with what is known. */
  readonly ended?: () => string | null;
}

/** What a level showed. `unclear`: the generator, not the target, was at its end. */
export type LevelOutcome = 'met' | 'missed' | 'unclear';

/** Where the knee lies. `low` met the objective, `high` missed it; null: none did. */
export interface KneeSearch {
  readonly state: 'found' | 'not-reached' | 'never-met' | 'ended';
  readonly low: number | null;
  readonly high: number | null;
  /** Why it was not found; null: it was. */
  readonly reason: string | null;
}

const GROWTH = 2;
const MOST_TRIES = 3;

/** Searches with `measure`; `coarse`: how far a level is beyond the knee does not matter yet, a shorter look will do. */
export async function searchKnee(
  options: KneeSearchOptions,
  measure: (level: number, coarse: boolean) => Promise<LevelOutcome>,
): Promise<KneeSearch> {
  const { most, fewest, tolerance, whole, ended = (): null => null } = options;
  const fit = (level: number): number => Math.min(most, Math.max(fewest, whole ? Math.round(level) : level));
  let low: number | null = null;
  let high: number | null = null;
  let level = fit(options.from);
  const stop = (state: KneeSearch['state'], reason: string | null): KneeSearch => ({ state, low, high, reason });
  // A generator that other work has held up once is asked again.
  const clear = async (at: number, coarse: boolean): Promise<LevelOutcome> => {
    let outcome = await measure(at, coarse);
    for (let tries = 1; outcome === 'unclear' && tries < MOST_TRIES; tries++) outcome = await measure(at, coarse);
    return outcome;
  };
  while (low === null || high === null) {
    const end = ended();
    if (end !== null) return stop('ended', end);
    const outcome = await clear(level, true);
    if (outcome === 'unclear') return stop('not-reached', GENERATOR_SPENT);
    if (outcome === 'met') {
      low = level;
      if (high === null && level >= most) {
        return stop('not-reached', `The objective is still met at ${most}, the highest level that may be tried.`);
      }
      level = fit(level * GROWTH);
    } else {
      high = level;
      if (low === null && level <= fewest) {
        return stop('never-met', `The objective is missed at ${fewest} already, the lowest level that is tried.`);
      }
      level = fit(level / GROWTH);
    }
  }
  while (high / low > 1 + tolerance && !(whole && high - low <= 1)) {
    const end = ended();
    if (end !== null) return stop('ended', end);
    const middle = fit(Math.sqrt(low * high));
    // A whole number between two others may round to one of them.
    level = middle <= low ? low + 1 : middle >= high ? high - 1 : middle;
    let outcome = await clear(level, false);
    if (outcome === 'missed') outcome = await clear(level, false);
    if (outcome === 'unclear') return stop('not-reached', GENERATOR_SPENT);
    if (outcome === 'met') low = level;
    else high = level;
  }
  return stop('found', null);
}

const GENERATOR_SPENT =
  'The generator itself was at its end before the target was: use a machine with more free cores, or more workers.';
