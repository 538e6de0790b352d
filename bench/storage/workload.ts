import type { Cell, Family, SeriesWindow, Window } from '../../packages/autopilot/src/contract/series.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { random } from '../../test/support/random.ts';

/**
 * Windows as an application's would be, without the application: durations are log-normal with a slow tail, traffic is spread over
 * routes, tenants and statements by Zipf's law, levels move a little. Deterministic by seed.
 */

/** How many series of each family an instance has. */
export interface Mix {
  readonly route: number;
  readonly tenant: number;
  readonly statement: number;
}

/** Where only times are measured, windows are put together from so many variants of each series. */
const VARIANTS = 16;
const DATABASE_CALLS = 3;

interface Shape {
  readonly family: Family;
  readonly key: string;
  readonly database: string | null;
  readonly ratePerSecond: number;
  readonly medianMs: number;
  readonly sigma: number;
}

export class Workload {
  readonly #next: () => number;
  readonly #shapes: readonly Shape[];
  readonly #fresh: boolean;
  /** By their traffic in ms: for each series its variants; null: nothing happened in it. */
  readonly #variants: Map<number, readonly (readonly (SeriesWindow | null)[])[]> = new Map();

  /** `fresh`: no two windows are alike, as where sizes are measured; compression would learn variants by heart. */
  constructor(mix: Mix, requestsPerSecond: number, seed: number, fresh = false) {
    this.#fresh = fresh;
    this.#next = random(seed);
    this.#shapes = [
      ...this.#family('route', mix.route, requestsPerSecond, (i) => `GET /api/v1/resource-${i}/:id`),
      ...this.#family('tenant', mix.tenant, requestsPerSecond, (i) => `organization-${1000 + i}`),
      ...this.#family(
        'statement',
        mix.statement,
        requestsPerSecond * DATABASE_CALLS,
        (i) => `s${(i * 2654435761) % 2 ** 32}`,
      ),
    ];
  }

  /** Series of one window, when all are active. */
  get seriesCount(): number {
    return this.#shapes.length + 2;
  }

  /** One window of one instance; `trafficMs`: how much traffic is in it, when it stands for more than its length. */
  window(start: number, durationMs: number, trafficMs: number = durationMs): Window {
    const series: SeriesWindow[] = [];
    for (const variants of this.#variantsOf(trafficMs)) {
      const one = variants[Math.floor(this.#next() * variants.length)];
      if (one != null) series.push(one);
    }
    series.push(this.#pool(), this.#runtime(durationMs));
    return { start, durationMs, series, overflow: {} };
  }

  #variantsOf(trafficMs: number): readonly (readonly (SeriesWindow | null)[])[] {
    if (this.#fresh) return this.#shapes.map((shape) => [this.#cells(shape, trafficMs / 1000)]);
    const known = this.#variants.get(trafficMs);
    if (known !== undefined) return known;
    const made = this.#shapes.map((shape) =>
      Array.from({ length: VARIANTS }, () => this.#cells(shape, trafficMs / 1000)),
    );
    this.#variants.set(trafficMs, made);
    return made;
  }

  #family(family: Family, count: number, rate: number, keyOf: (index: number) => string): Shape[] {
    const weights = Array.from({ length: count }, (_, i) => 1 / (i + 1));
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight, i) => ({
      family,
      key: keyOf(i),
      database: family === 'statement' ? 'main' : null,
      ratePerSecond: (rate * weight) / all,
      medianMs: Math.exp((family === 'statement' ? 0 : 1.5) + 1.2 * this.#gauss()),
      sigma: 0.4 + 0.4 * this.#next(),
    }));
  }

  #cells(shape: Shape, seconds: number): SeriesWindow | null {
    const count = this.#poisson(shape.ratePerSecond * seconds);
    if (count === 0) return null;
    const histogram = new ExponentialHistogram();
    for (let i = 0; i < count; i++) {
      const slow = this.#next() < 0.02 ? 8 : 1;
      histogram.record(shape.medianMs * Math.exp(shape.sigma * this.#gauss()) * slow);
    }
    const { family, key, database } = shape;
    const errors = this.#poisson(count * 0.001);
    const durationMs = histogram.encode();
    const cells: Record<string, Cell> =
      family === 'statement'
        ? { calls: count, errors, rows: count * 12, durationMs }
        : {
            requests: count,
            errors,
            clientErrors: this.#poisson(count * 0.01),
            durationMs,
            bytesSent: Math.round(count * (800 + 4000 * this.#next())),
            databaseCalls: count * DATABASE_CALLS,
            databaseMs: histogram.sum * 0.6,
          };
    return { family, key, database, route: null, cells };
  }

  #pool(): SeriesWindow {
    const size = 10 + Math.round(this.#next() * 4);
    const cells = {
      size: { count: 10, sum: size * 10, min: size, max: size },
      idle: { count: 10, sum: size * 4, min: 0, max: size },
      waiting: { count: 10, sum: 0, min: 0, max: 0 },
      max: { count: 10, sum: 200, min: 20, max: 20 },
      acquired: 1000 + Math.round(this.#next() * 500),
    };
    return { family: 'pool', key: 'main', database: 'main', route: null, cells };
  }

  #runtime(durationMs: number): SeriesWindow {
    const delay = new ExponentialHistogram();
    for (let i = 0; i < 50; i++) delay.record(1 + this.#next() * 3);
    const heap = 80e6 + Math.round(this.#next() * 40e6);
    const level = (value: number): Cell => ({ count: 10, sum: value * 10, min: value * 0.9, max: value * 1.1 });
    const cells = {
      eventLoopDelayMs: delay.encode(),
      eventLoopUtilization: level(this.#next()),
      cpuUserMs: durationMs * 0.3 * this.#next(),
      cpuSystemMs: durationMs * 0.1 * this.#next(),
      rssBytes: level(heap * 2),
      heapUsedBytes: level(heap),
      heapLimitBytes: level(4e9),
      externalBytes: level(5e6),
      gcMs: delay.encode(),
      activeRequests: level(4),
    };
    return { family: 'runtime', key: 'process', database: null, route: null, cells };
  }

  #gauss(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#next())) * Math.cos(2 * Math.PI * this.#next());
  }

  #poisson(mean: number): number {
    if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.#gauss()));
    const limit = Math.exp(-mean);
    let product = this.#next();
    let count = 0;
    while (product > limit) {
      count++;
      product *= this.#next();
    }
    return count;
  }
}
