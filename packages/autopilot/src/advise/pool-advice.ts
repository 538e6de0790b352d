import type { PoolAdvice, PoolSizePrediction } from '../contract/pool-advice.ts';
import { countText, percentText } from './finding.ts';
import { type PoolLoad, predictPool } from './pool-model.ts';

/** What was measured of one pool: of the instance that uses it most, since the size is one for all. */
export interface MeasuredPool extends Omit<PoolLoad, 'arrivalVariation'> {
  readonly pool: string;
  readonly database: string;
  /** Instances that have it. */
  readonly instances: number;
  /** Most connections it may open. */
  readonly size: number;
  /** Callers that were served. */
  readonly acquired: number;
  /** Callers a second in the busiest minute. */
  readonly peakPerSecond: number;
  readonly waitMeanMs: number | null;
}

/** What bounds a pool from outside. */
export interface PoolBounds {
  /** Connections of the server that all instances' pool of this name may take together. */
  readonly room: number;
  /** Processors of the server; null: nobody said. */
  readonly cores: number | null;
}

/** Fewer callers say little of a mean wait. */
const FEWEST_CALLERS = 1_000;
/** Above it, a little more load makes waits much longer. */
const MOST_UTILIZATION = 0.8;
/** Above it, callers are held back by the pool, and their measured rate says little of how many would come. */
const SATURATED = 0.95;
/** A mean wait is short below a tenth of the use, and below a millisecond. */
const SHORT_WAIT_RATIO = 0.1;
const SHORT_WAIT_MS = 1;
/** A model that is further off than this from what was measured does not fit. */
const MOST_MISFIT = 2;
const MOST_SIZE = 1_000;
/** Connections to a core that still add throughput. */
const PER_CORE = 2;

/**
 * What the waits of a pool would be at smaller and larger sizes, and which size is advised: the smallest at which, in the busiest
 * minute, callers wait short and at most 80 % of it is in use. It grows no further than max_connections and twice the
 * server's processors allow (over all instances), since more work at once than that waits on the server instead.
 * Source of the latter: PostgreSQL wiki, "Number Of Database Connections" (cores x 2 + spindles).
 */
export function poolAdvice(measured: MeasuredPool, bounds: PoolBounds): PoolAdvice {
  const { pool, database, instances, size, ratePerSecond, useMs, useVariation, waitMeanMs } = measured;
  const at = (tried: number): PoolSizePrediction => predictPool(measured, tried);
  const { action, size: advised, reasons } = choose(measured, bounds, at(size));
  const sizes = [size, advised, Math.ceil(size / 4), Math.ceil(size / 2), Math.ceil(size * 0.75)];
  sizes.push(size + Math.ceil(size / 4), size + Math.ceil(size / 2), size * 2);
  return {
    pool,
    database,
    instances,
    size,
    ratePerSecond,
    useMs,
    useVariation,
    waitMeanMs,
    predictions: [...new Set(sizes)].toSorted((a, b) => a - b).map(at),
    action,
    advised,
    reasons,
  };
}

function choose(
  measured: MeasuredPool,
  { room, cores }: PoolBounds,
  now: PoolSizePrediction,
): Pick<PoolAdvice, 'action' | 'reasons'> & { readonly size: number } {
  const { instances, size, acquired, useMs, waitMeanMs } = measured;
  const leave = (...reasons: readonly string[]) => ({ action: 'leave' as const, size, reasons });
  if (acquired < FEWEST_CALLERS || !(useMs > 0)) {
    return leave(
      `Only ${countText(acquired)} callers were measured on the instance that uses it most, and ${countText(FEWEST_CALLERS)} are needed to say how long they would wait.`,
    );
  }
  const isSaturated = now.utilization >= SATURATED;
  if (!isSaturated && isMisfit(waitMeanMs, now.waitMeanMs)) {
    return leave(
      `Callers wait ${msText(waitMeanMs ?? 0)} on average where the model says ${msText(now.waitMeanMs ?? 0)}: they come in bursts, or wait for connections to be opened, and the model does not fit.`,
    );
  }
  const wanted = isSaturated ? size * 2 : smallestFor(measured);
  if (wanted <= size) {
    if (wanted > size - Math.max(2, size / 4)) return leave(calm(now));
    return {
      action: 'change',
      size: wanted,
      reasons: [
        `In the busiest minute ${percentText((measured.peakPerSecond * useMs) / 1000 / wanted)} of ${wanted} would be in use, and callers would wait short: the rest only takes connections from others.`,
      ],
    };
  }
  const why = isSaturated
    ? `${percentText(now.utilization)} of it is in use: callers are held back, how many would come can't be seen, and twice the size is tried.`
    : `In the busiest minute callers wait ${waitText(predictPool({ ...measured, ratePerSecond: measured.peakPerSecond }, size))} on average at ${size}, and ${waitText(predictPool({ ...measured, ratePerSecond: measured.peakPerSecond }, wanted))} at ${wanted}.`;
  const limits = [
    { most: Math.floor(room / instances), why: `max_connections leaves ${room} for ${instances} ${plural(instances)}` },
  ];
  if (cores !== null) {
    limits.push({
      most: Math.floor((PER_CORE * cores) / instances),
      why: `the server has ${cores} processors, and more than ${PER_CORE * cores} at once wait there instead of in the pool`,
    });
  }
  const tightest = limits.reduce((least, one) => (one.most < least.most ? one : least));
  if (tightest.most <= size) return leave(why, `It does not grow all the same: ${tightest.why}.`);
  if (tightest.most < wanted) {
    return { action: 'change', size: tightest.most, reasons: [why, `No larger: ${tightest.why}.`] };
  }
  return { action: 'change', size: wanted, reasons: [why] };
}

/** The smallest size at which the busiest minute is borne well. */
function smallestFor(measured: MeasuredPool): number {
  const busiest = { ...measured, ratePerSecond: Math.max(measured.ratePerSecond, measured.peakPerSecond) };
  const short = Math.max(SHORT_WAIT_MS, SHORT_WAIT_RATIO * measured.useMs);
  const first = Math.max(1, Math.ceil((busiest.ratePerSecond * measured.useMs) / 1000 / MOST_UTILIZATION));
  for (let size = first; size < MOST_SIZE; size++) {
    if ((predictPool(busiest, size).waitMeanMs ?? Number.POSITIVE_INFINITY) <= short) return size;
  }
  return MOST_SIZE;
}

/** Waits under a millisecond are those of the event loop, whatever the pool. */
function isMisfit(measuredMs: number | null, predictedMs: number | null): boolean {
  if (measuredMs === null || predictedMs === null) return false;
  const [less, more] = [Math.min(measuredMs, predictedMs), Math.max(measuredMs, predictedMs)];
  return more > SHORT_WAIT_MS && more > MOST_MISFIT * less;
}

function calm(now: PoolSizePrediction): string {
  return `${percentText(now.utilization)} of it is in use and callers wait ${waitText(now)} on average: no other size would do noticeably better.`;
}

function waitText({ waitMeanMs }: PoolSizePrediction): string {
  return waitMeanMs === null ? 'without end' : msText(waitMeanMs);
}

function msText(ms: number): string {
  return `${Number(ms.toPrecision(2))} ms`;
}

function plural(instances: number): string {
  return instances === 1 ? 'instance' : 'instances';
}
