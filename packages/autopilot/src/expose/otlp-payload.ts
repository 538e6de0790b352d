import { type ExposedMetric, type ExposedPart, exposedMetrics } from '../contract/exposition.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import type { Attribute, CumulativeMetrics, CumulativeSeries } from './cumulative-metrics.ts';
import { type ExposedSource, histogramOf, numberOf, partAttributes } from './exposed-source.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { SECONDS_SCALE, secondsBucket, ZERO_THRESHOLD_SECONDS } from './seconds-buckets.ts';

/*
 * opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest (opentelemetry-proto 1.x); its field numbers are
 * below. Each instance is a resource of its own.
 */

const RESOURCE_METRICS = 1;
const RESOURCE = { resource: 1, scopeMetrics: 2 } as const;
const SCOPE = { scope: 1, metrics: 2 } as const;
const METRIC = { name: 1, description: 2, unit: 3, gauge: 5, sum: 7, exponentialHistogram: 10 } as const;
const DATA = { points: 1, temporality: 2, monotonic: 3 } as const;
const NUMBER = { startTime: 2, time: 3, asDouble: 4, attributes: 7 } as const;
const HISTOGRAM = {
  attributes: 1,
  startTime: 2,
  time: 3,
  count: 4,
  sum: 5,
  scale: 6,
  zeroCount: 7,
  positive: 8,
  min: 12,
  max: 13,
  zeroThreshold: 14,
} as const;
const BUCKETS = { offset: 1, counts: 2 } as const;
const TEMPORALITY = { delta: 1, cumulative: 2 } as const;
const SCOPE_NAME = '@teamflow/autopilot';

/** A request ends after the instance with which it grew over this; receivers take at least 4 MiB. */
const REQUEST_BYTES = 1024 * 1024;

/** What a receiver has taken, so that the next push holds only what came since. */
export class DeltaBaseline {
  readonly #values = new WeakMap<CumulativeSeries, Map<string, number | Uint8Array>>();
  readonly #pushedAt = new WeakMap<CumulativeMetrics, EpochMs>();

  startOf({ metrics, startedAt }: ExposedSource): EpochMs {
    return this.#pushedAt.get(metrics) ?? startedAt;
  }

  numberOf(series: CumulativeSeries, field: string): number {
    const value = this.#values.get(series)?.get(field);
    return typeof value === 'number' ? value : 0;
  }

  histogramOf(series: CumulativeSeries, field: string): ExponentialHistogram {
    const value = this.#values.get(series)?.get(field);
    return value instanceof Uint8Array ? ExponentialHistogram.decode(value) : new ExponentialHistogram();
  }

  keep(series: CumulativeSeries, field: string, value: number | Uint8Array): void {
    const values = this.#values.get(series) ?? new Map<string, number | Uint8Array>();
    this.#values.set(series, values.set(field, value));
  }

  pushed({ metrics }: ExposedSource, at: EpochMs): void {
    this.#pushedAt.set(metrics, at);
  }
}

/** One request to a receiver. */
export interface OtlpRequest {
  readonly body: Uint8Array<ArrayBuffer>;
  /** To be called when it was taken: the next delta begins there. */
  readonly taken: () => void;
}

/**
 * What the sources have measured, as requests of about a mebibyte. `baseline` null: cumulative. A generator that yields
 * after each series, where its driver may let others run.
 */
export function* writeOtlp(
  sources: readonly ExposedSource[],
  baseline: DeltaBaseline | null,
  now: EpochMs,
): Generator<void, readonly OtlpRequest[]> {
  const requests: OtlpRequest[] = [];
  let writer = new RequestWriter(baseline, now);
  for (const source of sources) {
    yield* writer.source(source);
    if (writer.length < REQUEST_BYTES) continue;
    requests.push(writer.finish());
    writer = new RequestWriter(baseline, now);
  }
  if (writer.length > 0) requests.push(writer.finish());
  return requests;
}

class RequestWriter {
  readonly #out = new ProtobufWriter();
  readonly #baseline: DeltaBaseline | null;
  readonly #now: EpochMs;
  readonly #taken: (() => void)[] = [];

  constructor(baseline: DeltaBaseline | null, now: EpochMs) {
    this.#baseline = baseline;
    this.#now = now;
  }

  get length(): number {
    return this.#out.length;
  }

