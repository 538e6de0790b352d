import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { ExposedSource } from './exposed-source.ts';
import { inSlices } from './in-slices.ts';
import { DeltaBaseline, type OtlpRequest, writeOtlp } from './otlp-payload.ts';
import type { OtlpSettings } from './otlp-settings.ts';

/** What an {@link OtlpPush} is made of. */
export interface OtlpPushOptions {
  readonly settings: OtlpSettings;
  readonly clock: Clock;
  readonly sources: () => readonly ExposedSource[];
  /** Told when pushing begins to fail, fails for another reason, and works again. */
  readonly onTrouble: (message: string) => void;
  /** The first wait before a try again; default 1 s. */
  readonly retryMs?: number;
}

/** How pushing goes. */
export interface OtlpStatus {
  /** When a push was last taken; null: never. */
  readonly takenAt: EpochMs | null;
  /** Why the last push was not taken, or not as a whole; null: it was. */
  readonly trouble: string | null;
}

const MAX_TRIES = 5;
const LONGEST_RETRY_MS = 30_000;
/** What an answer may say beside its status. */
const MAX_ANSWER_BYTES = 16_384;
const CLOSE_MS = 1_000;
/** The statuses after which OTLP/HTTP asks for another try. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const compress = promisify(gzip);

/** A request was not taken; `retryMs` null: the same would not be taken again. */
class NotTaken extends Error {
  readonly retryMs: number | null;

  constructor(message: string, retryMs: number | null) {
    super(message);
    this.retryMs = retryMs;
  }
}

/**
 * Pushes metrics to a collector by OTLP/HTTP, once an interval. Nothing is queued while it is away: totals are whole in
 * the next push, and so are deltas, which are counted from the last push that was taken. A request that was taken though
 * its answer was lost is sent again: a delta may then count twice, a total can't.
 */
export class OtlpPush {
  readonly #options: OtlpPushOptions;
  readonly #baseline: DeltaBaseline | null;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #pushing: Promise<void> | null = null;
  #takenAt: EpochMs | null = null;
  #trouble: string | null = null;

  constructor(options: OtlpPushOptions) {
    this.#options = options;
    this.#baseline = options.settings.temporality === 'delta' ? new DeltaBaseline() : null;
  }

  get status(): OtlpStatus {
    return { takenAt: this.#takenAt, trouble: this.#trouble };
  }

  start(): void {
    this.#timer = setInterval(() => void this.push(), this.#options.settings.intervalMs);
    this.#timer.unref();
  }

  /** Pushes what there is, once at a time; never rejects. */
  push(): Promise<void> {
    this.#pushing ??= this.#push(this.#closing.signal).finally(() => {
      this.#pushing = null;
    });
    return this.#pushing;
  }

  /** The last push, for a second at most. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    // A push that is waiting for its next try is given up for one that has everything.
    this.#closing.abort();
    await this.#pushing;
    await this.#push(AbortSignal.timeout(CLOSE_MS));
  }

  async #push(signal: AbortSignal): Promise<void> {
    const { clock, sources, settings } = this.#options;
    const endsAtMs = performance.now() + settings.intervalMs;
    try {
      const now = clock.now();
      const requests = await inSlices(writeOtlp(sources(), this.#baseline, now));
      let partly: string | null = null;
      for (const request of requests) {
        partly = (await this.#send(request, endsAtMs, signal)) ?? partly;
        request.taken();
      }
      this.#takenAt = now;
      this.#tell(partly);
    } catch (error) {
      if (!(signal.aborted && signal === this.#closing.signal)) this.#tell(messageOf(error));
    }
  }

  /** @returns what the receiver did not take of it; null: it took all. @throws NotTaken */
  async #send(request: OtlpRequest, endsAtMs: number, signal: AbortSignal): Promise<string | null> {
    const { settings, retryMs = 1_000 } = this.#options;
    const body = settings.gzip ? new Uint8Array(await compress(request.body)) : request.body;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#post(body, signal);
      } catch (error) {
        if (!(error instanceof NotTaken) || error.retryMs === null || signal.aborted) throw error;
        // Doubled each time, and spread, so that a fleet does not come back all at once.
        const spread = retryMs * 2 ** (tries - 1) * (0.5 + Math.random());
        const waitMs = Math.min(LONGEST_RETRY_MS, Math.max(error.retryMs, spread));
        if (tries >= MAX_TRIES || performance.now() + waitMs >= endsAtMs) throw error;
        await sleep(waitMs, undefined, { signal, ref: false });
      }
    }
  }

  async #post(body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<string | null> {
    const { endpoint, headers, gzip: isGzip, timeoutMs } = this.#options.settings;
    let response: Response;
    let answer: Uint8Array;
    try {
      response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': 'application/x-protobuf',
          ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
        },
        body,
        // Only the declared endpoint is told anything, and least of all its headers.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      answer = await readAnswer(response);
    } catch (error) {
      throw new NotTaken(`${endpoint.origin} could not be reached: ${causeOf(error)}`, 0);
    }
    if (response.ok) return partialSuccess(answer);
    const seconds = Number(response.headers.get('retry-after') ?? 0);
    const retryMs = seconds >= 0 && seconds <= 3_600 ? seconds * 1_000 : 0;
    const isRetryable = RETRYABLE.has(response.status);
    throw new NotTaken(`${endpoint.origin} answered with status ${response.status}`, isRetryable ? retryMs : null);
  }

  #tell(trouble: string | null): void {
    const before = this.#trouble;
    this.#trouble = trouble;
    if (trouble === before) return;
    const { onTrouble } = this.#options;
    if (trouble === null) onTrouble('Metrics are pushed to the collector again.');
    else onTrouble(`Metrics were not pushed: ${trouble}. Nothing is lost: the next push has it all.`);
  }
}

/** fetch() says "fetch failed" and puts the reason behind it. */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}

async function readAnswer(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> | readonly Uint8Array[] = response.body ?? [];
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks);
}

/** ExportMetricsServiceResponse.partial_success: what was rejected, and why; null: nothing, or an answer of another kind. */
function partialSuccess(answer: Uint8Array): string | null {
  // 0x0a: field 1, a message; in it 0x08 is the number of rejected points, and 0x12 the text.
  if (answer[0] !== 0x0a) return null;
  let at = 1;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = answer[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  varint();
  let rejected = 0;
  let text = '';
  while (at < answer.length) {
    const tag = answer[at++];
    if (tag === 0x08) rejected = varint();
    else if (tag === 0x12) {
      const length = varint();
      text = new TextDecoder().decode(answer.subarray(at, at + length)).slice(0, 200);
      at += length;
    } else break;
  }
  return rejected === 0 ? null : `the collector rejected ${rejected} points: ${text}`;
}
