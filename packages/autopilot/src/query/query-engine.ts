import type { Frame, TimeSpan } from '../contract/frame.ts';
import type { Measure } from '../contract/measures.ts';
import { type Origin, processKey, type SeriesKey } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { Extent, MetricStore, SeriesQuery, Slice } from '../storage/ports.ts';
import { Coverage, gapsBetween, joinedSpans } from './coverage.ts';
import { type FactPlan, MergedFacts, planOf } from './merged-facts.ts';
import type { SteppedRange, TimeRange } from './time-range.ts';

/** Which facts a question is about; the range comes beside it. */
export type Subject = Omit<SeriesQuery, 'from' | 'to' | 'resolutionMs' | 'fields' | 'select'>;

/** Values by the measures that were asked for. */
export type MeasureValues<Asked extends Measure = Measure> = Readonly<Record<Asked, number | null>>;

/** One series over a range. */
export interface SeriesRow<Asked extends Measure = Measure> {
  readonly series: SeriesKey;
  readonly values: MeasureValues<Asked>;
}

/** A series in its place among the others. */
export interface TopRow {
  readonly series: SeriesKey;
  readonly value: number | null;
}

/** One instance over a range. */
export interface InstanceFacts<Asked extends Measure = Measure> {
  readonly origin: Origin;
  readonly values: MeasureValues<Asked>;
  readonly frame: Frame;
  /** When it reported, within the range. */
  readonly reported: readonly TimeSpan[];
}

/** A subject over a range, all instances and keys merged. */
export interface Summary<Asked extends Measure = Measure> {
  readonly values: MeasureValues<Asked>;
  /** Time of the range in which at least one instance reported. */
  readonly reportedMs: number;
  /** By family: observations that the agents' bounds moved or left out. */
  readonly overflow: Readonly<Record<string, number>>;
}

/**
 * Turns windows into answers. Everything is merged first and computed then: a percentile of several instances, routes
 * or seconds is that of their merged histogram, never an average.
 */
export class QueryEngine {
  readonly #store: MetricStore;

  constructor(store: MetricStore) {
    this.#store = store;
  }

  extent(service: string, now: EpochMs): Promise<Extent> {
    return this.#store.extent(service, now);
  }

  /** A column for each measure: of the family as a whole, or of one key. */
  async frame(subject: Subject, key: string | null, range: SteppedRange, asked: readonly Measure[]): Promise<Frame> {
    const { from, to, stepMs, resolutionMs, complete } = range;
    const plan = planOf(asked);
    const steps = stepsOf(range, plan);
    const spans: TimeSpan[] = [];
    const select = key === null ? ({ kind: 'total' } as const) : ({ kind: 'keys', keys: [key] } as const);
    const query = {
      ...subject,
      select,
      from,
      to,
      resolutionMs,
      fields: plan.fields,
      sumsOf: plan.sumsOf,
      mergeInstances: true,
    };
    for await (const slice of this.#store.read(query)) {
      spans.push({ from: slice.start, to: slice.start + slice.durationMs });
      addToSteps(steps, slice, range);
    }
    return {
      at: steps.map((_, index) => from + index * stepMs),
      stepMs,
      columns: columnsOf(steps, asked),
      complete,
      missing: gapsBetween(spans, from, to),
    };
  }

  /** A frame for each of these keys of a family, with the same times. */
  async frames(
    subject: Subject,
    keys: readonly string[],
    range: SteppedRange,
    asked: readonly Measure[],
  ): Promise<ReadonlyMap<string, Frame>> {
    const { from, to, stepMs, resolutionMs, complete } = range;
    const plan = planOf(asked);
    const { fields, sumsOf } = plan;
    const nothing = new MergedFacts(plan);
    const times = Array.from({ length: Math.round((to - from) / stepMs) }, (_, index) => from + index * stepMs);
    const coverages = times.map(() => new Coverage());
    const byKey = new Map(keys.map((key) => [key, new Map<number, MergedFacts>()]));
    const select = { kind: 'keys', keys } as const;
    const query = { ...subject, select, from, to, resolutionMs, fields, sumsOf, mergeInstances: true };
    for await (const slice of this.#store.read(query)) {
      const instance = processKey(slice.origin);
      for (const { index, from: partFrom, to: partTo, share } of partsOf(slice, range)) {
        coverages[index]?.add(instance, partFrom, partTo);
        for (const one of slice.series) {
          const steps = byKey.get(one.key);
          const facts = steps?.get(index) ?? new MergedFacts(plan);
          facts.add(instance, one, share);
          steps?.set(index, facts);
        }
      }
    }
    const frames = Array.from(byKey, ([key, facts]): [string, Frame] => {
      const steps = coverages.map((coverage, index): Step => ({ coverage, facts: facts.get(index) ?? nothing }));
      return [key, { at: times, stepMs, columns: columnsOf(steps, asked), complete }];
    });
    return new Map(frames);
  }

