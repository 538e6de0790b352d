import type { Origin, Window } from '../contract/series.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { type CumulativeLimits, CumulativeMetrics, type SeriesBudget } from './cumulative-metrics.ts';
import type { ExposedSource } from './exposed-source.ts';

/** How much of a fleet is exposed. */
export interface FleetMetricsOptions {
  readonly clock: Clock;
  /** Series of all instances together; default 50,000, which take about as many KiB. */
  readonly maxSeries?: number;
  readonly limits?: Partial<CumulativeLimits>;
}

const DEFAULT_MAX_SERIES = 50_000;
/** An instance that has sent nothing for this long is gone: Prometheus forgets a series after five minutes too. */
const FORGOTTEN_AFTER_MS = 5 * 60_000;
/** An agent has at most four messages without an answer, which it sends again on the next channel. */
const MESSAGES_REMEMBERED = 8;

interface Instance {
  readonly origin: Origin;
  readonly startedAt: EpochMs;
  readonly metrics: CumulativeMetrics;
  readonly messages: Set<EpochMs>[];
  seenAtMs: number;
}

/** What every linked instance has measured since this control plane first heard of it. */
export class FleetMetrics {
  readonly #clock: Clock;
  readonly #limits: Partial<CumulativeLimits>;
  readonly #budget: SeriesBudget;
  readonly #instances = new Map<string, Instance>();

  constructor({ clock, maxSeries = DEFAULT_MAX_SERIES, limits = {} }: FleetMetricsOptions) {
    this.#clock = clock;
    this.#limits = limits;
    this.#budget = { left: maxSeries };
  }

  /** Adds the windows of one message; what an agent sends again after a broken link counts once. */
  add(origin: Origin, windows: readonly Window[]): void {
    const name = `${origin.service}\u0000${origin.instance}`;
    const now = this.#clock.monotonicMs();
    let instance = this.#instances.get(name);
    if (instance === undefined || instance.origin.release !== origin.release) {
      // The same name with another release is another process, which begins at zero.
      if (instance !== undefined) this.#forget(name, instance);
      this.#forgetGone();
      instance = {
        origin,
        startedAt: this.#clock.now(),
        metrics: new CumulativeMetrics(this.#limits, this.#budget),
        messages: [],
        seenAtMs: now,
      };
      this.#instances.set(name, instance);
    }
    const { messages, metrics } = instance;
    instance.seenAtMs = now;
    const fresh = windows.filter(({ start }) => !messages.some((starts) => starts.has(start)));
    messages.push(new Set(windows.map(({ start }) => start)));
    if (messages.length > MESSAGES_REMEMBERED) messages.shift();
    metrics.add(fresh);
  }

  /** Forgets all: another control plane hears of them from now on, and counts for itself. */
  clear(): void {
    for (const [name, instance] of this.#instances) this.#forget(name, instance);
  }

  /** Of one service or instance, or of all, in the order in which they came. */
  sources({ service, instance }: { readonly service?: string; readonly instance?: string } = {}): ExposedSource[] {
    this.#forgetGone();
    return Array.from(this.#instances.values())
      .filter(({ origin }) => (service ?? origin.service) === origin.service)
      .filter(({ origin }) => (instance ?? origin.instance) === origin.instance)
      .map(({ origin, startedAt, metrics }) => ({
        origin,
        startedAt,
        metrics,
        attributes: [
          ['service.name', origin.service.toWellFormed()],
          ['instance', origin.instance.toWellFormed()],
        ] as const,
      }));
  }

  #forgetGone(): void {
    const oldest = this.#clock.monotonicMs() - FORGOTTEN_AFTER_MS;
    for (const [name, instance] of this.#instances) if (instance.seenAtMs < oldest) this.#forget(name, instance);
  }

  #forget(name: string, { metrics }: Instance): void {
    this.#instances.delete(name);
    this.#budget.left += metrics.admitted;
  }
}
