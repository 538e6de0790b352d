import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { LiveSettings } from '../config/live-settings.ts';
import type { SettingValues } from '../contract/configuration.ts';
import { systemClock } from '../kernel/clock.ts';
import { LoopDelay } from '../track/loop-delay.ts';
import type { Answer } from './answer-head.ts';
import type { HeaderValue } from './answer-rules.ts';
import { type Body, Compressor } from './compressor.ts';
import type { RouteCompressionOptions } from './route-compression.ts';

/** An answer that nobody sends. */
class HeldAnswer implements Answer {
  readonly method = 'GET';
  readonly path: string;
  readonly query: string;
  readonly headers: Map<string, string>;
  readonly #asked: Readonly<Record<string, string>>;
  status = 200;

  constructor(asked: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>, path: string) {
    this.#asked = asked;
    this.headers = new Map(Object.entries(headers));
    const [before = '', query = ''] = path.split('?');
    this.path = before;
    this.query = query;
  }

  header(name: string): HeaderValue {
    return this.headers.get(name);
  }

  requestHeader(name: string): string | undefined {
    return this.#asked[name];
  }

  setStatus(status: number): void {
    this.status = status;
  }

  setHeader(name: string, value: string): void {
    this.headers.set(name, value);
  }

  removeHeader(name: string): void {
    this.headers.delete(name);
  }
}

interface Sent {
  readonly answer: HeldAnswer;
  readonly body: Buffer;
  readonly outcome: string;
}

interface Asked {
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly request?: Readonly<Record<string, string>>;
}

const settings = new LiveSettings();
const loopDelay = new LoopDelay(systemClock);
const outcomes: string[] = [];
const recorder = { sent: (series: string): void => void outcomes.push(series.split(' ')[0] ?? '') };

async function send(compressor: Compressor, body: Body, asked: Asked = {}): Promise<Sent> {
  const { accept = 'gzip', headers = { 'content-type': 'application/json' }, path = '/', request = {} } = asked;
  const answer = new HeldAnswer({ 'accept-encoding': accept, ...request }, headers, path);
  const before = outcomes.length;
  const sent = await new Promise<Body>((resolve, reject) => {
    compressor.answer(answer, body, compressor.route('GET /'), (error, out) => {
      if (error === null) resolve(out);
      else reject(error);
    });
  });
  const chunks: Buffer[] = [];
  if (sent instanceof Readable) {
    for await (const chunk of sent) chunks.push(Buffer.from(chunk as string)); // either overload does
    if (!sent.closed) await once(sent, 'close');
  } else if (sent !== null) chunks.push(Buffer.from(sent as string)); // either overload does
  return { answer, body: Buffer.concat(chunks), outcome: outcomes.slice(before).join() };
}

const decoders: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  zstd: zstdDecompressSync,
  br: brotliDecompressSync,
  gzip: gunzipSync,
  deflate: inflateSync,
};
const text = JSON.stringify(Array.from({ length: 300 }, (_, id) => ({ id, title: `Task number ${id}` })));

test('every body comes back byte for byte, whatever its chunks, its type and its coding', async () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  const chunk = fc.oneof(
    fc.string(),
    fc.nat({ max: 3_000 }).map((length) => 'task '.repeat(length)),
    fc.nat({ max: 3_000 }).map((length) => randomBytes(length)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(chunk, { maxLength: 6 }),
      fc.constantFrom('zstd', 'br', 'gzip', 'deflate', '*', 'gzip;q=0'),
      fc.constantFrom('application/json', 'text/event-stream', 'application/octet-stream', 'image/png'),
      fc.constantFrom('text', 'bytes', 'stream'),
      async (chunks, accept, type, form) => {
        const buffers = chunks.map((one) => Buffer.from(one as string)); // either overload does
        const whole = Buffer.concat(buffers);
        const body =
          form === 'stream'
            ? Readable.from(buffers, { objectMode: false })
            : form === 'text'
              ? whole.toString()
              : whole;
        const expected = form === 'text' ? Buffer.from(whole.toString()) : whole;
        const { answer, body: sent } = await send(compressor, body, { accept, headers: { 'content-type': type } });
        const decode = decoders[String(answer.header('content-encoding'))];
        assert.ok((decode === undefined ? sent : decode(sent)).equals(expected));
        const length = answer.header('content-length');
        if (length !== undefined) assert.equal(Number(length), sent.byteLength);
      },
    ),
    { numRuns: 200 },
  );
});

