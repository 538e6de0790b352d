/**
 * What a compressing server has to do, rule by rule, as the RFCs have it or because anything else harms: asked over HTTP, so
 * that any server can be. The contract test holds ours to it; bench/compress prints it for peers.
 */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
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

/** Longer than the window that a decoder of zstd on the web has to have (RFC 9659). */
const megabytes = text.repeat(Math.ceil((9 * 1024 * 1024) / text.length));

/** How many endless bodies are being read now. */
let open = 0;

/** Reads a request's headers for {@link ruledAnswer}. */
export function headerOf(headers: IncomingHttpHeaders): (name: string) => string | undefined {
  return (name) => headers[name]?.toString();
}

/** The routes under test, by path; `header` says what a header of the request was when the route saw it. */
export function ruledAnswer(path: string, header: (name: string) => string | undefined): RuledAnswer {
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
      return header('if-match') === '"v1"'
        ? ok({ 'content-type': 'text/plain' }, 'kept')
        : { status: 412, headers: {}, body: '' };
    case '/ranged': {
      const ifRange = header('if-range');
      // Koa says '' of what is not there. Looked for in the text, as @fastify/send and send do.
      const isPart =
        (header('range') ?? '') !== '' && (ifRange === undefined || ifRange === '' || ifRange.includes('"v1"'));
      if (!isPart) return ok({ ...json, etag: '"v1"', 'accept-ranges': 'bytes' }, text);
      const part = { ...json, etag: '"v1"', 'content-range': `bytes 0-99/${text.length}` };
      return { status: 206, headers: part, body: text.slice(0, 100) };
    }
    case '/varied':
      return ok({ ...json, vary: 'origin' }, text);
    case '/megabytes':
      return ok({ 'content-type': 'text/plain' }, megabytes);
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
  negotiated('gzip ;\tq=0.5 , br ; q=0', 'gzip'),
  negotiated('deflate', 'deflate', 'none'),
  negotiated('*', 'gzip', 'br', 'zstd', 'deflate', 'none'),
  negotiated('compress, exi', 'none'),
  negotiated('', 'none'),
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
  {
    name: 'that 304 says Vary',
    check: async (port) => {
      const { etag = '' } = (await ask(port, '/tagged', gzip)).headers;
      const answer = await ask(port, '/tagged', { ...gzip, 'if-none-match': etag });
      return answer.status === 304 ? varyTrouble(answer) : `${answer.status} for ${etag}`;
    },
  },
  {
    name: 'If-Range with the coded tag: the whole, for a part of the other bytes would be put into it',
    check: async (port) => {
      const { etag = '' } = (await ask(port, '/ranged', gzip)).headers;
      const { status } = await ask(port, '/ranged', { ...gzip, range: 'bytes=0-99', 'if-range': etag });
      return status === 200 ? null : `${status} for ${etag}`;
    },
  },
  {
    name: 'Vary of the route is kept',
    check: async (port) => {
      const answer = await ask(port, '/varied', gzip);
      return /origin/i.test(answer.headers.vary ?? '') ? varyTrouble(answer) : `Vary: ${answer.headers.vary ?? 'none'}`;
    },
  },
  {
    name: 'Vary on a part, as on the whole',
    check: async (port) => varyTrouble(await ask(port, '/ranged', { ...gzip, range: 'bytes=0-99' })),
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
    name: 'HEAD of a stream says Vary',
    check: async (port) => varyTrouble(await ask(port, '/chunks', gzip, 'HEAD')),
  },
  {
    name: 'zstd asks for a window of 8 MB at most',
    check: async (port) => {
      const { headers, body } = await ask(port, '/megabytes', { 'accept-encoding': 'zstd' });
      if (headers['content-encoding'] !== 'zstd') return null;
      // RFC 8878, section 3.1.1.1: the flag of a single segment, or exponent and mantissa of the window.
      const [flags = 0, window = 0] = body.subarray(4, 6);
      if ((flags & 0x20) !== 0) return 'a single segment of more';
      const bytes = 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
      return bytes <= 8 * 1024 * 1024 ? null : `${bytes} bytes`;
    },
  },
  {
    name: 'HTTP/1.0 is sent no chunks',
    check: async (port) => {
      const raw = await askRaw(port, 'GET /chunks HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n');
      const head = raw.subarray(0, raw.indexOf('\r\n\r\n')).toString('latin1');
      if (/^transfer-encoding:/im.test(head)) return 'Transfer-Encoding';
      const body = raw.subarray(raw.indexOf('\r\n\r\n') + 4);
      const decoded = /^content-encoding: gzip/im.test(head) ? gunzipSync(body) : body;
      return decoded.toString() === text ? null : 'not what was sent';
    },
  },
  {
    name: 'pipelined requests are answered in their order',
    check: async (port) => {
      const one = (coding: string, last = ''): string =>
        `GET /json HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${coding}\r\n${last}\r\n`;
      const raw = await askRaw(port, `${one('br')}${one('identity')}${one('gzip', 'Connection: close\r\n')}`);
      const came = [...raw.toString('latin1').matchAll(/HTTP\/1\.1 200[^]*?\r\n\r\n/g)].map(
        ([head]) => /^content-encoding: (\S+)/im.exec(head)?.[1] ?? 'none',
      );
      return came.join() === 'br,none,gzip' ? null : came.join();
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

/** What comes until the server ends the connection. */
async function askRaw(port: number, asked: string): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  socket.write(asked);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer); // no encoding is set
  return Buffer.concat(chunks);
}

function varyTrouble({ headers }: Received): string | null {
  return /(^|,)\s*(accept-encoding|\*)\s*(,|$)/i.test(headers.vary ?? '') ? null : `Vary: ${headers.vary ?? 'none'}`;
}
