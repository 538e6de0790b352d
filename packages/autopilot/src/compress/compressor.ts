import type { Readable } from 'node:stream';
import type { SettingsView } from '../config/live-settings.ts';
import type { Settings } from '../config/registry.ts';
import type { UncodedReason } from '../contract/compression.ts';
import type { LoopDelay } from '../track/loop-delay.ts';
import { type AcceptedCodings, CodingReader } from './accepted-codings.ts';
import { type Answer, describeCoded, describeUnchanged, refuseUnacceptable } from './answer-head.ts';
import { hasContent, varyBy, whyNotCoded } from './answer-rules.ts';
import { BodyCache } from './body-cache.ts';
import { beginsEncoded, looksLikeNoise } from './body-probe.ts';
import { codeStream, plainStream } from './coded-stream.ts';
import type { CodingLevel } from './coding-level.ts';
import { CodingPolicy } from './coding-policy.ts';
import {
  DICTIONARY_OUTCOME,
  Dictionaries,
  isPersonal,
  mayBeKept,
  mayReadDelta,
  useAsDictionary,
} from './dictionaries.ts';
import { availableCodings, Encoders, type EncodersOptions } from './encoders.ts';
import { allowsPart, routesCondition } from './entity-tag.ts';
import { globTest } from './glob.ts';
import { essence, type MediaTypeKind, mediaTypeKind } from './media-type.ts';
import { padded, reflectsBesideSecret, withPadding } from './padding.ts';
import { RouteCompression, type RouteCompressionOptions } from './route-compression.ts';
import { Strain } from './strain.ts';
import { readHead, type StreamHead } from './stream-head.ts';

/** null: none, as for HEAD. */
export type Body = string | Uint8Array | Readable | null;

/** Goes on with sending: the body as it goes out, and the time that this took, in ms; 0 when nothing was coded before the head. */
export type Send = (error: Error | null, body: Body, codingMs: number) => void;

/** Told how answers were sent; a CompressionRecorder is one. Must not throw. */
export interface OutcomeRecorder {
  /**
   * @param series What it is counted under: how it was coded, or why not, and its route.
   * @param cpuMs On the event loop as measured; in other threads and of streams as it is believed to take.
   * @param addedMs What the answer waited for it; null: it was not coded, or as it flowed.
   */
  sent(series: string, bytesIn: number, bytesOut: number, cpuMs: number, addedMs: number | null): void;
}

/** What a compressor is made of. */
export interface CompressorOptions extends EncodersOptions {
  readonly settings: SettingsView;
  /** Says how late the event loop is. */
  readonly loopDelay: LoopDelay;
  /** Told of each answer that has content. */
  readonly recorder: OutcomeRecorder;
}

/** What a byte less is worth where the effort is fixed, in ns. */
const effortNs = { fastest: 15, balanced: 200, thorough: 1_500, smallest: 5_000 } as const;

/** Taken for the length of a stream of which nobody knows better. */
const UNKNOWN_STREAM_BYTES = 64 * 1024;

const MAX_ROUTES = 1_000;
const OTHER_ROUTES = '(other)';

/** Headers that say something of the very bytes: with them an answer goes as it is. */
const DIGESTS = ['content-digest', 'repr-digest', 'digest', 'content-md5'];

/** Compresses answers where it is allowed, can be read, and pays. Made once for a process; its decisions are counted. */
export class Compressor implements Disposable {
  readonly #options: CompressorOptions;
  readonly #reader = new CodingReader();
  readonly #policy = new CodingPolicy(availableCodings());
  readonly #encoders: Encoders;
  readonly #strain = new Strain();
  readonly #following: Disposable;
  readonly #cache = new BodyCache();
  readonly #dictionaries: Dictionaries;
  readonly #routes = new Map<string, RouteCompression>();
  /** Large bodies in other threads, and streams. */
  #concurrent = 0;
  #streams = 0;
  #excludedFor: Settings['compression'] | null = null;
  #isExcludedPath: (path: string) => boolean = () => false;
  #isExcludedType: (type: string) => boolean = () => false;
  #isPaddedPath: (path: string) => boolean = () => false;

