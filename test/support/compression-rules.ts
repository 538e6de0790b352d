/**
 * What a compressing server has to do, rule by rule, as the RFCs have it or because anything else harms: asked over HTTP, so
 * that any server can be. The contract test holds ours to it; bench/compress prints it for peers.
 */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync, gzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/** What a route of the server under test answers, whatever framework serves it. */
export interface RuledAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | Readable | null;
}

const rows = Array.from({ length: 300 }, (_, id) => ({ id, title: `Task number ${id}`, done: id % 3 === 0 }));
const text = JSON.stringify(rows);
const json = { 'content-type': 'application/json' };
const noise = Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * i * 31 + ((i * 7_919) % 253)) & 255));
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), noise]);

/** How many endless bodies are being read now. */
let open = 0;

/** The routes under test, by path; `ifMatch` is what the request's If-Match said when the route saw it. */
export function ruledAnswer(path: string, ifMatch: string | undefined): RuledAnswer {
  const ok = (headers: Readonly<Record<string, string>>, body: RuledAnswer['body']): RuledAnswer => ({
    status: 200,
    headers,
    body,
  });
  switch (path) {
    case '/json':
      return ok(json, text);
    case '/problem':
      return { status: 404, headers: { 'content-type': 'application/problem+json' }, body: text };
    case '/tagged':
      return ok({ ...json, etag: '"v1"' }, text);
    case '/match':
      return ifMatch === '"v1"' ? ok({ 'content-type': 'text/plain' }, 'kept') : { status: 412, headers: {}, body: '' };
    case '/no-transform':
      return ok({ ...json, 'cache-control': 'public, no-transform' }, text);
    case '/digest':
      return ok({ ...json, 'content-digest': 'sha-256=:abc=:' }, text);
    case '/part':
      return { status: 206, headers: { ...json, 'content-range': 'bytes 0-999/5000' }, body: text.slice(0, 2_000) };
    case '/coded':
      return ok({ ...json, 'content-encoding': 'gzip' }, gzipSync(text));
    case '/none':
      return { status: 204, headers: {}, body: null };
    case '/small':
      return ok(json, '{"a":1}');
    case '/png':
      return ok({ 'content-type': 'image/png' }, png);
    case '/octets':
      return ok({ 'content-type': 'application/octet-stream' }, png);
    case '/noise':
      return ok({ 'content-type': 'text/plain' }, noise);
    case '/tiny-chunks':
      return ok(
        { 'content-type': 'text/plain' },
        Readable.from(['seven b', 'ytes 12', 'and end'].map((one) => Buffer.from(one))),
      );
    case '/chunks':
      return ok(json, Readable.from(text.match(/.{1,1000}/g)?.map((one) => Buffer.from(one)) ?? []));
    case '/events':
      return ok({ 'content-type': 'text/event-stream' }, endless('data: 1\n\n', 60_000));
    case '/endless':
      return ok({ 'content-type': 'text/plain' }, endless('a line of text that goes on and on\n'.repeat(500), 5));
    default:
      return { status: 404, headers: {}, body: '' };
  }
}

function endless(chunk: string, everyMs: number): Readable {
  open++;
  let timer: NodeJS.Timeout | undefined;
  let first = true;
  return new Readable({
    read() {
      timer = setTimeout(() => this.push(Buffer.from(chunk)), first ? 0 : everyMs);
      first = false;
    },
    destroy(error, done) {
      clearTimeout(timer);
      open--;
      done(error);
    },
  });
}

/** An answer as it came. */
interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A rule; `check` says what is wrong, or null. */
export interface CompressionRule {
  readonly name: string;
  readonly check: (port: number) => Promise<string | null>;
}

const decoders: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
  deflate: inflateSync,
};

