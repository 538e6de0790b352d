/** What a pool's waits would be at one size, by a queueing model. */
export interface PoolSizePrediction {
  readonly size: number;
  /** Of its connections, in use on average; from 1 on the line of callers grows without end. */
  readonly utilization: number;
  /** Share of the callers that wait. */
  readonly waitProbability: number;
  /** Over all callers, those that do not wait too; null: the line grows without end. */
  readonly waitMeanMs: number | null;
  readonly waitP95Ms: number | null;
}

/** Which size suits a pool. Rates and times are of the instance that uses it most: the size is one for all. */
export interface PoolAdvice {
  readonly pool: string;
  readonly database: string;
  readonly instances: number;
  /** Most connections it may open, in one instance. */
  readonly size: number;
  /** Callers a second. */
  readonly ratePerSecond: number;
  /** Mean time that a caller keeps its connection. */
  readonly useMs: number;
  /** Variance of that time over its mean squared. */
  readonly useVariation: number;
  /** As measured; null: nobody asked. */
  readonly waitMeanMs: number | null;
  /** At sizes smaller and larger, the smallest first. */
  readonly predictions: readonly PoolSizePrediction[];
  /** `change`: set database.poolMax to `advised`. */
  readonly action: 'change' | 'leave';
  /** As `size` where it is left. */
  readonly advised: number;
  readonly reasons: readonly string[];
}