  constructor(options: CompressorOptions) {
    this.#options = options;
    this.#encoders = new Encoders(options);
    this.#dictionaries = new Dictionaries(options);
    this.#following = this.#strain.follow(options.loopDelay, () => this.#settings.lateMs);
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
    this.#cache.limit(0);
    this.#encoders[Symbol.dispose]();
    this.#dictionaries[Symbol.dispose]();
  }

  get #settings(): Settings['compression'] {
    return this.#options.settings.current.compression;
  }

  /** What is known of a route. Routes over a thousand are known as one, but those that say different things of their answers. */
  route(name: string, options: RouteCompressionOptions = {}): RouteCompression {
    const key = routeKey(name, options);
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    if (this.#routes.size >= MAX_ROUTES && name !== OTHER_ROUTES) return this.route(OTHER_ROUTES, options);
    const route = new RouteCompression(name, options);
    this.#routes.set(key, route);
    return route;
  }

  /** A request's conditions as the route wrote its tags; the request's own where nothing was changed. */
  routesCondition(header: string, isMatch: boolean): string {
    return this.#settings.enabled ? routesCondition(header, isMatch) : header;
  }

  /** Takes out of a request's headers the range of an answer that it has in another coding. */
  adoptRange(headers: { range?: string | undefined; 'if-range'?: string | string[] | undefined }): void {
    const asked = headers['if-range'];
    if (asked === undefined || !this.#settings.enabled || allowsPart(String(asked))) return;
    delete headers.range;
    delete headers['if-range'];
  }

  /** Calls `send` once, at once unless the body is large or flows. @throws nothing that a body could cause */
  answer(answer: Answer, body: Body, route: RouteCompression, send: Send): void {
    const settings = this.#settings;
    const { status } = answer;
    if (!settings.enabled || !hasContent(status)) {
      if (settings.enabled && status === 304 && !this.#isLeftAlone(settings, answer, '', route)) {
        this.#vary(settings, answer, route);
        describeUnchanged(answer, settings.entityTags);
      }
      send(null, body, 0);
      return;
    }
    const declared = answer.header('content-length');
    const length = declared === undefined ? null : Number(declared);
    const contentType = String(answer.header('content-type') ?? '');
    const kind = mediaTypeKind(contentType);
    if (body === null && length === null) {
      // HEAD of what flows: what GET would answer is not known, but what it depends on.
      const isVaried = answer.method === 'HEAD' && !this.#isLeftAlone(settings, answer, contentType, route);
      if (isVaried && this.#whyNot(answer, kind) === null) this.#vary(settings, answer, route);
      send(null, body, 0);
      return;
    }
    // Of a text at least: to count its bytes takes longer than to write them.
    const size = typeof body === 'string' ? body.length : body instanceof Uint8Array ? body.byteLength : length;
    const sendPlain = (reason: UncodedReason, codingMs = 0): void => {
      const bytes = typeof body === 'string' ? Buffer.byteLength(body) : (size ?? 0);
      this.#count(route, reason, bytes, bytes, 0, null);
      send(null, body, codingMs);
    };
    if (this.#isLeftAlone(settings, answer, contentType, route)) {
      sendPlain('excluded');
      return;
    }
    const why = this.#whyNot(answer, kind);
    if (why !== null) {
      // The whole of it depends on it, and a part says what the whole does (RFC 9110, section 15.3.7).
      if (why === 'partial' && kind !== 'not') this.#vary(settings, answer, route);
      sendPlain(why);
      return;
    }
    if (size !== null && size < settings.minBytes && (typeof body !== 'string' || isShort(body, settings.minBytes))) {
      sendPlain('too-small');
      return;
    }
    const { isSecret, isPublic } = this.#vary(settings, answer, route);
    const accepted = this.#reader.read(answer.requestHeader('accept-encoding'));
    if (accepted.best.length === 0) {
      if (accepted.identity || !settings.refuseUnacceptable) sendPlain('client-cannot');
      else {
        // Nobody reads it, and it may hold a file open.
        if (isStream(body)) body.destroy();
        send(null, refuseUnacceptable(answer), 0);
      }
      return;
    }
    if (body instanceof Uint8Array && kind === 'unknown' && (beginsEncoded(body) || looksLikeNoise(body))) {
      sendPlain('incompressible');
      return;
    }
    const coding: Coding = { answer, route, accepted, send, sendPlain, isSecret, isPublic };
    if (typeof body === 'string' || body instanceof Uint8Array) this.#codeBody(coding, body);
    else if (body === null) this.#describeHead(coding, size ?? 0);
    // What flows goes as it comes, and its length with it.
    else if (isSecret) sendPlain('secrets');
    else if (kind === 'events') this.#codeStream(coding, body, nothingHeld, true);
    else {
      readHead(body, (error, head) => {
        if (error !== null) send(error, null, 0);
        else if (!head.ended) this.#codeHeadAndRest(coding, body, kind, head);
        else {
          route.learnStream(head.byteLength);
          answer.removeHeader('content-length');
          this.answer(answer, Buffer.concat(head.chunks, head.byteLength), route, send);
        }
      });
    }
  }

  #whyNot(answer: Answer, kind: MediaTypeKind): UncodedReason | null {
    return DIGESTS.some((name) => answer.header(name) !== undefined) ? 'no-transform' : whyNotCoded(answer, kind);
  }

  /** Says what the answer depends on, also on one that goes as it is: which of the two it is depends on the request. */
  #vary(
    { dictionaryBytes }: Settings['compression'],
    answer: Answer,
    { options }: RouteCompression,
  ): Pick<Coding, 'isSecret' | 'isPublic'> {
    answer.setHeader('vary', varyBy(answer.header('vary'), 'accept-encoding'));
    const isSecret = options.secrets === true || this.#isPaddedPath(answer.path);
    const isPublic = options.dictionary === 'public' && !isSecret && dictionaryBytes > 0 && !isPersonal(answer);
    if (isPublic) answer.setHeader('vary', varyBy(answer.header('vary'), 'available-dictionary'));
    return { isSecret, isPublic };
  }

  #codeHeadAndRest(coding: Coding, body: Readable, kind: MediaTypeKind, head: StreamHead): void {
    const { minBytes } = this.#settings;
    const expected = coding.route.streamBytes;
    if (kind === 'unknown' && head.chunks.some((chunk) => beginsEncoded(chunk) || looksLikeNoise(chunk))) {
      this.#sendPlainStream(coding, 'incompressible', body, head);
    } else if (expected !== null && expected < minBytes && head.byteLength < minBytes) {
      this.#sendPlainStream(coding, 'too-small', body, head);
    } else this.#codeStream(coding, body, head, false);
  }

  #codeBody(coding: Coding, body: string | Uint8Array): void {
    const { answer, route, send, sendPlain, isPublic } = coding;
    const { budgetMs, maxConcurrent, cacheBytes, padReflections, paddingBytes, entityTags } = this.#settings;
    const startedAtMs = performance.now();
    const bytes = this.#encoders.bytesOf(body);
    const size = bytes.byteLength;
    if (isPublic && this.#codeByDictionary(coding, bytes, startedAtMs)) return;
    const isSecret =
      coding.isSecret ||
      (!isPublic && padReflections && answer.query !== '' && reflectsBesideSecret(bytes, answer.query));
    const accepted = isSecret ? withPadding(coding.accepted) : coding.accepted;
    if (accepted.best.length === 0) {
      sendPlain('secrets');
      return;
    }
    const level = this.#choose(route, accepted, size);
    if (level === null) {
      sendPlain('does-not-pay');
      return;
    }
    const sendCoded = (made: Uint8Array, outcome: string, cpuMs: number, addedMs: number): void => {
      const coded = isSecret ? padded(level.coding, made, paddingBytes) : made;
      this.#count(route, outcome, size, coded.byteLength, cpuMs, addedMs);
      const sent = describeCoded(answer, level.coding, coded.byteLength, entityTags) ? coded : null;
      send(null, sent, addedMs);
    };
    const isKept = cacheBytes > 0 && !isSecret;
    const cached = isKept ? this.#cache.find(level, bytes) : null;
    if (isKept) this.#policy.looked(route.costs, size, cached !== null);
    if (cached !== null) {
      const addedMs = performance.now() - startedAtMs;
      sendCoded(cached, level.cachedName, addedMs, addedMs);
      return;
    }
    const cpuMs = this.#policy.predictNs(route.costs, level, size) / 1e6;
    const finish = (coded: Uint8Array, from: Uint8Array, measured: boolean): void => {
      const addedMs = performance.now() - startedAtMs;
      this.#policy.learn(route.costs, level, size, coded.byteLength, measured ? addedMs * 1e6 : null);
      if (coded.byteLength >= size) {
        sendPlain('incompressible', addedMs);
        return;
      }
      if (isKept) this.#cache.offer(level, from, coded, cacheBytes);
      sendCoded(coded, level.name, measured ? addedMs : cpuMs, addedMs);
    };
    if (cpuMs <= budgetMs) {
      let coded: Uint8Array;
      try {
        coded = this.#encoders.encodeSync(level, bytes);
      } catch {
        sendPlain('failed');
        return;
      }
      finish(coded, bytes, true);
      return;
    }
    if (this.#concurrent >= maxConcurrent) {
      sendPlain('too-busy');
      return;
    }
    this.#concurrent++;
    const kept = this.#encoders.keep(bytes);
    void this.#encoders
      .encode(level, kept)
      .finally(() => {
        this.#concurrent--;
      })
      .then(
        (coded) => finish(coded, kept, false),
        () => sendPlain('failed'),
      )
      // What the framework makes of its answer by now is its own: nothing here may end the process.
      .catch(() => {});
  }

  /** As what is new since an answer that the client has; and makes this one such an answer, where it has none. False: not so. */
  #codeByDictionary({ answer, route, accepted, send }: Coding, bytes: Uint8Array, startedAtMs: number): boolean {
    if (answer.method !== 'GET' || answer.status !== 200 || !mayReadDelta(answer)) return false;
    const { dictionaryBytes, entityTags } = this.#settings;
    const known = this.#dictionaryOf(answer, route, accepted, startedAtMs);
    const coded = known === null ? null : this.#dictionaries.encode(known, bytes);
    if (
      (coded === null || this.#dictionaries.isStale(bytes.byteLength, coded.byteLength)) &&
      mayBeKept(answer.header('cache-control')) &&
      this.#dictionaries.offer(route, answer.path, bytes, startedAtMs, dictionaryBytes)
    ) {
      answer.setHeader('use-as-dictionary', useAsDictionary(answer.path));
    }
    if (coded === null || coded.byteLength >= bytes.byteLength) return false;
    const addedMs = performance.now() - startedAtMs;
    this.#count(route, DICTIONARY_OUTCOME, bytes.byteLength, coded.byteLength, addedMs, addedMs);
    const sent = describeCoded(answer, 'dcz', coded.byteLength, entityTags) ? coded : null;
    send(null, sent, addedMs);
    return true;
  }

  #dictionaryOf(
    answer: Answer,
    route: RouteCompression,
    accepted: AcceptedCodings,
    nowMs: number,
  ): ReturnType<Dictionaries['find']> {
    if (!accepted.dictionary) return null;
    return this.#dictionaries.find(route, answer.requestHeader('available-dictionary'), nowMs);
  }

  #codeStream({ answer, route, accepted, send }: Coding, body: Readable, head: StreamHead, events: boolean): void {
    const coding = { answer, route, send };
    if (this.#streams >= this.#settings.maxStreams) {
      this.#sendPlainStream(coding, 'too-busy', body, head);
      return;
    }
    const size = Math.max(route.streamBytes ?? UNKNOWN_STREAM_BYTES, head.byteLength, 1);
    const level = this.#choose(route, accepted, size);
    if (level === null) {
      this.#sendPlainStream(coding, 'does-not-pay', body, head);
      return;
    }
    describeCoded(answer, level.coding, null, this.#settings.entityTags);
    this.#streams++;
    const coded = codeStream(body, head, level, events, ({ bytesIn, bytesOut }) => {
      this.#streams--;
      if (!events) {
        route.learnStream(bytesIn);
        this.#policy.learn(route.costs, level, bytesIn, bytesOut, null);
      }
      this.#count(
        route,
        level.name,
        bytesIn,
        bytesOut,
        this.#policy.predictNs(route.costs, level, bytesIn) / 1e6,
        null,
      );
    });
    send(null, coded, 0);
  }

  #sendPlainStream(
    { answer, route, send }: Pick<Coding, 'answer' | 'route' | 'send'>,
    reason: UncodedReason,
    body: Readable,
    head: StreamHead,
  ): void {
    const bytes = Number(answer.header('content-length') ?? head.byteLength);
    this.#count(route, reason, bytes, bytes, 0, null);
    send(null, head.chunks.length === 0 ? body : plainStream(body, head), 0);
  }

  /** What GET would answer, without making it (RFC 9110, section 9.3.2): its length is not known then. */
  #describeHead({ answer, route, accepted, send, isSecret, isPublic }: Coding, size: number): void {
    const { entityTags } = this.#settings;
    const isKnown =
      isPublic && mayReadDelta(answer) && this.#dictionaryOf(answer, route, accepted, performance.now()) !== null;
    const level = this.#choose(route, isSecret ? withPadding(accepted) : accepted, size);
    const coding = isKnown && answer.status === 200 ? 'dcz' : level?.coding;
    if (coding !== undefined) describeCoded(answer, coding, null, entityTags);
    send(null, null, 0);
  }

  #choose(route: RouteCompression, { best }: AcceptedCodings, size: number): CodingLevel | null {
    const { effort } = this.#settings;
    const byteValueNs = effort === 'adaptive' ? this.#strain.byteValueNs : effortNs[effort];
    return this.#policy.choose(route.costs, size, best, byteValueNs);
  }

  #isLeftAlone(
    settings: Settings['compression'],
    { path }: Answer,
    contentType: string,
    route: RouteCompression,
  ): boolean {
    if (this.#excludedFor !== settings) {
      this.#excludedFor = settings;
      this.#cache.limit(settings.cacheBytes);
      this.#dictionaries.limit(settings.dictionaryBytes);
      this.#isPaddedPath = globTest(settings.paddedPaths);
      this.#isExcludedPath = globTest(settings.excludedPaths);
      this.#isExcludedType = globTest(settings.excludedTypes);
    }
    return (
      route.options.compress === false ||
      this.#isExcludedPath(path) ||
      (settings.excludedTypes.length > 0 && this.#isExcludedType(essence(contentType)))
    );
  }

  #count(
    route: RouteCompression,
    outcome: string,
    bytesIn: number,
    bytesOut: number,
    cpuMs: number,
    addedMs: number | null,
  ): void {
    if (route.name === null) return;
    this.#options.recorder.sent(route.seriesKey(outcome), bytesIn, bytesOut, cpuMs, addedMs);
  }
}

/** Routes of one name may say different things of their answers: by host, by version, by request. */
function routeKey(name: string, { compress, dictionary, secrets }: RouteCompressionOptions): string {
  if (compress !== false && dictionary === undefined && secrets !== true) return name;
  return [name, compress === false, dictionary, secrets === true].join('\n');
}

function isStream(body: Body): body is Readable {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array);
}

/** Whether a text has fewer bytes; it has fewer letters. */
function isShort(text: string, bytes: number): boolean {
  return text.length * 3 < bytes || Buffer.byteLength(text) < bytes;
}

interface Coding {
  readonly answer: Answer;
  readonly route: RouteCompression;
  readonly accepted: AcceptedCodings;
  readonly send: Send;
  readonly sendPlain: (reason: UncodedReason, codingMs?: number) => void;
  /** Its length is hidden. */
  readonly isSecret: boolean;
  /** It may be a dictionary, and be coded by one. */
  readonly isPublic: boolean;
}

const nothingHeld: StreamHead = { chunks: [], byteLength: 0, ended: false };
