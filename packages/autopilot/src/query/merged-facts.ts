import type { Formula, Measure } from '../contract/measures.ts';
import { measures } from '../contract/measures.ts';
import type { GaugeCell, SeriesWindow } from '../contract/series.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { isGauge, mergeGauges } from '../storage/cell-accumulator.ts';
import type { Coverage } from './coverage.ts';

/** The cells that some measures rest on. */
export interface FactPlan {
  readonly fields: readonly string[];
  /** Fields whose distribution is asked for. */
  readonly distributions: ReadonlySet<string>;
  /** The others: of their histograms the sum is enough. */
  readonly sumsOf: readonly string[];
}

/** The cells to read for these measures. */
export function planOf(asked: readonly Measure[]): FactPlan {
  const fields = new Set<string>();
  const distributions = new Set<string>();
  for (const measure of asked) {
    const { formula } = measures[measure];
    for (const field of fieldsOf(formula)) {
      fields.add(field);
      if (formula.kind !== 'busy') distributions.add(field);
    }
  }
  return { fields: [...fields], distributions, sumsOf: [...fields].filter((field) => !distributions.has(field)) };
}

function fieldsOf(formula: Formula): readonly string[] {
  switch (formula.kind) {
    case 'busy':
      return formula.fields;
    case 'ratio':
      return [formula.field, formula.over];
    default:
      return [formula.field];
  }
}

/** The cells of a step or range, merged over windows, instances and keys, and the measures of them. */
export class MergedFacts {
  readonly #plan: FactPlan;
  /** Increases of counters, and the sums of histograms. */
  readonly #sums: Record<string, number> = {};
  readonly #histograms: Record<string, ExponentialHistogram> = {};
  /** By field, then by series and instance: levels that stand beside each other are added, samples of one are joined. */
  readonly #gauges: Record<string, Map<string, { readonly instance: string; readonly cell: GaugeCell }>> = {};

  constructor(plan: FactPlan) {
    this.#plan = plan;
  }

  /**
   * @param share The part of the series' window that lies in this step, from 0 to 1. A window longer than a step is
   * spread evenly over its steps; its distribution and its levels count in each.
   */
  add(instance: string, series: SeriesWindow, share: number): void {
    for (const field of this.#plan.fields) {
      const cell = series.cells[field];
      if (cell === undefined) continue;
      if (typeof cell === 'number') this.#addToSum(field, cell * share);
      else if (isGauge(cell)) this.#addGauge(field, instance, series, cell);
      else {
        this.#addToSum(field, ExponentialHistogram.sumOf(cell) * share);
        if (this.#plan.distributions.has(field))
          (this.#histograms[field] ??= new ExponentialHistogram()).mergeEncoded(cell);
      }
    }
  }

  /** null: not known, or (a ratio, a quantile) without anything to compute it from. */
  value(measure: Measure, coverage: Coverage): number | null {
    const { formula } = measures[measure];
    const reportedMs = coverage.unionMs;
    if (reportedMs === 0) return null;
    const value = this.#evaluate(formula, coverage, reportedMs);
    return value === null || !Number.isFinite(value) ? null : rounded(value);
  }

  #evaluate(formula: Formula, coverage: Coverage, reportedMs: number): number | null {
    switch (formula.kind) {
      case 'total':
        return this.#sums[formula.field] ?? 0;
      case 'rate':
        return ((this.#sums[formula.field] ?? 0) / reportedMs) * 1000;
      case 'ratio': {
        const over = this.#sums[formula.over] ?? 0;
        return over === 0 ? null : (this.#sums[formula.field] ?? 0) / over;
      }
      case 'busy':
        return formula.fields.reduce((sum, field) => sum + (this.#sums[field] ?? 0), 0) / reportedMs;
      case 'quantile':
        return this.#histograms[formula.field]?.quantile(formula.q) ?? null;
      case 'apdex': {
        // (satisfied + tolerating / 2) / all = (F(T) + F(4T)) / 2
        const histogram = this.#histograms[formula.field];
        if (histogram === undefined) return null;
        const { satisfiedMs } = formula;
        return (histogram.fractionAtOrBelow(satisfiedMs) + histogram.fractionAtOrBelow(4 * satisfiedMs)) / 2;
      }
      case 'level':
        return this.#level(formula.field, coverage);
      case 'mean': {
        const gauge = this.#joined(formula.field);
        return gauge === null ? (this.#histograms[formula.field]?.mean ?? null) : gauge.sum / gauge.count;
      }
      case 'variation':
        return this.#histograms[formula.field]?.variation ?? null;
      case 'max':
        return this.#joined(formula.field)?.max ?? this.#histograms[formula.field]?.max ?? null;
      case 'min':
        return this.#joined(formula.field)?.min ?? this.#histograms[formula.field]?.min ?? null;
    }
  }

  /** Each one's mean, weighed by the part of the time it was there: what all had together on average. */
  #level(field: string, coverage: Coverage): number | null {
    const levels = this.#gauges[field];
    if (levels === undefined) return null;
    let sum = 0;
    for (const { instance, cell } of levels.values()) sum += (cell.sum / cell.count) * coverage.shareOf(instance);
    return sum;
  }

  #joined(field: string): GaugeCell | null {
    let joined: GaugeCell | null = null;
    for (const { cell } of this.#gauges[field]?.values() ?? []) {
      joined = joined === null ? cell : mergeGauges(joined, cell);
    }
    return joined;
  }

  #addToSum(field: string, value: number): void {
    this.#sums[field] = (this.#sums[field] ?? 0) + value;
  }

  #addGauge(field: string, instance: string, series: SeriesWindow, cell: GaugeCell): void {
    if (!(cell.count > 0)) return;
    const name = `${instance}\u0000${series.database ?? ''}\u0000${series.key}`;
    const levels = (this.#gauges[field] ??= new Map());
    const before = levels.get(name);
    levels.set(name, { instance, cell: before === undefined ? cell : mergeGauges(before.cell, cell) });
  }
}

/** To a millionth: far below what a histogram resolves, and a third of the digits on the wire. */
function rounded(value: number): number {
  return Number.isInteger(value) || Math.abs(value) > 1e9 ? value : Math.round(value * 1e6) / 1e6;
}