test('each setting of compression changes what becomes of an answer, at once and back again', async () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  const tag = { 'content-type': 'application/json', etag: '"a"' };
  const stream = (): Readable => Readable.from([Buffer.from(text), Buffer.alloc(70_000, 'x')]);
  const cases: (readonly [SettingValues, () => Promise<unknown>, unknown])[] = [
    [{ 'compression.enabled': false }, async () => (await send(compressor, text)).outcome, ''],
    [{ 'compression.minBytes': 100_000 }, async () => (await send(compressor, text)).outcome, 'too-small'],
    [{ 'compression.excludedPaths': ['/'] }, async () => (await send(compressor, text)).outcome, 'excluded'],
    [{ 'compression.excludedTypes': ['*/json'] }, async () => (await send(compressor, text)).outcome, 'excluded'],
    [
      { 'compression.entityTags': 'suffix' },
      async () => (await send(compressor, text, { headers: tag })).answer.header('etag'),
      '"a;gzip"',
    ],
    [
      { 'compression.refuseUnacceptable': true },
      async () => (await send(compressor, text, { accept: 'identity;q=0' })).answer.status,
      406,
    ],
    [
      { 'compression.budgetMs': 0, 'compression.maxConcurrent': 0, 'compression.cacheBytes': 0 },
      async () => (await send(compressor, text)).outcome,
      'too-busy',
    ],
    [{ 'compression.maxStreams': 0 }, async () => (await send(compressor, stream())).outcome, 'too-busy'],
    [
      { 'compression.effort': 'smallest' },
      async () => (await send(compressor, text, { accept: 'br' })).outcome,
      'br:5',
    ],
  ];
  const secret = `${text}"token"`;
  const guess = async (): Promise<string> =>
    (await send(compressor, secret, { accept: 'br', path: '/?q=Task' })).outcome;
  const publicVary = async (): Promise<HeaderValue> => {
    const answer = new HeldAnswer({ 'accept-encoding': 'gzip' }, { 'content-type': 'application/json' }, '/list');
    compressor.answer(answer, text, compressor.route('GET /list', { dictionary: 'public' }), () => {});
    return answer.header('vary');
  };
  const isPaddedFar = async (): Promise<boolean> => {
    const lengths: number[] = [];
    for (let i = 0; i < 20; i++) {
      const { body } = await send(compressor, `${secret}${i}`, { path: '/?q=Task' });
      lengths.push(body.byteLength);
    }
    return Math.max(...lengths) - Math.min(...lengths) > 300;
  };
  cases.push(
    [
      { 'compression.paddedPaths': ['/'] },
      async () => (await send(compressor, text, { accept: 'br' })).outcome,
      'secrets',
    ],
    [{ 'compression.padReflections': false }, async () => (await guess()).split(':')[0], 'br'],
    [{ 'compression.paddingBytes': 4_096 }, isPaddedFar, true],
    [{ 'compression.dictionaryBytes': 0 }, publicVary, 'accept-encoding'],
  );
  for (const [values, ask, expected] of cases) {
    const name = JSON.stringify(values);
    assert.notDeepEqual(await ask(), expected, name);
    settings.swap(values);
    assert.deepEqual(await ask(), expected, name);
    settings.swap({});
    assert.notDeepEqual(await ask(), expected, name);
  }
  // In another thread it is the same answer.
  settings.swap({ 'compression.budgetMs': 0, 'compression.cacheBytes': 0 });
  const { body, outcome } = await send(compressor, text);
  settings.swap({});
  assert.equal(gunzipSync(body).toString(), text);
  assert.match(outcome, /^gzip:/);
});

