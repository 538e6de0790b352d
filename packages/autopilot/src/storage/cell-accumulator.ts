import type { MetricKind } from '../contract/metrics.ts';
import { metrics } from '../contract/metrics.ts';
import type { Cell, Family, GaugeCell } from '../contract/series.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';

/** A family's fields in the order of the metric table. */
export interface FieldLayout {
  readonly names: readonly string[];
  readonly kinds: readonly MetricKind[];
  readonly indexOf: ReadonlyMap<string, number>;
}

function layoutOf(family: Family): FieldLayout {
  const definitions = Object.entries(metrics[family]);
  return {
    names: definitions.map(([name]) => name),
    kinds: definitions.map(([, definition]) => definition.kind),
    indexOf: new Map(definitions.map(([name], index) => [name, index])),
  };
}

/** Families in the order in which memory sorts them. */
export const families: readonly Family[] = [
  'route',
  'tenant',
  'statement',
  'route-statement',
  'pool',
  'runtime',
  'job',
  'compression',
  'test',
];

/** The fields of every family. */
export const layouts: Readonly<Record<Family, FieldLayout>> = {
  route: layoutOf('route'),
  tenant: layoutOf('tenant'),
  statement: layoutOf('statement'),
  'route-statement': layoutOf('route-statement'),
  pool: layoutOf('pool'),
  runtime: layoutOf('runtime'),
  job: layoutOf('job'),
  compression: layoutOf('compression'),
  test: layoutOf('test'),
};

/** Whether a cell holds samples of a level. */
export function isGauge(cell: Cell): cell is GaugeCell {
  return typeof cell === 'object' && !(cell instanceof Uint8Array);
}

/** Samples of one level at different times. */
export function mergeGauges(a: GaugeCell, b: GaugeCell): GaugeCell {
  return { count: a.count + b.count, sum: a.sum + b.sum, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** Merges the cells of one series over time: counters add, gauges join their samples, histograms merge. */
export class CellAccumulator {
  readonly #layout: FieldLayout;
  readonly #counters: number[] = [];
  readonly #gauges: (GaugeCell | undefined)[] = [];
  readonly #histograms: (ExponentialHistogram | undefined)[] = [];

  constructor(family: Family) {
    this.#layout = layouts[family];
  }

  /**
   * @returns false when the cell is not of the field's kind, or can't be read; nothing is then changed.
   */
  add(field: number, cell: Cell): boolean {
    switch (this.#layout.kinds[field]) {
      case 'counter':
        if (typeof cell !== 'number' || !Number.isFinite(cell)) return false;
        this.#counters[field] = (this.#counters[field] ?? 0) + cell;
        return true;
      case 'gauge': {
        if (!isGauge(cell) || !(cell.count >= 0) || !Number.isFinite(cell.sum)) return false;
        const before = this.#gauges[field];
        this.#gauges[field] = before === undefined ? cell : mergeGauges(before, cell);
        return true;
      }
      case 'histogram': {
        if (!(cell instanceof Uint8Array)) return false;
        const histogram = this.#histograms[field] ?? new ExponentialHistogram();
        try {
          histogram.mergeEncoded(cell);
        } catch {
          return false;
        }
        this.#histograms[field] = histogram;
        return true;
      }
      default:
        return false;
    }
  }

  /** Adds a series that stands beside the others at the same time: its gauges count as one more level, not as more samples. */
  addBeside(field: number, cell: Cell): boolean {
    if (!isGauge(cell)) return this.add(field, cell);
    if (this.#layout.kinds[field] !== 'gauge') return false;
    if (!(cell.count > 0)) return true;
    const before = this.#gauges[field] ?? { count: 1, sum: 0, min: 0, max: 0 };
    this.#gauges[field] = {
      count: 1,
      sum: before.sum + cell.sum / cell.count,
      min: before.min + cell.min,
      max: before.max + cell.max,
    };
    return true;
  }

  /** The merged cell; undefined where none was added. Histograms come encoded. */
  cell(field: number): Cell | undefined {
    return this.#counters[field] ?? this.#gauges[field] ?? this.#histograms[field]?.encode();
  }
}