async function ask(port: number, path: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): Promise<Received> {
  const sent = request({ port, host: '127.0.0.1', path, method, headers, agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // Node's own event
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer); // no encoding is set
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
}

const codingOf = ({ headers }: Received): string => headers['content-encoding'] ?? 'none';

/** The answer to /json under this Accept-Encoding has one of these codings, and decodes. */
function negotiated(header: string, ...allowed: readonly string[]): CompressionRule {
  return {
    name: `Accept-Encoding: ${header}`,
    check: async (port) => {
      const answer = await ask(port, '/json', { 'accept-encoding': header });
      const coding = codingOf(answer);
      if (!allowed.includes(coding)) return `came as ${coding}`;
      const decode = decoders[coding];
      const body = decode === undefined ? answer.body : decode(answer.body);
      return answer.status === 406 || body.toString() === text ? null : 'does not decode to what was sent';
    },
  };
}

/** The answer is the same with gzip accepted as without. */
function untouched(name: string, path: string): CompressionRule {
  return {
    name,
    check: async (port) => {
      const plain = await ask(port, path, { 'accept-encoding': 'identity' });
      const offered = await ask(port, path, { 'accept-encoding': 'gzip, br, zstd' });
      if (codingOf(offered) !== codingOf(plain)) return `came as ${codingOf(offered)}`;
      return offered.body.equals(plain.body) ? null : 'its body was changed';
    },
  };
}

const gzip = { 'accept-encoding': 'gzip' };

export const compressionRules: readonly CompressionRule[] = [
  negotiated('gzip', 'gzip'),
  negotiated('br', 'br'),
  negotiated('zstd', 'zstd'),
  negotiated('GZIP;Q=1.0', 'gzip'),
  negotiated('x-gzip', 'gzip', 'x-gzip'),
  negotiated('gzip;q=0', 'none'),
  negotiated('*;q=0', 'none'),
  negotiated('gzip;q=0, *', 'br', 'zstd', 'deflate', 'none'),
  negotiated('identity;q=0, gzip', 'gzip'),
  negotiated('identity;q=0', 'none'),
  negotiated('br;q=0.2, gzip;q=0.8', 'gzip'),
  negotiated('identity;q=1, gzip;q=0.5', 'none'),
  negotiated('gzip;q=nonsense, br;q=0.001', 'br'),
  {
    name: 'no Accept-Encoding: as it is',
    check: async (port) => {
      const coding = codingOf(await ask(port, '/json'));
      return coding === 'none' ? null : `came as ${coding}`;
    },
  },
  {
    name: 'Vary on the coded answer',
    check: async (port) => varyTrouble(await ask(port, '/json', gzip)),
  },
  {
    name: 'Vary on the same answer as it is',
    check: async (port) => varyTrouble(await ask(port, '/json')),
  },
  {
    name: 'a coded answer does not keep its strong tag',
    check: async (port) => {
      const answer = await ask(port, '/tagged', gzip);
      return codingOf(answer) === 'gzip' && answer.headers.etag === '"v1"' ? 'ETag "v1" on both' : null;
    },
  },
  {
    name: 'If-None-Match with the coded tag: 304',
    check: async (port) => {
      const { etag = '' } = (await ask(port, '/tagged', gzip)).headers;
      const { status } = await ask(port, '/tagged', { ...gzip, 'if-none-match': etag });
      return status === 304 ? null : `${status} for ${etag}`;
    },
  },
  {
    name: 'If-Match with the coded tag reaches the route',
    check: async (port) => {
      const { etag = '' } = (await ask(port, '/tagged', gzip)).headers;
      const { status } = await ask(port, '/match', { ...gzip, 'if-match': etag });
      return status === 200 ? null : `${status} for ${etag}`;
    },
  },
  untouched('no-transform', '/no-transform'),
  untouched('a digest of the content', '/digest'),
  untouched('206 and Content-Range', '/part'),
  untouched('coded by the route', '/coded'),
  untouched('204', '/none'),
  untouched('smaller than a packet', '/small'),
  untouched('image/png', '/png'),
  untouched('a PNG called application/octet-stream', '/octets'),
  {
    name: '+json is JSON',
    check: async (port) => {
      const coding = codingOf(await ask(port, '/problem', gzip));
      return coding === 'gzip' ? null : `came as ${coding}`;
    },
  },
  {
    name: 'what does not become smaller is not made larger',
    check: async (port) => {
      const { body } = await ask(port, '/noise', gzip);
      return body.byteLength <= noise.byteLength ? null : `${body.byteLength} bytes of ${noise.byteLength}`;
    },
  },
  {
    name: 'a stream of 21 bytes is not made larger',
    check: async (port) => {
      const { body } = await ask(port, '/tiny-chunks', gzip);
      return body.byteLength <= 21 ? null : `${body.byteLength} bytes of 21`;
    },
  },
  {
    name: 'a stream decodes',
    check: async (port) => {
      const answer = await ask(port, '/chunks', gzip);
      if (codingOf(answer) !== 'gzip') return `came as ${codingOf(answer)}`;
      return gunzipSync(answer.body).toString() === text ? null : 'not to what was sent';
    },
  },
  {
    name: 'Content-Length, where there is one, is that of the coded body',
    check: async (port) => {
      const { headers, body } = await ask(port, '/json', gzip);
      const length = headers['content-length'];
      return length === undefined || Number(length) === body.byteLength ? null : `${length}, but ${body.byteLength}`;
    },
  },
  {
    name: 'HEAD says what GET does',
    check: async (port) => {
      const get = await ask(port, '/json', gzip);
      const head = await ask(port, '/json', gzip, 'HEAD');
      if (codingOf(head) !== codingOf(get)) return `HEAD ${codingOf(head)}, GET ${codingOf(get)}`;
      const { 'content-length': length } = head.headers;
      if (length !== undefined && Number(length) === text.length) return 'the length of the answer as it is';
      return varyTrouble(head);
    },
  },
  {
    name: 'the first server-sent event comes at once',
    check: async (port) => {
      const sent = request({ port, host: '127.0.0.1', path: '/events', headers: gzip, agent: false });
      sent.on('error', () => {});
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // Node's own event
      const first = await Promise.race([once(answer, 'data'), sleep(1_000, null, { ref: false })]);
      answer.on('error', () => {});
      sent.destroy();
      return first === null ? 'not within a second' : null;
    },
  },
  {
    name: 'a client that goes away ends the body',
    check: async (port) => {
      for (let i = 0; open > 0 && i < 200; i++) await sleep(10);
      const sent = request({ port, host: '127.0.0.1', path: '/endless', headers: gzip, agent: false });
      sent.on('error', () => {});
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // Node's own event
      answer.on('error', () => {});
      await once(answer, 'data');
      sent.destroy();
      for (let i = 0; open > 0 && i < 200; i++) await sleep(10);
      return open === 0 ? null : 'it went on for two seconds';
    },
  },
];

function varyTrouble({ headers }: Received): string | null {
  return /(^|,)\s*(accept-encoding|\*)\s*(,|$)/i.test(headers.vary ?? '') ? null : `Vary: ${headers.vary ?? 'none'}`;
}
