import type { GeneratorReport, PartResult } from './result.ts';

/**
 * Whether a run's figures can be those of its target, or rather those of the generator. A generator that was late, or busy
 * all the time, measures itself; arrivals that were never sent are missing from the percentiles.
 */

/** A slip or loop delay under this does no harm worth speaking of. */
const HARMLESS_SLIP_MS = 2;
const HARMLESS_LOOP_DELAY_MS = 20;
/** Share of the response time's p99 that the generator's own lateness may be. */
const LATENESS_SHARE = 0.1;
/** A thread busier than this has no room left to be on time. */
const MOST_UTILIZATION = 0.95;

/** Reasons, as sentences; empty: the run is valid. */
export function invalidReasonsOf(generator: GeneratorReport, measured: PartResult): string[] {
  // Nothing else matters then.
  if (measured.requests === 0 && measured.dropped === 0) return ['Not one request was measured.'];
  const reasons: string[] = [];
  const p99 = measured.response.p99Ms ?? 0;
  const allowed = (harmless: number): number => Math.max(harmless, LATENESS_SHARE * p99);
  const slip = generator.slip.p99Ms ?? 0;
  if (slip > allowed(HARMLESS_SLIP_MS)) {
    reasons.push(
      `The generator took up requests ${ms(slip)} late (p99), more than ${ms(allowed(HARMLESS_SLIP_MS))} that a response p99 of ${ms(p99)} allows: use a machine with more free cores, or more workers.`,
    );
  }
  const delay = generator.loopDelay.p99Ms ?? 0;
  if (delay > allowed(HARMLESS_LOOP_DELAY_MS)) {
    reasons.push(
      `The generator's event loop was delayed by ${ms(delay)} (p99), more than ${ms(allowed(HARMLESS_LOOP_DELAY_MS))} that a response p99 of ${ms(p99)} allows: responses were noticed late. Use a machine with more free cores.`,
    );
  }
  if (generator.utilization > MOST_UTILIZATION) {
    reasons.push(
      `The generator was busy ${(100 * generator.utilization).toFixed(0)} % of the time, so that it may have been the bottleneck and not the target: use more workers or machines, or ask for less.`,
    );
  }
  if (measured.dropped > 0) {
    reasons.push(
      `${measured.dropped} of ${measured.iterations} arrivals were never sent, so that the figures are of a smaller load than the plan asks for.`,
    );
  }
  if (measured.requests === 0) reasons.push('Not one request was measured.');
  return reasons;
}

function ms(value: number): string {
  return `${Number(value.toPrecision(3))} ms`;
}