  finish(): OtlpRequest {
    const taken = this.#taken;
    return { body: this.#out.finish(), taken: () => taken.forEach((keep) => keep()) };
  }

  *source(source: ExposedSource): Generator<void, void> {
    const out = this.#out;
    const { service, instance, release } = source.origin;
    const resource = out.beginMessage(RESOURCE_METRICS);
    out.message(RESOURCE.resource, () => {
      this.#attribute(1, ['service.name', service.toWellFormed()]);
      this.#attribute(1, ['service.instance.id', instance.toWellFormed()]);
      this.#attribute(1, ['service.version', release.toWellFormed()]);
    });
    const scope = out.beginMessage(RESOURCE.scopeMetrics);
    out.message(SCOPE.scope, () => out.string(1, SCOPE_NAME));
    for (const metric of exposedMetrics) yield* this.#metric(metric, source);
    out.end(scope);
    out.end(resource);
    const baseline = this.#baseline;
    if (baseline !== null) this.#taken.push(() => baseline.pushed(source, this.#now));
  }

  *#metric(metric: ExposedMetric, source: ExposedSource): Generator<void, void> {
    const out = this.#out;
    let open: readonly [metric: number, data: number] | null = null;
    for (const series of source.metrics.series(metric.family)) {
      open ??= this.#begin(metric);
      for (const part of metric.parts) {
        if (metric.kind === 'histogram') this.#histogram(source, series, part);
        else this.#number(metric, source, series, part);
      }
      yield;
    }
    if (open === null) return;
    const [whole, data] = open;
    if (metric.kind !== 'gauge')
      out.uint(DATA.temporality, this.#baseline === null ? TEMPORALITY.cumulative : TEMPORALITY.delta);
    if (metric.kind === 'counter') out.uint(DATA.monotonic, 1);
    out.end(data);
    out.end(whole);
  }

  #begin({ name, description, unit, kind }: ExposedMetric): readonly [metric: number, data: number] {
    const out = this.#out;
    const whole = out.beginMessage(SCOPE.metrics);
    out.string(METRIC.name, name);
    out.string(METRIC.description, description);
    out.string(METRIC.unit, unit);
    const field = { counter: METRIC.sum, gauge: METRIC.gauge, histogram: METRIC.exponentialHistogram }[kind];
    return [whole, out.beginMessage(field)];
  }

  #number(metric: ExposedMetric, source: ExposedSource, series: CumulativeSeries, part: ExposedPart): void {
    const out = this.#out;
    const baseline = this.#baseline;
    const total = numberOf(series, metric, part);
    if (total === undefined) return;
    let value = total;
    const isCounter = metric.kind === 'counter';
    if (isCounter && baseline !== null) {
      value = total - baseline.numberOf(series, part.field);
      if (value === 0) return;
      this.#taken.push(() => baseline.keep(series, part.field, total));
    }
    out.message(DATA.points, () => {
      if (isCounter) out.nanoseconds(NUMBER.startTime, this.#startOf(source));
      out.nanoseconds(NUMBER.time, this.#now);
      out.double(NUMBER.asDouble, value);
      this.#attributes(NUMBER.attributes, series, part);
    });
  }

  #histogram(source: ExposedSource, series: CumulativeSeries, part: ExposedPart): void {
    const out = this.#out;
    const baseline = this.#baseline;
    const total = histogramOf(series, part);
    const before = baseline?.histogramOf(series, part.field) ?? null;
    const count = total.count - (before?.count ?? 0);
    if (baseline !== null) {
      if (count === 0) return;
      const encoded = total.encode();
      this.#taken.push(() => baseline.keep(series, part.field, encoded));
    }
    const { offset, counts } = denseBuckets(total, before);
    out.message(DATA.points, () => {
      this.#attributes(HISTOGRAM.attributes, series, part);
      out.nanoseconds(HISTOGRAM.startTime, this.#startOf(source));
      out.nanoseconds(HISTOGRAM.time, this.#now);
      out.fixed64(HISTOGRAM.count, count);
      out.double(HISTOGRAM.sum, (total.sum - (before?.sum ?? 0)) / 1000);
      out.sint(HISTOGRAM.scale, SECONDS_SCALE);
      out.fixed64(HISTOGRAM.zeroCount, total.zeroCount - (before?.zeroCount ?? 0));
      out.message(HISTOGRAM.positive, () => {
        if (counts.length === 0) return;
        out.sint(BUCKETS.offset, offset);
        out.packedUints(BUCKETS.counts, counts);
      });
      // Of what came since the last push nobody knows the least and the most.
      if (before === null && count > 0) {
        out.double(HISTOGRAM.min, total.min / 1000);
        out.double(HISTOGRAM.max, total.max / 1000);
      }
      out.double(HISTOGRAM.zeroThreshold, ZERO_THRESHOLD_SECONDS);
    });
  }

  #startOf(source: ExposedSource): EpochMs {
    return this.#baseline?.startOf(source) ?? source.startedAt;
  }

  #attributes(field: number, series: CumulativeSeries, part: ExposedPart): void {
    for (const attribute of series.attributes) this.#attribute(field, attribute);
    for (const attribute of partAttributes(part)) this.#attribute(field, attribute);
  }

  #attribute(field: number, [name, value]: Attribute): void {
    const out = this.#out;
    out.message(field, () => {
      out.string(1, name);
      out.message(2, () => out.string(1, value));
    });
  }
}

/** Buckets from the first filled to the last; OpenTelemetry numbers a bucket by its lower bound. */
function denseBuckets(
  total: ExponentialHistogram,
  before: ExponentialHistogram | null,
): { readonly offset: number; readonly counts: Float64Array } {
  const filled = new Map<number, number>();
  total.visitBuckets((index, count) => filled.set(index, count));
  before?.visitBuckets((index, count) => {
    const rest = (filled.get(index) ?? 0) - count;
    if (rest > 0) filled.set(index, rest);
    else filled.delete(index);
  });
  const indexes = [...filled.keys()];
  const [first] = indexes;
  const last = indexes.at(-1);
  if (first === undefined || last === undefined) return { offset: 0, counts: new Float64Array(0) };
  const lowest = secondsBucket(first);
  const counts = new Float64Array(secondsBucket(last) - lowest + 1);
  for (const [index, count] of filled) counts[secondsBucket(index) - lowest] = count;
  return { offset: lowest - 1, counts };
}
