import type { ArrivalLoad, LoadPlan, RateSpike, RateStage, ReplayLoad, UserStage } from './plan.ts';
import { Random } from './random.ts';

/**
 * When arrivals are due.
 *
 *   L(t) = integral of the rate from 0 to t         expected arrivals until t
 *   even:     arrival k is due at L^-1(k)
 *   Poisson:  arrival k is due at L^-1(e_0 + ... + e_k), e exponential with mean 1 (time rescaling; Cinlar 1975)
 *
 * The rate is piecewise linear, so L is piecewise quadratic and both are exact. Every worker and machine walks the same
 * sequence and keeps its share of it: together they send what one alone would have sent.
 */
interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  /** Arrivals a ms. */
  readonly rate: number;
  /** Change of the rate a ms. */
  readonly slope: number;
  /** Expected arrivals before the segment. */
  readonly before: number;
}

/** A rate over time. */
export class RateProfile {
  readonly #segments: readonly Segment[];
  readonly durationMs: number;
  /** Expected number of arrivals. */
  readonly total: number;
  readonly peakPerSecond: number;

  constructor(stages: readonly RateStage[], spikes: readonly RateSpike[] = []) {
    const segments: Segment[] = [];
    let before = 0;
    for (const piece of withSpikes(stages, spikes)) {
      const length = piece.toMs - piece.fromMs;
      const slope = (piece.toRate - piece.fromRate) / 1000 / length;
      segments.push({ fromMs: piece.fromMs, toMs: piece.toMs, rate: piece.fromRate / 1000, slope, before });
      before += ((piece.fromRate + piece.toRate) / 2000) * length;
    }
    this.#segments = segments;
    this.durationMs = segments.at(-1)?.toMs ?? 0;
    this.total = before;
    this.peakPerSecond = segments.reduce(
      (peak, { rate, slope, fromMs, toMs }) => Math.max(peak, rate * 1000, (rate + slope * (toMs - fromMs)) * 1000),
      0,
    );
  }

  /** Arrivals a second asked for at a time; 0 outside the profile. */
  ratePerSecondAt(ms: number): number {
    const segment = this.#segments.find(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
    return segment === undefined ? 0 : (segment.rate + segment.slope * (ms - segment.fromMs)) * 1000;
  }

  /** Expected arrivals between two times. */
  expectedBetween(fromMs: number, toMs: number): number {
    let expected = 0;
    for (const { fromMs: start, toMs: end, rate, slope } of this.#segments) {
      const from = Math.max(start, fromMs);
      const to = Math.min(end, toMs);
      if (to > from) expected += (to - from) * (rate + slope * ((from + to) / 2 - start));
    }
    return expected;
  }

  /** Since when the rate has been the same until the end; the duration itself when it never is. */
  get constantFromMs(): number {
    const last = this.#segments.at(-1);
    if (last === undefined || last.slope !== 0) return this.durationMs;
    let from = last.fromMs;
    for (const { slope, rate, fromMs } of this.#segments.toReversed()) {
      if (slope !== 0 || Math.abs(rate - last.rate) > 1e-12) break;
      from = fromMs;
    }
    return from;
  }

  /** The time at which the expected arrivals reach a number; Infinity beyond the last. `hint` makes a rising sequence cheap. */
  timeOf(arrivals: number, hint: { segment: number }): number {
    if (arrivals >= this.total) return Number.POSITIVE_INFINITY;
    while (hint.segment + 1 < this.#segments.length && (this.#segments[hint.segment + 1]?.before ?? 0) <= arrivals) {
      hint.segment++;
    }
    const segment = this.#segments[hint.segment];
    if (segment === undefined) return Number.POSITIVE_INFINITY;
    const { fromMs, rate, slope, before } = segment;
    const wanted = arrivals - before;
    // Solves rate x + slope x^2 / 2 = wanted in the form that does not cancel, and that is right for a slope of 0 too.
    const root = Math.sqrt(Math.max(0, rate * rate + 2 * slope * wanted));
    const denominator = rate + root;
    return denominator === 0 ? fromMs : fromMs + (2 * wanted) / denominator;
  }
}

interface Piece {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fromRate: number;
  readonly toRate: number;
}

/** The stages one after the other, cut where a spike takes their place; of overlapping spikes the later in the list wins. */
function withSpikes(stages: readonly RateStage[], spikes: readonly RateSpike[]): Piece[] {
  let pieces: Piece[] = [];
  let at = 0;
  for (const { durationMs, ratePerSecond, toRatePerSecond } of stages) {
    pieces.push({
      fromMs: at,
      toMs: at + durationMs,
      fromRate: ratePerSecond,
      toRate: toRatePerSecond ?? ratePerSecond,
    });
    at += durationMs;
  }
  for (const spike of spikes) {
    const from = Math.min(spike.atMs, at);
    const to = Math.min(spike.atMs + spike.durationMs, at);
    if (to <= from) continue;
    const burst = { fromMs: from, toMs: to, fromRate: spike.ratePerSecond, toRate: spike.ratePerSecond };
    const before = pieces.flatMap((piece) => clip(piece, 0, from));
    const after = pieces.flatMap((piece) => clip(piece, to, at));
    pieces = [...before, burst, ...after];
  }
  return pieces;
}

