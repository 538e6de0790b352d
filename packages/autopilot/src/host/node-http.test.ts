import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
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