  /**
   * Each instance by itself, by name: its values over the range, a frame of some of them, and when it reported. Reads every
   * instance's own windows: with a hundred instances it costs a hundred times what a summary does. Of one key of the
   * family, or of all.
   */
  async instances<const Asked extends Measure>(
    subject: Subject,
    range: SteppedRange,
    asked: readonly Asked[],
    framed: readonly Measure[],
    key: string | null = null,
  ): Promise<readonly InstanceFacts<Asked>[]> {
    const { from, to, stepMs, resolutionMs, complete } = range;
    const plan = planOf([...asked, ...framed]);
    const byInstance = new Map<string, InstanceSum>();
    const { fields, sumsOf } = plan;
    const select = key === null ? ({ kind: 'total' } as const) : ({ kind: 'keys', keys: [key] } as const);
    const query = { ...subject, select, from, to, resolutionMs, fields, sumsOf };
    for await (const slice of this.#store.read(query)) {
      const name = processKey(slice.origin);
      let sum = byInstance.get(name);
      if (sum === undefined) {
        sum = { origin: slice.origin, steps: stepsOf(range, plan), ...stepOf(plan), spans: [] };
        byInstance.set(name, sum);
      }
      const { instance, share } = cover(slice, range, sum.coverage);
      for (const one of slice.series) sum.facts.add(instance, one, share);
      addToSteps(sum.steps, slice, range);
      const { start, durationMs } = slice;
      sum.spans.push({ from: Math.max(start, from), to: Math.min(start + durationMs, to) });
    }
    return Array.from(byInstance.values(), ({ origin, steps, coverage, facts, spans }) => ({
      origin,
      values: valuesOf(facts, coverage, asked),
      frame: {
        at: steps.map((_, index) => from + index * stepMs),
        stepMs,
        columns: columnsOf(steps, framed),
        complete,
      },
      reported: joinedSpans(spans),
    })).sort((a, b) => (processKey(a.origin) < processKey(b.origin) ? -1 : 1));
  }

  /** The family as a whole over the range. */
  async summary<const Asked extends Measure>(
    subject: Subject,
    range: TimeRange,
    asked: readonly Asked[],
  ): Promise<Summary<Asked>> {
    const plan = planOf(asked);
    const facts = new MergedFacts(plan);
    const coverage = new Coverage();
    const overflow: Record<string, number> = {};
    for await (const slice of this.#slices(subject, range, { kind: 'total' }, plan)) {
      const { instance, share } = cover(slice, range, coverage);
      for (const one of slice.series) facts.add(instance, one, share);
      for (const [family, left] of Object.entries(slice.overflow)) {
        overflow[family] = (overflow[family] ?? 0) + left * share;
      }
    }
    return { values: valuesOf(facts, coverage, asked), reportedMs: coverage.unionMs, overflow };
  }

  /** The series of a family ranked by one measure, highest first, those without a value last; at most `n`. */
  async top(subject: Subject, range: TimeRange, by: Measure, n: number): Promise<readonly TopRow[]> {
    const rows = await this.#rows(subject, range, { kind: 'each' }, [by]);
    const ranked = rows.map(({ series, values }): TopRow => ({ series, value: values[by] }));
    ranked.sort((a, b) => compare(a, b));
    return ranked.slice(0, n);
  }

  /** The series with these keys over the range, in no particular order; keys nothing is known of are left out. */
  rows<const Asked extends Measure>(
    subject: Subject,
    range: TimeRange,
    keys: readonly string[],
    asked: readonly Asked[],
  ): Promise<readonly SeriesRow<Asked>[]> {
    return this.#rows(subject, range, { kind: 'keys', keys }, asked);
  }