test('the same body is compressed once and then sent as it was kept, in either form, unless nothing may be kept', async () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  const sent: Sent[] = [];
  for (const body of [text, text, text, Buffer.from(text)]) sent.push(await send(compressor, body));
  assert.deepEqual(
    sent.map(({ outcome }) => outcome.split(':')[2] ?? 'made'),
    ['made', 'made', 'cached', 'cached'],
  );
  for (const { answer, body } of sent) {
    assert.equal(gunzipSync(body).toString(), text);
    assert.equal(Number(answer.header('content-length')), body.byteLength);
  }
  settings.swap({ 'compression.cacheBytes': 0 });
  assert.equal((await send(compressor, text)).outcome.split(':')[2], undefined);
  settings.swap({});
});

test('an answer that must hide its length is padded, however it is declared, and is never kept nor streamed in another coding', async () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  const route = compressor.route('GET /secret', { secrets: true, dictionary: 'public' });
  const ask = (body: Body, accept: string): Promise<readonly [HeldAnswer, Body]> =>
    new Promise((resolve) => {
      const answer = new HeldAnswer({ 'accept-encoding': accept }, { 'content-type': 'text/html' }, '/secret');
      compressor.answer(answer, body, route, (_, sent) => resolve([answer, sent]));
    });
  const before = outcomes.length;
  for (let i = 0; i < 3; i++) {
    const [answer, sent] = await ask(text, 'gzip, br, zstd;q=0.5');
    assert.ok(sent instanceof Uint8Array);
    assert.equal(answer.header('content-encoding'), 'gzip');
    assert.equal(answer.header('vary'), 'accept-encoding');
    assert.equal(gunzipSync(sent).toString(), text);
    // FEXTRA (RFC 1952): there is a place for it, whatever its length.
    assert.equal(sent[3], 4);
  }
  assert.equal((await ask(text, 'br'))[1], text);
  const [streamed] = await ask(Readable.from([Buffer.from(text)]), 'gzip');
  assert.equal(streamed.header('content-encoding'), undefined);
  assert.deepEqual(
    outcomes.slice(before).map((outcome) => outcome.split(':')[2] ?? outcome.split(':')[0]),
    ['gzip', 'gzip', 'gzip', 'secrets', 'secrets'],
  );
});

test('an answer that is the same for everybody is offered as a dictionary, and the next is what is new since', async () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  const route = compressor.route('GET /list', { dictionary: 'public' });
  const ask = (
    body: string,
    request: Readonly<Record<string, string>>,
    caching: string,
  ): readonly [HeldAnswer, Body] => {
    const headers = { 'content-type': 'application/json', 'cache-control': caching, etag: '"a"' };
    const answer = new HeldAnswer({ 'accept-encoding': 'gzip, zstd', ...request }, headers, '/list?page=1');
    let sent: Body = null;
    compressor.answer(answer, body, route, (_, coded) => {
      sent = coded;
    });
    return [answer, sent];
  };
  assert.equal(ask(text, {}, 'no-store')[0].header('use-as-dictionary'), undefined);
  assert.equal(ask(text, {}, 'max-age=60')[0].header('use-as-dictionary'), 'match="/list"');
  const has = `:${createHash('sha256').update(text).digest('base64')}:`;
  const dictionary = { 'available-dictionary': has, 'accept-encoding': 'gzip, zstd, dcz' };
  const [answer, sent] = ask(`${text} `, dictionary, 'max-age=60');
  assert.ok(sent !== null && typeof sent === 'object' && 'byteLength' in sent);
  assert.deepEqual(
    ['content-encoding', 'vary', 'use-as-dictionary', 'etag'].map((name) => answer.header(name)),
    ['dcz', 'accept-encoding, available-dictionary', undefined, 'W/"a"'],
  );
  assert.ok(sent.byteLength < 100);
  assert.equal(zstdDecompressSync(sent.subarray(40), { dictionary: Buffer.from(text) }).toString(), `${text} `);
  // A client that has it and does not take the coding, or prefers another.
  for (const accept of ['gzip', 'gzip, dcz;q=0.5', 'dcz;q=0, gzip']) {
    assert.equal(ask(text, { ...dictionary, 'accept-encoding': accept }, '')[0].header('content-encoding'), 'gzip');
  }
  // A page of another origin that can't read the answer, and pages that can.
  const isDelta = (mode: string, site = 'cross-site'): boolean => {
    const request = { ...dictionary, 'sec-fetch-site': site, 'sec-fetch-mode': mode, origin: 'https://a.example' };
    return ask(`${text} `, request, '')[0].header('content-encoding') === 'dcz';
  };
  assert.deepEqual(
    [isDelta('no-cors'), isDelta('cors'), isDelta('navigate'), isDelta('no-cors', 'same-origin')],
    [false, false, true, true],
  );
});

