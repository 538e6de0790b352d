import { type ProcessVitals, VITALS_EVERY_MS } from '../../contract/process-vitals.ts';
import type { Origin } from '../../contract/series.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { TargetVitals } from '../../load/load.ts';

/** What a processor does is a mean over this time. */
const MEAN_MS = 1000;
/** A word that is this late beyond its time is late for the process's sake. */
const ALLOWED_LATE_MS = 100;

interface Heard {
  atMs: number;
  readonly recent: { readonly atMs: number; readonly vitals: ProcessVitals }[];
}

/** How processes under a load test are just now: their agents say it five times a second as long as the test runs. */
export class WatchedVitals {
  readonly #clock: Clock;
  readonly #onChange: (service: string) => void;
  /** Tests of each service that is watched. */
  readonly #watching = new Map<string, number>();
  readonly #heard = new Map<string, Map<string, Heard>>();

  /** `onChange`: a service is watched from now on, or no more. */
  constructor(clock: Clock, onChange: (service: string) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  isWatched(service: string): boolean {
    return this.#watching.has(service);
  }

  watch(service: string): Disposable {
    const count = this.#watching.get(service) ?? 0;
    this.#watching.set(service, count + 1);
    if (count === 0) this.#onChange(service);
    return { [Symbol.dispose]: () => this.#leave(service) };
  }

  hear({ service, instance }: Origin, said: unknown): void {
    if (!this.isWatched(service) || !isVitals(said)) return;
    const atMs = this.#clock.monotonicMs();
    const instances = this.#heard.get(service) ?? new Map<string, Heard>();
    this.#heard.set(service, instances);
    const heard = instances.get(instance) ?? { atMs, recent: [] };
    instances.set(instance, heard);
    heard.atMs = atMs;
    heard.recent.push({ atMs, vitals: said });
    while (heard.recent.length > 1 && (heard.recent[0]?.atMs ?? atMs) < atMs - MEAN_MS) heard.recent.shift();
  }

  /**
   * The service by what its instances said: processors and connections in sum, memory and delay of the worst. null: one of those
   * linked has not said anything yet, or never will, being of an older release.
   */
  of(service: string, linked: readonly string[]): TargetVitals | null {
    const heard = linked.map((instance) => this.#heard.get(service)?.get(instance));
    const known = heard.filter((one) => one !== undefined);
    if (known.length === 0 || known.length < heard.length) return null;
    const now = this.#clock.monotonicMs();
    let cpuCores = 0;
    let eventLoopDelayMs = 0;
    let rssBytes = 0;
    let databaseConnections: number | null = null;
    for (const { atMs, recent } of known) {
      const sum = (of: (vitals: ProcessVitals) => number): number =>
        recent.reduce((total, { vitals }) => total + of(vitals), 0);
      const elapsedMs = sum((vitals) => vitals.elapsedMs);
      if (elapsedMs > 0) cpuCores += sum(({ cpuMs }) => cpuMs) / elapsedMs;
      // Who says nothing is delayed, and will say so only when it is over.
      const silentMs = now - atMs - VITALS_EVERY_MS;
      eventLoopDelayMs = Math.max(
        eventLoopDelayMs,
        silentMs > ALLOWED_LATE_MS ? silentMs : 0,
        ...recent.map(({ vitals }) => vitals.eventLoopDelayMs),
      );
      const last = recent.at(-1)?.vitals;
      rssBytes = Math.max(rssBytes, last?.rssBytes ?? 0);
      if (typeof last?.databaseConnections === 'number') {
        databaseConnections = (databaseConnections ?? 0) + last.databaseConnections;
      }
    }
    const connections = databaseConnections === null ? {} : { databaseConnections };
    return { cpuCores, eventLoopDelayMs, rssBytes, ...connections };
  }

  #leave(service: string): void {
    const count = (this.#watching.get(service) ?? 0) - 1;
    if (count > 0) {
      this.#watching.set(service, count);
      return;
    }
    this.#watching.delete(service);
    this.#heard.delete(service);
    this.#onChange(service);
  }
}

/** What comes over a link may be anything. */
function isVitals(said: unknown): said is ProcessVitals {
  if (typeof said !== 'object' || said === null) return false;
  const { databaseConnections, ...rest } = said as Partial<ProcessVitals>; // each part is looked at here
  const { elapsedMs, cpuMs, eventLoopDelayMs, rssBytes } = rest;
  return (
    [elapsedMs, cpuMs, eventLoopDelayMs, rssBytes].every((value) => Number.isFinite(value) && (value ?? -1) >= 0) &&
    (databaseConnections === null || Number.isFinite(databaseConnections))
  );
}
