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
