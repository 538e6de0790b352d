/** How long a sample lasts at least: dozens of requests of a busy service. */
const SHORTEST_MS = 100;
/** And at most: after it comes a pause, in which nothing is learnt. */
const LONGEST_MS = 3_000;
/** In mean latenesses of a timer, half a turn of the loop each: in some turns many requests begin, in others many go on. */
const LENGTH_IN_LATENESSES = 12;
/** A pause that long samples ask for is cut to this on average: who took the loop must be known soon. */
const LONGEST_MEAN_PAUSE_MS = 10_000;
/** The memory of latenesses: a few samples. */
const KEPT = 0.7;
/** The share is asked for so often: a change of it is felt soon, also in a pause of minutes. */
const ASK_AGAIN_MS = 1_000;
/** The process was stopped, or the machine slept: there is nothing to catch up with. */
const LOST_MS = 60_000;

/** What holds from now on. */
export interface SampleStep {
  readonly isSampling: boolean;
  /** How many ms each sampled one stands for. */
  readonly weight: number;
  /** When to ask again. */
  readonly nextInMs: number;
}

/**
 * When to sample a loop. Samples and pauses are laid out on the clock ahead of time, whatever the loop does:
 *   pause ~ exponential with mean m, sample = D, each sampled ms stands for (D + m) / D,
 * with m = D (1 - share) / share. The loop's timers carry it out late, by what is left of a turn; but the end as late as the
 * beginning on average, so the expected sum of anything within a sample is its true rate times D, however long turns are and
 * whatever follows what in them. (An end that depends on what the loop did since the beginning, such as so many turns,
 * would favour what turns begin with; no rhythm of a service can fall into step with exponential pauses.)
 * Where turns are long D grows, from latenesses before the sample, because a sample's error comes from its ends.
 */
export class SampleSchedule {
  readonly #random: () => number;
  #share = 0;
  #isSampling = false;
  #weight = 1;
  #edgeMs: number | null = null;
  #lateMs = 0;
  #meanPauseMs = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Brings it to `nowMs`; `share`: of the time that is to be sampled, 0: none, over 0 and up to 1. */
  advance(nowMs: number, share: number): SampleStep {
    if (!(share > 0)) {
      this.#isSampling = false;
      this.#edgeMs = null;
      return { isSampling: false, weight: 1, nextInMs: ASK_AGAIN_MS };
    }
    const isNew = share !== this.#share && !this.#isSampling;
    this.#share = share;
    if (isNew || this.#edgeMs === null || nowMs - this.#edgeMs > LOST_MS) {
      this.#isSampling = false;
      // The first sample begins at once: somebody may wait for it.
      this.#edgeMs = nowMs + SHORTEST_MS;
    }
    if (this.#edgeMs <= nowMs) this.#lateMs = KEPT * this.#lateMs + (1 - KEPT) * (nowMs - this.#edgeMs);
    while (this.#edgeMs <= nowMs) this.#edgeMs += this.#isSampling ? this.#pause() : this.#begin(share);
    return {
      isSampling: this.#isSampling,
      weight: this.#weight,
      nextInMs: Math.min(ASK_AGAIN_MS, this.#edgeMs - nowMs),
    };
  }

  #begin(share: number): number {
    const pauseRatio = (1 - share) / share;
    const lengthMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, LENGTH_IN_LATENESSES * this.#lateMs));
    const longestPauseMs = Math.max(LONGEST_MEAN_PAUSE_MS, SHORTEST_MS * pauseRatio);
    this.#meanPauseMs = Math.min(longestPauseMs, lengthMs * pauseRatio);
    this.#weight = (lengthMs + this.#meanPauseMs) / lengthMs;
    this.#isSampling = true;
    return lengthMs;
  }

  #pause(): number {
    this.#isSampling = false;
    return -Math.log(1 - this.#random()) * this.#meanPauseMs;
  }
}
