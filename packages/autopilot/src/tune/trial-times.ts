/** For how long a trial looks, and how closely. */
export interface TrialTimes {
  readonly sampleMs: number;
  readonly baselineMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}
