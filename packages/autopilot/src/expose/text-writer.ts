import { type ExposedMetric, exposedMetrics, prometheusName } from '../contract/exposition.ts';
import { type Attribute, type CumulativeSeries, labelsOf } from './cumulative-metrics.ts';
import { type ExposedSource, histogramOf, numberOf, partAttributes } from './exposed-source.ts';
import { type ClassicBounds, classicBounds, countClassic } from './seconds-buckets.ts';

/** How a text is written. */
export interface TextOptions {
  /** false: Prometheus' text format 0.0.4; true: OpenMetrics 1.0. */
  readonly openMetrics: boolean;
  /** Classic buckets an octave. */
  readonly density: number;
}

/** Encoded at a time: the whole of a large text would keep the event loop for as long as all its slices together. */
const CHUNK_LENGTH = 65_536;

/** Names what each source is: joined in a query by its labels (OpenTelemetry, "Prometheus compatibility"). */
const TARGET_HELP = 'What is measured: its service, instance and release';

/** Attributes of a source's target_info. */
export function targetAttributes({ origin, attributes }: ExposedSource): readonly Attribute[] {
  const target: readonly Attribute[] = [
    ['service.name', origin.service],
    ['service.instance.id', origin.instance],
    ['service.version', origin.release],
  ];
  return [...attributes, ...target.filter(([name]) => !attributes.some(([taken]) => taken === name))];
}

/**
 * The text formats of Prometheus. A generator: it yields after each series, where its driver may let others run, and
 * returns the text in UTF-8.
 */
export function* writeText(
  sources: readonly ExposedSource[],
  options: TextOptions,
): Generator<void, Uint8Array<ArrayBuffer>> {
  const writer = new TextWriter(options);
  for (const metric of exposedMetrics) {
    writer.begin(metric);
    for (const source of sources) {
      writer.from(source);
      for (const series of source.metrics.series(metric.family)) {
        writer.series(series);
        yield;
      }
    }
  }
  writer.targets(sources);
  return writer.end();
}

class TextWriter {
  readonly #openMetrics: boolean;
  readonly #bounds: ClassicBounds;
  readonly #les: readonly string[];
  readonly #counts: Float64Array;
  readonly #encoder = new TextEncoder();
  readonly #chunks: Uint8Array[] = [];
  /** What is not encoded yet. A string that grows: V8 keeps it as a rope, which is faster than joining an array. */
  #text = '';
  #metric: ExposedMetric | null = null;
  #name = '';
  #head = '';
  #partLabels: readonly string[] = [];
  #sourceLabels = '';
  #created = '';

  constructor({ openMetrics, density }: TextOptions) {
    this.#openMetrics = openMetrics;
    this.#bounds = classicBounds(density);
    this.#les = [...Array.from(this.#bounds.seconds, (le) => `le="${le}"} `), 'le="+Inf"} '];
    this.#counts = new Float64Array(this.#bounds.seconds.length);
  }

  begin(metric: ExposedMetric): void {
    const { kind, unit, description, parts } = metric;
    this.#metric = metric;
    const name = prometheusName(metric);
    this.#name = name;
    const suffix = kind === 'counter' ? '_total' : '';
    // OpenMetrics names a counter without its ending; the older format knows whole names only.
    const family = this.#openMetrics ? name : name + suffix;
    const unitName = name.slice(metric.name.length + 1);
    const help = description.replaceAll('"', this.#openMetrics ? '\\"' : '"');
    this.#head =
      `# HELP ${family} ${help}\n# TYPE ${family} ${kind}\n` +
      (this.#openMetrics && unitName !== '' && unit !== '1' ? `# UNIT ${family} ${unitName}\n` : '');
    this.#partLabels = parts.map((part) => labelsOf(partAttributes(part)));
  }

  from(source: ExposedSource): void {
    this.#sourceLabels = labelsOf(source.attributes);
    this.#created = String(source.startedAt / 1000);
  }

  series(series: CumulativeSeries): void {
    const metric = this.#metric;
    if (metric === null) return;
    if (this.#text.length >= CHUNK_LENGTH) this.#encode();
    metric.parts.forEach((part, at) => {
      const labels = join(this.#sourceLabels, series.labels, this.#partLabels[at] ?? '');
      if (metric.kind === 'histogram') {
        this.#histogram(labels, histogramOf(series, part));
        return;
      }
      const value = numberOf(series, metric, part);
      if (value === undefined) return;
      this.#open();
      const braced = labels === '' ? '' : `{${labels}}`;
      if (metric.kind === 'gauge') {
        this.#text += `${this.#name}${braced} ${value}\n`;
        return;
      }
      this.#text += `${this.#name}_total${braced} ${value}\n`;
      if (this.#openMetrics) this.#text += `${this.#name}_created${braced} ${this.#created}\n`;
    });
  }

  targets(sources: readonly ExposedSource[]): void {
    if (sources.length === 0) return;
    this.#text += this.#openMetrics
      ? `# HELP target ${TARGET_HELP}\n# TYPE target info\n`
      : `# HELP target_info ${TARGET_HELP}\n# TYPE target_info gauge\n`;
    for (const source of sources) this.#text += `target_info{${labelsOf(targetAttributes(source))}} 1\n`;
  }

  end(): Uint8Array<ArrayBuffer> {
    if (this.#openMetrics) this.#text += '# EOF\n';
    this.#encode();
    const bytes = new Uint8Array(this.#chunks.reduce((length, chunk) => length + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  #encode(): void {
    this.#chunks.push(this.#encoder.encode(this.#text));
    this.#text = '';
  }

  #histogram(labels: string, histogram: ReturnType<typeof histogramOf>): void {
    this.#open();
    const name = this.#name;
    const counts = this.#counts;
    countClassic(histogram, this.#bounds, counts);
    const bucket = `${name}_bucket{${labels}${labels === '' ? '' : ','}`;
    const total = histogram.count;
    const braced = labels === '' ? '' : `{${labels}}`;
    let text = '';
    for (let at = 0; at < counts.length; at++) text += `${bucket}${this.#les[at] ?? ''}${counts[at] ?? 0}\n`;
    text += `${bucket}${this.#les[counts.length] ?? ''}${total}\n`;
    text += `${name}_sum${braced} ${histogram.sum / 1000}\n${name}_count${braced} ${total}\n`;
    if (this.#openMetrics) text += `${name}_created${braced} ${this.#created}\n`;
    this.#text += text;
  }

  /** A metric without a series has no head either. */
  #open(): void {
    this.#text += this.#head;
    this.#head = '';
  }
}

function join(...labels: readonly string[]): string {
  return labels.filter((part) => part !== '').join(',');
}