test('a client that has the coded answer gets a 304, and a 304 of the route has the tag that was asked about', async () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  const headers = { 'content-type': 'application/json', etag: '"a"' };
  const { answer, body } = await send(compressor, text, { headers, request: { 'if-none-match': 'W/"a"' } });
  assert.deepEqual([answer.status, answer.header('etag'), body.byteLength], [304, 'W/"a"', 0]);
  assert.equal(answer.header('content-encoding'), undefined);
  const unchanged = new HeldAnswer({ 'if-none-match': '"b;zstd", "a;zstd"' }, { etag: '"a"' }, '/');
  unchanged.setStatus(304);
  settings.swap({ 'compression.entityTags': 'suffix' });
  compressor.answer(unchanged, null, compressor.route('GET /'), () => {});
  settings.swap({});
  assert.deepEqual([unchanged.header('etag'), unchanged.header('vary')], ['"a;zstd"', 'accept-encoding']);
  // A cache that keeps the weak tag renews nothing by a strong one; what depends on nothing says so.
  const renewed = (path: string, options: RouteCompressionOptions): HeldAnswer => {
    const weak = new HeldAnswer({ 'if-none-match': 'W/"a"' }, { etag: '"a"' }, path);
    weak.setStatus(304);
    compressor.answer(weak, null, compressor.route('GET /', options), () => {});
    return weak;
  };
  assert.equal(renewed('/', {}).header('etag'), 'W/"a"');
  assert.equal(renewed('/', { dictionary: 'public' }).header('vary'), 'accept-encoding, available-dictionary');
  assert.equal(renewed('/', { compress: false }).header('vary'), undefined);
});

test('routes of one name that say different things of their answers are kept apart, also those over the bound', () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  const isKeptApart = (name: string): void => {
    const plain = compressor.route(name);
    const secret = compressor.route(name, { secrets: true });
    assert.deepEqual([plain.options.secrets, secret.options.secrets], [undefined, true]);
    assert.equal(compressor.route(name, { dictionary: 'public' }).options.dictionary, 'public');
    assert.equal(compressor.route(name, { compress: false }).options.compress, false);
    assert.deepEqual([compressor.route(name), compressor.route(name, { secrets: true })], [plain, secret]);
  };
  isKeptApart('GET');
  for (let i = 0; i < 1_000; i++) compressor.route(`GET /${i}`);
  isKeptApart('GET /one-more');
  assert.equal(compressor.route('GET /one-more'), compressor.route('GET /and-another'));
});

test('a stream that the client can not be sent is not left open', async () => {
  using compressor = new Compressor({ settings, loopDelay, recorder });
  settings.swap({ 'compression.refuseUnacceptable': true });
  const body = Readable.from([Buffer.from(text)]);
  const { answer } = await send(compressor, body, { accept: 'identity;q=0' });
  settings.swap({});
  assert.deepEqual([answer.status, body.destroyed], [406, true]);
});
