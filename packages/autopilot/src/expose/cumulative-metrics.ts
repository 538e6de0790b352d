import { type ExposedFamily, exposedAttributes } from '../contract/exposition.ts';
import { metrics } from '../contract/metrics.ts';
import { type Cell, type Family, OVERFLOW_KEY, type SeriesWindow, type Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { invalidVariable } from '../kernel/environment.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';

/** The most series of each family that are told apart; 0: the family is left out. */
export type CumulativeLimits = Readonly<Record<Exclude<ExposedFamily, 'runtime' | 'overflow'>, number>>;

const DEFAULT_LIMITS: CumulativeLimits = {
  route: 1_000,
  tenant: 0,
  statement: 1_000,
  pool: 32,
  job: 100,
  compression: 1_000,
};

const MAX_TENANTS = 10_000;

/**
 * How many tenants are told apart, as AUTOPILOT_METRICS_TENANTS says; absent: none, because their number grows with the
 * business and their names leave the house with the metrics.
 * @throws AutopilotError AP_ENVIRONMENT_INVALID
 */
export function tenantLimitOf(variable: string | undefined): number {
  if (!variable) return 0;
  if (/^\d{1,5}$/.test(variable) && Number(variable) <= MAX_TENANTS) return Number(variable);
  throw invalidVariable(
    'AUTOPILOT_METRICS_TENANTS',
    JSON.stringify(variable),
    `Set it to a number from 0 to ${MAX_TENANTS}: the most tenants that metrics tell apart.`,
  );
}

/** "(other)" series of a family, one a database; beyond it they share one. */
const MAX_OTHERS = 32;

/** A limit that several {@link CumulativeMetrics} have in common. */
export interface SeriesBudget {
  /** Series that may still be added. */
  left: number;
}

/** A name and a value by OpenTelemetry's conventions. */
export type Attribute = readonly [name: string, value: string];

/** One series since the process started: counters as sums, gauges as they were last, histograms merged. */
export class CumulativeSeries {
  readonly attributes: readonly Attribute[];
  /** As labels of Prometheus, escaped: `http_route="/tasks"`; made once, asked for at every scrape. */
  readonly labels: string;
  readonly #values = new Map<string, number | ExponentialHistogram>();

  constructor(attributes: readonly Attribute[]) {
    this.attributes = attributes;
    this.labels = labelsOf(attributes);
  }

  /** A counter's sum or a gauge's last value; undefined where a gauge was never sampled, and for histograms. */
  number(field: string): number | undefined {
    const value = this.#values.get(field);
    return typeof value === 'number' ? value : undefined;
  }

  /** undefined where nothing was recorded. */
  histogram(field: string): ExponentialHistogram | undefined {
    const value = this.#values.get(field);
    return typeof value === 'object' ? value : undefined;
  }

  count(field: string, more: number): void {
    this.#values.set(field, (this.number(field) ?? 0) + more);
  }

  level(field: string, value: number): void {
    this.#values.set(field, value);
  }

  merge(field: string, encoded: Uint8Array): void {
    let histogram = this.histogram(field);
    if (histogram === undefined) {
      histogram = new ExponentialHistogram();
      this.#values.set(field, histogram);
    }
    histogram.mergeEncoded(encoded);
  }
}

/** Attributes as labels of Prometheus, escaped (text format 0.0.4) and without braces. */
export function labelsOf(attributes: readonly Attribute[]): string {
  return attributes.map(([name, value]) => `${name.replaceAll('.', '_')}="${escapeLabel(value)}"`).join(',');
}

function escapeLabel(value: string): string {
  return /["\\\n]/.test(value) ? value.replace(/["\\\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`)) : value;
}

interface KeptFamily {
  readonly series: Map<string, CumulativeSeries>;
  readonly others: Map<string | null, CumulativeSeries>;
}

/**
 * Sums closed windows up, for receivers that want totals since the start.
 *
 * A counter never goes back, so a series that has a place keeps it for good: whoever comes when its family is full is
 * summed into "(other)", which has been there before. Dropping idle series instead would make sums over all series
 * fall, and adding what was dropped to "(other)" would show an increase that never happened.
 */
export class CumulativeMetrics {
  readonly #limits: CumulativeLimits;
  readonly #budget: SeriesBudget;
  readonly #families = new Map<ExposedFamily, KeptFamily>();
  #newestStart: EpochMs = Number.NEGATIVE_INFINITY;
  #admitted = 0;

  constructor(limits: Partial<CumulativeLimits> = {}, budget: SeriesBudget = { left: Number.POSITIVE_INFINITY }) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#budget = budget;
  }

  /** Series taken from the budget. */
  get admitted(): number {
    return this.#admitted;
  }

  /** In the order in which they came; those called "(other)" last. */
  *series(family: ExposedFamily): IterableIterator<CumulativeSeries> {
    const kept = this.#families.get(family);
    if (kept === undefined) return;
    yield* kept.series.values();
    yield* kept.others.values();
  }

  /** Adds what windows hold, each of which comes once. Cells that can't be read are left out; never throws. */
  add(windows: readonly Window[]): void {
    for (const window of windows) {
      const isNewest = window.start >= this.#newestStart;
      if (isNewest) this.#newestStart = window.start;
      for (const series of window.series) this.#addSeries(series, isNewest);
      for (const [family, count] of Object.entries(window.overflow)) {
        if (Object.hasOwn(metrics, family) && isIncrease(count)) this.#overflow(family).count('observations', count);
      }
    }
  }

  #addSeries({ family, key, database, cells }: SeriesWindow, isNewest: boolean): void {
    if (family === 'route-statement' || family === 'test' || !Object.hasOwn(metrics, family)) return;
    const limit = family === 'runtime' ? 1 : this.#limits[family];
    if (limit === 0 || typeof key !== 'string') return;
    const series = this.#seriesOf(family, key.toWellFormed(), database, limit, cells);
    const definitions = metrics[family];
    for (const field in cells) {
      const cell = cells[field];
      const kind = definitions[field]?.kind;
      if (cell === undefined || kind === undefined) continue;
      if (kind === 'counter') {
        if (typeof cell === 'number' && isIncrease(cell)) series.count(field, cell);
      } else if (kind === 'gauge') {
        const level = levelOf(cell);
        if (isNewest && level !== null) series.level(field, level);
      } else if (cell instanceof Uint8Array) {
        try {
          series.merge(field, cell);
        } catch {
          // From an agent of another make; the store counts it as unreadable.
        }
      }
    }
  }

  #seriesOf(
    family: Exclude<Family, 'route-statement' | 'test'>,
    key: string,
    database: string | null,
    limit: number,
    cells: SeriesWindow['cells'],
  ): CumulativeSeries {
    const kept = this.#family(family);
    if (key !== OVERFLOW_KEY) {
      const name = `${database ?? ''}\n${key}`;
      const known = kept.series.get(name);
      if (known !== undefined) return known;
      if (kept.series.size < limit && this.#budget.left > 0) {
        this.#budget.left--;
        this.#admitted++;
        const added = new CumulativeSeries(attributesOf(family, key, database));
        kept.series.set(name, added);
        return added;
      }
      const count = cells['requests'] ?? cells['calls'] ?? 1;
      this.#overflow(family).count('observations', typeof count === 'number' && isIncrease(count) ? count : 1);
    }
    const whose = kept.others.has(database) || kept.others.size < MAX_OTHERS ? database : null;
    const other = kept.others.get(whose) ?? new CumulativeSeries(attributesOf(family, OVERFLOW_KEY, whose));
    kept.others.set(whose, other);
    return other;
  }

  #overflow(family: string): CumulativeSeries {
    const { series } = this.#family('overflow');
    const known = series.get(family) ?? new CumulativeSeries([['family', family]]);
    series.set(family, known);
    return known;
  }

  #family(family: ExposedFamily): KeptFamily {
    let kept = this.#families.get(family);
    if (kept === undefined) {
      kept = { series: new Map(), others: new Map() };
      this.#families.set(family, kept);
    }
    return kept;
  }
}

/** What makes a counter go up: anything else would make it go back, or end it. */
function isIncrease(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}

function levelOf(cell: Cell): number | null {
  if (typeof cell !== 'object' || cell instanceof Uint8Array || !(cell.count > 0)) return null;
  const mean = cell.sum / cell.count;
  return Number.isFinite(mean) ? mean : null;
}

function attributesOf(family: ExposedFamily, key: string, database: string | null): readonly Attribute[] {
  const [first, second] = exposedAttributes[family];
  if (first === undefined) return [];
  if (second === undefined) return [[first, key]];
  if (family !== 'route' && family !== 'compression') {
    return [
      [first, (database ?? OVERFLOW_KEY).toWellFormed()],
      [second, key],
    ];
  }
  // "GET /tasks/:id", or a name like "(unmatched)" for requests of any method: OpenTelemetry calls that _OTHER.
  const space = key.indexOf(' ');
  return [
    [first, space < 0 ? (family === 'route' ? '_OTHER' : key) : key.slice(0, space)],
    [second, key.slice(space + 1)],
  ];
}
