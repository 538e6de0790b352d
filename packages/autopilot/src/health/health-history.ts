import type { Frame } from '../contract/frame.ts';
import type { EpochMs } from '../kernel/clock.ts';

/** How often a score is kept. */
export const HEALTH_STEP_MS = 10_000;
const KEPT = 360;

/** The scores of the last hour as they were told, one each ten seconds; bounded by the services that are known. */
export class HealthHistory {
  readonly #scores: Map<string, Map<EpochMs, number | null>> = new Map();

  record(service: string, at: EpochMs, score: number | null): void {
    const scores = this.#scores.get(service) ?? new Map<EpochMs, number | null>();
    scores.set(stepOf(at), score);
    const oldest = stepOf(at) - KEPT * HEALTH_STEP_MS;
    for (const step of scores.keys()) if (step <= oldest) scores.delete(step);
    this.#scores.set(service, scores);
  }

  /** Forgets every other service. */
  keepOnly(services: readonly string[]): void {
    for (const service of this.#scores.keys()) if (!services.includes(service)) this.#scores.delete(service);
  }

  /** The column `score` over the hour that ends with the step of `now`; null where none was kept. */
  trend(service: string, now: EpochMs): Frame {
    const last = stepOf(now);
    const at = Array.from({ length: KEPT }, (_, index) => last - (KEPT - 1 - index) * HEALTH_STEP_MS);
    const scores = this.#scores.get(service);
    return {
      at,
      stepMs: HEALTH_STEP_MS,
      columns: { score: at.map((step) => scores?.get(step) ?? null) },
      complete: true,
    };
  }
}

/** What a selection of a service has: scores are kept of services as a whole only. */
export const noTrend: Frame = { at: [], stepMs: HEALTH_STEP_MS, columns: { score: [] }, complete: false };

function stepOf(at: EpochMs): EpochMs {
  return Math.floor(at / HEALTH_STEP_MS) * HEALTH_STEP_MS;
}
