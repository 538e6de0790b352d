import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createSecondServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { compression } from './node-http.ts';

test('an answer that is ended twice, or written to after its end, is sent as it was ended first', async () => {
  // So long that another thread codes it, while the application goes on.
  const body = JSON.stringify(Array.from({ length: 100_000 }, (_, id) => ({ id, title: `Task ${id}` })));
  using compress = compression();
  let written: Error | null | undefined;
  const server = createServer((request, response) => {
    compress(request, response);
    response.setHeader('content-type', 'application/json').end(body);
    response.write('more', (error) => {
      written = error;
    });
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // `as`: it listens on TCP
  const asked = get({ port, host: '127.0.0.1', headers: { 'accept-encoding': 'gzip' }, agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // `as`: Node's own event
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer); // `as`: no encoding is set
  server.close();
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(Buffer.concat(chunks)).toString(), body);
  assert.match(String(written), /has ended/);
});

test('of two middlewares the last one decides, and an answer is coded once', async () => {
  using first = compression();
  using second = compression({ route: ({ url }) => ({ name: 'files', compress: url !== '/raw' }) });
  const body = 'a line of text, and another one; '.repeat(200);
  const server = createServer((request, response) => {
    first(request, response);
    second(request, response);
    response.setHeader('content-type', 'text/plain').end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // `as`: it listens on TCP
  for (const [path, coding] of [
    ['/', 'gzip'],
    ['/raw', undefined],
  ] as const) {
    const asked = get({ port, host: '127.0.0.1', path, headers: { 'accept-encoding': 'gzip' }, agent: false });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // `as`: Node's own event
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer); // `as`: no encoding is set
    assert.equal(answer.headers['content-encoding'], coding);
    const bytes = Buffer.concat(chunks);
    assert.equal((coding === undefined ? bytes : gunzipSync(bytes)).toString(), body);
  }
  server.close();
});

test('who reads nothing is made nothing for, whether the answer is coded or goes as it is', async () => {
  using compress = compression();
  let made = 0;
  // So much of it noise that a chunk of it becomes no longer than one of the codec's.
  const chunk = `${randomBytes(13_000).toString('hex')}${'a'.repeat(100_000)}`;
  const server = createServer((request, response) => {
    compress(request, response);
    response.setHeader('content-type', request.url === '/png' ? 'image/png' : 'text/plain');
    new Readable({
      read() {
        made += chunk.length;
        // What is made for nobody ends some time.
        this.push(made > 1e9 ? null : chunk);
      },
    }).pipe(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // `as`: it listens on TCP
  for (const path of ['/text', '/png']) {
    made = 0;
    const asked = get({ port, host: '127.0.0.1', path, headers: { 'accept-encoding': 'gzip' }, agent: false });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // `as`: Node's own event
    // Still for a while: neither the buffers of the system nor ours take more.
    for (let before = -1; before < made; ) {
      before = made;
      await sleep(200);
    }
    assert.ok(made < 400e6, `${made} bytes were made for ${path}`);
    answer.on('error', () => {});
    answer.destroy();
  }
  server.close();
});

test('over HTTP/2 bodies and streams are coded too, and an end that is told twice is one', async () => {
  using compress = compression();
  const body = 'a line of text, and another one; '.repeat(200);
  const server = createSecondServer((request, response) => {
    // As an application of node:http that serves both.
    compress(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    response.setHeader('content-type', 'text/plain');
    if (request.url === '/stream') {
      response.write(body);
      response.end(body);
      response.write('more', () => {});
      response.end('more');
    } else response.end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // `as`: it listens on TCP
  const session = connect(`http://127.0.0.1:${port}`);
  for (const [path, expected] of [
    ['/', body],
    ['/stream', body + body],
  ] as const) {
    const asked = session.request({ ':path': path, 'accept-encoding': 'gzip' });
    const [headers] = (await once(asked, 'response')) as [Record<string, string>]; // `as`: Node's own event
    assert.equal(headers['content-encoding'], 'gzip', path);
    assert.equal(gunzipSync(await buffer(asked)).toString(), expected, path);
  }
  session.close();
  server.close();
});

test('trailers come after a coded body, declared or not', async () => {
  using compress = compression();
  const body = 'a line of text, and another one; '.repeat(200);
  const server = createServer((request, response) => {
    compress(request, response);
    response.setHeader('content-type', 'text/plain');
    if (request.url === '/declared') response.setHeader('trailer', 'x-after');
    response.write(body);
    response.addTrailers({ 'x-after': 'the end' });
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // `as`: it listens on TCP
  for (const path of ['/declared', '/not']) {
    const asked = get({ port, host: '127.0.0.1', path, headers: { 'accept-encoding': 'gzip' }, agent: false });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // `as`: Node's own event
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer); // `as`: no encoding is set
    assert.equal(gunzipSync(Buffer.concat(chunks)).toString(), body, path);
    assert.equal(answer.trailers['x-after'], 'the end', path);
  }
  server.close();
});

test('a head that was written counts as sent, so that the page of an error is not added to it', async () => {
  using compress = compression();
  const seen: boolean[] = [];
  const server = createServer((request, response) => {
    compress(request, response);
    seen.push(response.headersSent);
    response.writeHead(200, { 'content-type': 'text/plain' });
    seen.push(response.headersSent);
    response.end('short');
    seen.push(response.headersSent);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // `as`: it listens on TCP
  const asked = get({ port, host: '127.0.0.1', agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // `as`: Node's own event
  await once(answer.resume(), 'end');
  server.close();
  assert.deepEqual(seen, [false, true, true]);
});