function clip(piece: Piece, fromMs: number, toMs: number): Piece[] {
  const from = Math.max(piece.fromMs, fromMs);
  const to = Math.min(piece.toMs, toMs);
  if (to <= from) return [];
  const rateAt = (ms: number): number =>
    piece.fromRate + ((piece.toRate - piece.fromRate) * (ms - piece.fromMs)) / (piece.toMs - piece.fromMs);
  return [{ fromMs: from, toMs: to, fromRate: rateAt(from), toRate: rateAt(to) }];
}

/** Which part of a run's arrivals and users somebody takes: those whose number is `index` modulo `count`. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/** One share of a run's arrivals, in order. */
export class Arrivals {
  readonly #profile: RateProfile;
  readonly #share: Share;
  readonly #random: Random | undefined;
  readonly #hint = { segment: 0 };
  /** Arrivals of all shares seen so far. */
  #seen = 0;
  #cumulative = 0;
  /** Number of the next arrival among those of all shares. */
  nextIndex = 0;
  /** When it is due, in ms after the start; Infinity when there is none. */
  nextMs: number = Number.POSITIVE_INFINITY;

  constructor(profile: RateProfile, spacing: 'even' | 'poisson', seed: number, share: Share) {
    this.#profile = profile;
    this.#share = share;
    this.#random = spacing === 'poisson' ? new Random(seed, ARRIVAL_STREAM) : undefined;
    this.advance();
  }

  advance(): void {
    const { index, count } = this.#share;
    for (;;) {
      const number = this.#seen++;
      if (this.#random === undefined) this.#cumulative = number;
      else this.#cumulative += this.#random.exponential();
      if (number % count !== index) {
        if (this.#cumulative >= this.#profile.total) {
          this.nextMs = Number.POSITIVE_INFINITY;
          return;
        }
        continue;
      }
      this.nextIndex = number;
      this.nextMs = this.#profile.timeOf(this.#cumulative, this.#hint);
      return;
    }
  }
}

/** Streams of random numbers, so that none repeats another. */
const ARRIVAL_STREAM = 1;
export const ITERATION_STREAM = 2;
export const USER_STREAM = 3;

/** A number of users over time. */
export class UserProfile {
  readonly #stages: readonly (UserStage & { readonly fromMs: number })[];
  readonly durationMs: number;
  readonly peak: number;

  constructor(stages: readonly UserStage[]) {
    let at = 0;
    this.#stages = stages.map((stage) => {
      const fromMs = at;
      at += stage.durationMs;
      return { ...stage, fromMs };
    });
    this.durationMs = at;
    this.peak = stages.reduce((peak, { users, toUsers }) => Math.max(peak, users, toUsers ?? users), 0);
  }

  /** Whole users wanted at a time; 0 outside the profile. */
  usersAt(ms: number): number {
    const stage = this.#stages.find(({ fromMs, durationMs }) => ms >= fromMs && ms < fromMs + durationMs);
    if (stage === undefined) return 0;
    const { users, toUsers, fromMs, durationMs } = stage;
    // Rounded up: a ramp from 0 has its first user at once, and a constant stage exactly its number.
    return Math.ceil(users + ((toUsers ?? users) - users) * ((ms - fromMs) / durationMs));
  }

  /** Since when the number of users has been the same until the end; the duration itself when it never is. */
  get constantFromMs(): number {
    let from = this.durationMs;
    let level: number | undefined;
    for (const { users, toUsers, fromMs } of this.#stages.toReversed()) {
      if ((toUsers ?? users) !== users || (level !== undefined && level !== users)) break;
      level = users;
      from = fromMs;
    }
    return from;
  }
}

/** The rate of an open plan. */
export function openProfileOf(load: ArrivalLoad | ReplayLoad): RateProfile {
  if (load.kind === 'arrivals') return new RateProfile(load.stages, load.spikes);
  const factor = load.rateFactor ?? 1;
  return new RateProfile(
    load.ratesPerSecond.map((rate) => ({ durationMs: load.stepMs, ratePerSecond: rate * factor })),
  );
}

/** How long the load lasts, without preparing and finishing. */
export function durationMsOf(load: LoadPlan['load']): number {
  return load.kind === 'users'
    ? load.stages.reduce((sum, stage) => sum + stage.durationMs, 0)
    : openProfileOf(load).durationMs;
}

/** The most users at once, over all workers and machines. */
export function usersOf(load: LoadPlan['load']): number {
  return load.kind === 'users' ? new UserProfile(load.stages).peak : load.users;
}

/** Since when a plan asks for the same until its end, in ms after the start. */
export function constantFromMs(load: LoadPlan['load']): number {
  return load.kind === 'users' ? new UserProfile(load.stages).constantFromMs : openProfileOf(load).constantFromMs;
}
