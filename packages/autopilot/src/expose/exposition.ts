import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '../kernel/clock.ts';
import { AutopilotError } from '../kernel/errors.ts';
import type { ExposedSource } from './exposed-source.ts';
import { acceptedFormat, type ExpositionFormat, expositionTypes } from './exposition-format.ts';
import { inSlices } from './in-slices.ts';
import { writeProtobuf } from './prometheus-protobuf.ts';
import { bucketDensities } from './seconds-buckets.ts';
import { writeText } from './text-writer.ts';

/** What a scrape asks for. */
export interface Scrape {
  /** Its header Accept. */
  readonly accept: string | null;
  /** Its header Accept-Encoding. */
  readonly acceptEncoding: string | null;
  /** Classic buckets an octave; default {@link DEFAULT_DENSITY}. */
  readonly density?: number;
  /** Stands for what `sources` selects; equal keys are given the same answer. */
  readonly key?: string;
  readonly sources: () => readonly ExposedSource[];
}

/** What a scrape is answered with. */
export interface Scraped {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Classic buckets an octave where the scrape does not say: bounds a factor of 1.41 apart. */
const DEFAULT_DENSITY = 2;
/** Windows close once a second: who asks sooner gets what was written before. */
const FRESH_MS = 500;
/** Scrapes that are written or wait for it: a few Prometheus servers in all their formats, and no flood. */
const MAX_WAITING = 8;
/** Below it the few bytes saved are not worth a trip to the thread pool. */
const MIN_GZIP_BYTES = 1024;
const GZIP_LEVEL = 1;

const compress = promisify(gzip);

interface Written {
  readonly at: number;
  readonly answer: Promise<Scraped>;
}

/**
 * Answers scrapes beside other work: it writes in slices of 2 ms, one scrape after another, compresses off the event
 * loop, and gives the same answer to whoever asks the same within half a second.
 */
export class Exposition {
  readonly #clock: Clock;
  readonly #recent = new Map<string, Written>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws AutopilotError AP_NOT_ACCEPTABLE, AP_PARAMETER_INVALID, AP_EXPOSITION_BUSY */
  async scrape(scrape: Scrape): Promise<Scraped> {
    const format = acceptedFormat(scrape.accept);
    if (format === null) {
      throw new AutopilotError('AP_NOT_ACCEPTABLE', `Metrics are not exposed as ${scrape.accept}.`, {
        remedy: `They can be had as ${Object.values(expositionTypes).join(' or ')}.`,
      });
    }
    const density = scrape.density ?? DEFAULT_DENSITY;
    if (!bucketDensities.includes(density)) {
      throw new AutopilotError('AP_PARAMETER_INVALID', `bucketsPerOctave is ${density}.`, {
        remedy: `It is one of ${bucketDensities.join(', ')}.`,
      });
    }
    const gzipped = acceptsGzip(scrape.acceptEncoding);
    const now = this.#clock.monotonicMs();
    for (const [key, { at }] of this.#recent) if (now - at >= FRESH_MS) this.#recent.delete(key);
    const key = `${format} ${density} ${gzipped} ${scrape.key ?? ''}`;
    const written = this.#recent.get(key);
    if (written !== undefined) return written.answer;
    if (this.#waiting >= MAX_WAITING) {
      throw new AutopilotError('AP_EXPOSITION_BUSY', `${this.#waiting} scrapes are being written or wait for it.`, {
        remedy: 'Scrape less often, or from fewer places.',
      });
    }
    this.#waiting++;
    const answer = this.#last
      .then(() => write(scrape.sources(), format, density, gzipped))
      .finally(() => {
        this.#waiting--;
      });
    this.#last = answer.catch(() => {});
    this.#recent.set(key, { at: now, answer });
    return answer;
  }
}

async function write(
  sources: readonly ExposedSource[],
  format: ExpositionFormat,
  density: number,
  gzipped: boolean,
): Promise<Scraped> {
  const steps =
    format === 'protobuf'
      ? writeProtobuf(sources, density)
      : writeText(sources, { openMetrics: format === 'openmetrics', density });
  const plain = await inSlices(steps);
  const packed = gzipped && plain.length >= MIN_GZIP_BYTES;
  const body = packed ? new Uint8Array(await compress(plain, { level: GZIP_LEVEL })) : plain;
  return {
    headers: {
      'content-type': expositionTypes[format],
      'cache-control': 'no-store',
      vary: 'Accept, Accept-Encoding, Authorization',
      'x-content-type-options': 'nosniff',
      ...(packed ? { 'content-encoding': 'gzip' } : {}),
    },
    body,
  };
}

/** RFC 9110, section 12.5.3; a client that does not say so is not sent gzip. */
function acceptsGzip(header: string | null): boolean {
  const codings = (header ?? '').toLowerCase().split(',');
  const gzipOrAny = codings.find((coding) => /^\s*gzip\s*(;|$)/.test(coding)) ?? codings.find((c) => /^\s*\*/.test(c));
  if (gzipOrAny === undefined) return false;
  const q = /;\s*q\s*=\s*([\d.]+)/.exec(gzipOrAny)?.[1];
  return q === undefined || Number(q) > 0;
}