  async #rows<const Asked extends Measure>(
    subject: Subject,
    range: TimeRange,
    select: SeriesQuery['select'],
    asked: readonly Asked[],
  ): Promise<readonly SeriesRow<Asked>[]> {
    const plan = planOf(asked);
    const coverage = new Coverage();
    const rows = new Map<string, { readonly series: SeriesKey; readonly facts: MergedFacts }>();
    for await (const slice of this.#slices(subject, range, select, plan)) {
      const { instance, share } = cover(slice, range, coverage);
      for (const one of slice.series) {
        const name = one.database === null && one.route === null ? one.key : pairName(one);
        let row = rows.get(name);
        if (row === undefined) {
          const { family, key, database, route } = one;
          row = { series: { family, key, database, route }, facts: new MergedFacts(plan) };
          rows.set(name, row);
        }
        row.facts.add(instance, one, share);
      }
    }
    return Array.from(rows.values(), ({ series, facts }) => ({ series, values: valuesOf(facts, coverage, asked) }));
  }

  #slices(
    subject: Subject,
    { from, to }: TimeRange,
    select: SeriesQuery['select'],
    { fields, sumsOf }: FactPlan,
  ): AsyncIterable<Slice> {
    const resolutionMs = to - from;
    return this.#store.read({ ...subject, select, from, to, resolutionMs, fields, sumsOf, mergeInstances: true });
  }
}

/** What lies in one step. */
interface Step {
  readonly coverage: Coverage;
  readonly facts: MergedFacts;
}

/** An instance while its windows are read. */
interface InstanceSum extends Step {
  readonly origin: Origin;
  readonly steps: readonly Step[];
  readonly spans: TimeSpan[];
}

function stepOf(plan: FactPlan): Step {
  return { coverage: new Coverage(), facts: new MergedFacts(plan) };
}

function stepsOf({ from, to, stepMs }: SteppedRange, plan: FactPlan): readonly Step[] {
  return Array.from({ length: Math.round((to - from) / stepMs) }, () => stepOf(plan));
}

/** The part of a slice that lies in one step. */
interface SlicePart {
  readonly index: number;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly share: number;
}

/** A slice, cut where steps end. */
function partsOf({ start, durationMs }: Slice, { from, to, stepMs }: SteppedRange): readonly SlicePart[] {
  const end = start + durationMs;
  const first = Math.max(0, Math.floor((start - from) / stepMs));
  const last = Math.min(Math.round((to - from) / stepMs) - 1, Math.ceil((end - from) / stepMs) - 1);
  const parts: SlicePart[] = [];
  for (let index = first; index <= last; index++) {
    const stepStart = from + index * stepMs;
    const partFrom = Math.max(start, stepStart);
    const partTo = Math.min(end, stepStart + stepMs);
    parts.push({ index, from: partFrom, to: partTo, share: (partTo - partFrom) / durationMs });
  }
  return parts;
}

/** Puts a slice into the steps it overlaps, into each the part of it that lies there. */
function addToSteps(steps: readonly Step[], slice: Slice, range: SteppedRange): void {
  const instance = processKey(slice.origin);
  for (const { index, from, to, share } of partsOf(slice, range)) {
    const step = steps[index];
    step?.coverage.add(instance, from, to);
    for (const one of slice.series) step?.facts.add(instance, one, share);
  }
}

function columnsOf(steps: readonly Step[], asked: readonly Measure[]): Frame['columns'] {
  return Object.fromEntries(
    asked.map((measure) => [measure, steps.map(({ facts, coverage }) => facts.value(measure, coverage))]),
  );
}

function pairName({ key, database, route }: SeriesKey): string {
  return `${key}\u0000${database ?? ''}\u0000${route ?? ''}`;
}

/** Notes that the slice's instance reported, and says which part of the slice lies in the range. */
function cover(
  { origin, start, durationMs }: Slice,
  { from, to }: TimeRange,
  coverage: Coverage,
): { readonly instance: string; readonly share: number } {
  const instance = processKey(origin);
  const overlapFrom = Math.max(start, from);
  const overlapTo = Math.min(start + durationMs, to);
  coverage.add(instance, overlapFrom, overlapTo);
  return { instance, share: (overlapTo - overlapFrom) / durationMs };
}

function valuesOf<Asked extends Measure>(
  facts: MergedFacts,
  coverage: Coverage,
  asked: readonly Asked[],
): MeasureValues<Asked> {
  // Every measure asked for gets its entry here, which Object.fromEntries can't say.
  return Object.fromEntries(asked.map((measure) => [measure, facts.value(measure, coverage)])) as MeasureValues<Asked>;
}

/** Highest first; equal ones by name, so that the order is the same each time. */
function compare(a: TopRow, b: TopRow): number {
  const difference = (b.value ?? Number.NEGATIVE_INFINITY) - (a.value ?? Number.NEGATIVE_INFINITY);
  if (difference !== 0 && !Number.isNaN(difference)) return difference;
  return pairName(a.series) < pairName(b.series) ? -1 : 1;
}
