import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Http1Parser, ProtocolError } from './http1-parser.ts';

interface Seen {
  status: number;
  body: string;
  bodyBytes: number;
  closes: boolean;
  setCookies: readonly string[];
  keepAliveMs: number;
  header: (name: string) => string | undefined;
}

/** Feeds a response in pieces, as a socket whose one buffer is overwritten by every read. */
function read(wire: string, cuts: readonly number[], wanted: { isHead?: boolean; ends?: boolean } = {}): Seen[] {
  const seen: Seen[] = [];
  const parser: Http1Parser = new Http1Parser({
    onResponse: () => {
      const headers = new Map(['content-type', 'x-a', 'location'].map((name) => [name, parser.header(name)]));
      seen.push({
        status: parser.status,
        body: parser.body().toString(),
        bodyBytes: parser.bodyBytes,
        closes: parser.closes,
        setCookies: parser.setCookies,
        keepAliveMs: parser.keepAliveMs,
        header: (name) => headers.get(name),
      });
    },
  });
  parser.expect({ isHead: wanted.isHead ?? false, headers: true, body: true });
  const bytes = Buffer.from(wire, 'latin1');
  const buffer = Buffer.alloc(64 * 1024);
  const bounds = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const bound of [...bounds, bytes.length]) {
    if (bound === at) continue;
    buffer.fill(0x2a);
    bytes.copy(buffer, 0, at, bound);
    parser.feed(buffer, bound - at);
    at = bound;
  }
  if (wanted.ends === true) parser.end();
  return seen;
}

const anyCuts = fc.array(fc.nat(), { maxLength: 40 });

test('however a response is cut, it reads the same', () => {
  const chunked =
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nSet-Cookie: a=1; Path=/\r\nTransfer-Encoding: chunked\r\nset-cookie: b=2\r\nX-A:  spaced \r\nKeep-Alive: timeout=7, max=9\r\n\r\n' +
    '4\r\nWiki\r\n6;name=value\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nTrailer: x\r\n\r\n';
  const sized = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello\r\nyou!';
  fc.assert(
    fc.property(anyCuts, (cuts) => {
      const [first, ...none] = read(chunked, cuts);
      assert.equal(none.length, 0);
      assert.equal(first?.status, 201);
      assert.equal(first.body, 'Wikipedia in \r\n\r\nchunks.');
      assert.deepEqual(first.setCookies, ['a=1; Path=/', 'b=2']);
      assert.equal(first.header('x-a'), 'spaced');
      assert.equal(first.keepAliveMs, 7000);
      assert.equal(first.closes, false);
      const [second] = read(sized, cuts);
      assert.equal(second?.body, 'hello\r\nyou!');
      assert.equal(second.bodyBytes, 11);
      assert.equal(second.header('content-type'), 'text/plain');
    }),
    { numRuns: 500 },
  );
});

test('any body comes through, by length, in chunks or until the end', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      anyCuts,
      fc.array(fc.integer({ min: 1, max: 50 })),
      (body, cuts, sizes) => {
        const text = Buffer.from(body).toString('latin1');
        let at = 0;
        let pieces = '';
        for (const size of [...sizes, text.length]) {
          const piece = text.slice(at, at + size);
          at += size;
          if (piece !== '') pieces += `${piece.length.toString(16)}\r\n${piece}\r\n`;
        }
        const expected = Buffer.from(body).toString();
        const head = 'HTTP/1.1 200 OK\r\n';
        assert.equal(read(`${head}content-length: ${text.length}\r\n\r\n${text}`, cuts)[0]?.body, expected);
        assert.equal(read(`${head}transfer-encoding: chunked\r\n\r\n${pieces}0\r\n\r\n`, cuts)[0]?.body, expected);
        const untilEnd = read(`${head}\r\n${text}`, cuts, { ends: true })[0];
        assert.equal(untilEnd?.body, expected);
        assert.equal(untilEnd.closes, true);
      },
    ),
  );
});

test('noise is refused or not yet a response, never a crash', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), anyCuts, (noise, cuts) => {
      try {
        read(`HTTP/1.1 200 OK\r\n${noise}\r\n\r\n${noise}`, cuts);
        read(noise, cuts);
      } catch (thrown) {
        assert.ok(thrown instanceof ProtocolError, String(thrown));
      }
    }),
    { numRuns: 1000 },
  );
});

test('no body follows HEAD, 204 and 304, whatever the headers say', () => {
  assert.equal(read('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', [], { isHead: true }).length, 1);
  assert.equal(read('HTTP/1.1 204 No Content\r\n\r\n', []).length, 1);
  assert.equal(read('HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', []).length, 1);
});

test('the connection is known to end', () => {
  const closes = (head: string): boolean | undefined => read(`${head}content-length: 0\r\n\r\n`, [])[0]?.closes;
  assert.equal(closes('HTTP/1.1 200 OK\r\n'), false);
  assert.equal(closes('HTTP/1.1 200 OK\r\nConnection: close\r\n'), true);
  assert.equal(closes('HTTP/1.0 200 OK\r\n'), true);
  assert.equal(closes('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n'), false);
  assert.equal(read('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200', [])[0]?.closes, true, 'bytes too many');
});

test('what contradicts itself is refused', () => {
  for (const head of [
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 9\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`,
  ]) {
    assert.throws(() => read(head, [30_000]), ProtocolError, head.slice(0, 60));
  }
});
