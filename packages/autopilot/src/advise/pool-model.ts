import type { PoolSizePrediction } from '../contract/pool-advice.ts';

/**
 * One connection pool as a queue: callers come, one that finds no connection free waits in line, and each keeps its connection
 * for a time of its own.
 *
 *   a   = rate x use             connections in use on average (offered load)
 *   rho = a / size               utilization
 *   B_k = a B_(k-1) / (k + a B_(k-1)), B_0 = 1        Erlang B, stable for any size
 *   C   = B / (1 - rho (1 - B))                       Erlang C: the share of callers that wait (exact for M/M/c)
 *   Wq  = C use / (size (1 - rho)) x v                mean wait
 *   v   = (ca + cs) / 2                               one connection: Allen-Cunneen; ca and cs are squared coefficients of variation
 *   v   = (min(ca, 1) + cs) / (2 cs + (1 - cs) / d) + max(ca - 1, 0) / 2     more: Kimura's for callers that come independently;
 *                                                     d: the wait of equal uses to that of exponential ones, after Cosmetatos
 *   P(W > t) = C exp(-C t / Wq)                       exact for M/M/c, where every wait is exponential
 *
 * Exact for M/M/c and for the mean of M/G/1 (Pollaczek-Khinchine); otherwise within about 10 % where callers wait
 * at all, and 25 % where uses are very uneven (cs = 9), of which two moments tell less.
 * Sources: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
 * exchanges", 1917; A. O. Allen, "Probability, Statistics, and Queueing Theory", 2nd ed. 1990, 5.3 (Allen-Cunneen);
 * G. P. Cosmetatos, "Approximate explicit formulae for the average queueing time in the processes (M/D/r) and (D/M/r)",
 * INFOR 13 (1975); T. Kimura, "A two-moment approximation for the mean waiting time in the GI/G/s queue", Management
 * Science 32 (1986); W. Whitt, "Approximations for the GI/G/m queue", Production and Operations Management 2 (1993), for the
 * limit of Cosmetatos' term.
 */
export interface PoolLoad {
  /** Callers a second. */
  readonly ratePerSecond: number;
  /** Mean time that a caller keeps its connection. */
  readonly useMs: number;
  /** Squared coefficient of variation of that time; 0: always the same, 1: as of an exponential distribution. */
  readonly useVariation: number;
  /** Squared coefficient of variation of the time between callers; absent: 1, callers come independently of each other. */
  readonly arrivalVariation?: number;
}

const P95_WAITING = 0.05;
const MOST_COSMETATOS = 0.24;

/** @param size Connections, 1 or more. */
export function predictPool(load: PoolLoad, size: number): PoolSizePrediction {
  const { ratePerSecond, useMs, useVariation, arrivalVariation = 1 } = load;
  const offered = (ratePerSecond * useMs) / 1000;
  const utilization = offered / size;
  if (utilization >= 1) return { size, utilization, waitProbability: 1, waitMeanMs: null, waitP95Ms: null };
  if (utilization === 0) return { size, utilization, waitProbability: 0, waitMeanMs: 0, waitP95Ms: 0 };
  const waitProbability = erlangC(offered, size);
  const exponentialMs = (waitProbability * useMs) / (size * (1 - utilization));
  const waitMeanMs = exponentialMs * unevenness(utilization, size, useVariation, arrivalVariation);
  const waitP95Ms =
    waitProbability <= P95_WAITING ? 0 : (waitMeanMs / waitProbability) * Math.log(waitProbability / P95_WAITING);
  return { size, utilization, waitProbability, waitMeanMs, waitP95Ms };
}

/**
 * How much longer or shorter waits are than with exponential uses, after Kimura: (1 + cs) / 2 for one connection; the more there are,
 * the less it matters how uneven uses are, since one long use holds up one connection only.
 */
function unevenness(utilization: number, size: number, uses: number, arrivals: number): number {
  const term = ((1 - utilization) * (size - 1) * (Math.sqrt(4 + 5 * size) - 2)) / (16 * utilization * size);
  const equalUses = (1 + Math.min(MOST_COSMETATOS, term)) / 2;
  return (Math.min(1, arrivals) + uses) / (2 * uses + (1 - uses) / equalUses) + Math.max(0, arrivals - 1) / 2;
}

/** The share of callers that find all of `size` connections in use. `offered` is below `size`. */
function erlangC(offered: number, size: number): number {
  let blocked = 1;
  for (let k = 1; k <= size; k++) blocked = (offered * blocked) / (k + offered * blocked);
  return blocked / (1 - (offered / size) * (1 - blocked));
}
