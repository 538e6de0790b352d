import { type ExposedMetric, exposedMetrics, prometheusName } from '../contract/exposition.ts';
import type { MetricKind } from '../contract/metrics.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { ExponentialHistogram } from '../kernel/histogram.ts';
import type { Attribute, CumulativeSeries } from './cumulative-metrics.ts';
import { type ExposedSource, histogramOf, numberOf, partAttributes } from './exposed-source.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import {
  type ClassicBounds,
  classicBounds,
  countClassic,
  SECONDS_SCALE,
  secondsBucket,
  ZERO_THRESHOLD_SECONDS,
} from './seconds-buckets.ts';
import { targetAttributes } from './text-writer.ts';

/*
 * io.prometheus.client.MetricFamily, delimited: the one format in which Prometheus takes native histograms. Histograms
 * carry classic buckets too, for a server that asks for this format and has native ones switched off.
 * Source: prometheus/client_model, metrics.proto; its field numbers are below.
 */

const TYPES: Readonly<Record<MetricKind, number>> = { counter: 0, gauge: 1, histogram: 4 };
const GAUGE = TYPES.gauge;
const FAMILY = { name: 1, help: 2, type: 3, metric: 4, unit: 5 } as const;
const METRIC = { label: 1, gauge: 2, counter: 3, histogram: 7 } as const;
const VALUE = 1;
const COUNTER_CREATED = 3;
const HISTOGRAM = {
  sampleCount: 1,
  sampleSum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  positiveSpan: 12,
  positiveDelta: 13,
  created: 15,
} as const;
const BUCKET = { cumulativeCount: 1, upperBound: 2 } as const;
const SPAN = { offset: 1, length: 2 } as const;

/** Yields after each series, where its driver may let others run, and returns the bytes. */
export function* writeProtobuf(
  sources: readonly ExposedSource[],
  density: number,
): Generator<void, Uint8Array<ArrayBuffer>> {
  const writer = new FamilyWriter(density);
  for (const metric of exposedMetrics) {
    let family: number | null = null;
    for (const source of sources) {
      for (const series of source.metrics.series(metric.family)) {
        family ??= writer.begin(metric);
        writer.series(metric, source, series);
        yield;
      }
    }
    if (family !== null) writer.end(family);
  }
  writer.targets(sources);
  return writer.finish();
}

class FamilyWriter {
  readonly #out = new ProtobufWriter();
  readonly #bounds: ClassicBounds;
  readonly #counts: Float64Array;

  constructor(density: number) {
    this.#bounds = classicBounds(density);
    this.#counts = new Float64Array(this.#bounds.seconds.length);
  }

  begin(metric: ExposedMetric): number {
    const out = this.#out;
    const start = out.begin();
    const name = prometheusName(metric);
    out.string(FAMILY.name, metric.kind === 'counter' ? `${name}_total` : name);
    out.string(FAMILY.help, metric.description);
    out.uint(FAMILY.type, TYPES[metric.kind]);
    const unit = name.slice(metric.name.length + 1);
    if (unit !== '') out.string(FAMILY.unit, unit);
    return start;
  }

  end(start: number): void {
    this.#out.end(start);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#out.finish();
  }

  series(metric: ExposedMetric, source: ExposedSource, series: CumulativeSeries): void {
    const out = this.#out;
    for (const part of metric.parts) {
      const value = metric.kind === 'histogram' ? 0 : numberOf(series, metric, part);
      if (value === undefined) continue;
      out.message(FAMILY.metric, () => {
        for (const attributes of [source.attributes, series.attributes, partAttributes(part)])
          for (const attribute of attributes) this.#label(attribute);
        if (metric.kind === 'histogram') this.#histogram(histogramOf(series, part), source.startedAt);
        else if (metric.kind === 'gauge') out.message(METRIC.gauge, () => out.double(VALUE, value));
        else {
          out.message(METRIC.counter, () => {
            out.double(VALUE, value);
            this.#timestamp(COUNTER_CREATED, source.startedAt);
          });
        }
      });
    }
  }

  targets(sources: readonly ExposedSource[]): void {
    const out = this.#out;
    if (sources.length === 0) return;
    const start = out.begin();
    out.string(FAMILY.name, 'target_info');
    out.uint(FAMILY.type, GAUGE);
    for (const source of sources) {
      out.message(FAMILY.metric, () => {
        for (const attribute of targetAttributes(source)) this.#label(attribute);
        out.message(METRIC.gauge, () => out.double(VALUE, 1));
      });
    }
    out.end(start);
  }

  #label([name, value]: Attribute): void {
    const out = this.#out;
    out.message(METRIC.label, () => {
      out.string(1, name.replaceAll('.', '_'));
      out.string(2, value);
    });
  }

  #timestamp(field: number, epochMs: EpochMs): void {
    const out = this.#out;
    out.message(field, () => {
      out.uint(1, Math.floor(epochMs / 1000));
      out.uint(2, Math.round((epochMs % 1000) * 1e6));
    });
  }

  #histogram(histogram: ExponentialHistogram, startedAt: EpochMs): void {
    const out = this.#out;
    const counts = this.#counts;
    countClassic(histogram, this.#bounds, counts);
    out.message(METRIC.histogram, () => {
      out.uint(HISTOGRAM.sampleCount, histogram.count);
      out.double(HISTOGRAM.sampleSum, histogram.sum / 1000);
      for (let at = 0; at < counts.length; at++) {
        out.message(HISTOGRAM.bucket, () => {
          out.uint(BUCKET.cumulativeCount, counts[at] ?? 0);
          out.double(BUCKET.upperBound, this.#bounds.seconds[at] ?? 0);
        });
      }
      out.sint(HISTOGRAM.schema, SECONDS_SCALE);
      out.double(HISTOGRAM.zeroThreshold, ZERO_THRESHOLD_SECONDS);
      out.uint(HISTOGRAM.zeroCount, histogram.zeroCount);
      const deltas: number[] = [];
      // A span is a run of buckets; the first says where it begins, the others how many are between. Ours are 16 apart.
      let next = 0;
      let before = 0;
      histogram.visitBuckets((index, count) => {
        const bucket = secondsBucket(index);
        const offset = bucket - next;
        out.message(HISTOGRAM.positiveSpan, () => {
          out.sint(SPAN.offset, offset);
          out.uint(SPAN.length, 1);
        });
        next = bucket + 1;
        deltas.push(count - before);
        before = count;
      });
      if (deltas.length > 0) out.packedSints(HISTOGRAM.positiveDelta, deltas);
      this.#timestamp(HISTOGRAM.created, startedAt);
    });
  }
}
