import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrincipalVerifier } from '../access/signed-principal.ts';
import type { HostPrincipal } from '../contract/principal.ts';
import { systemClock } from '../kernel/clock.ts';
import { Forwarder } from './forwarding.ts';

const KEY = 'link-key-of-the-test'.repeat(3);

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // `as`: it listens on a port
  return `http://127.0.0.1:${port}`;
}

/** An application that forwards everything to a control plane with the given listener; gives the application's address. */
async function application(
  t: TestContext,
  control: RequestListener | null,
  principal: HostPrincipal | null = null,
): Promise<string> {
  const address = control === null ? null : await listen(t, control);
  const forwarder = new Forwarder({ address: () => address, service: 'orders', linkKey: KEY, clock: systemClock });
  t.after(() => forwarder[Symbol.dispose]());
  return listen(t, (incoming: IncomingMessage, outgoing: ServerResponse) => {
    forwarder.forward({
      request: incoming,
      response: outgoing,
      path: incoming.url ?? '/',
      principal,
      requestId: 'id',
      headers: () => ({}),
    });
  });
}

test('bodies go through byte for byte, both ways, with status and end-to-end headers', async (t) => {
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  const address = await application(t, (incoming, outgoing) => {
    outgoing.writeHead(201, { 'x-seen': incoming.headers['x-mine'], 'content-type': 'application/octet-stream' });
    incoming.pipe(outgoing);
  });
  const answer = await fetch(`${address}/a?b=c`, { method: 'POST', body, headers: { 'x-mine': 'yes' } });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('x-seen'), 'yes');
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), body);
});

test('a GET has no body and hop-by-hop headers stay behind', async (t) => {
  let seen: IncomingMessage['headers'] = {};
  const address = await application(t, (incoming, outgoing) => {
    seen = incoming.headers;
    outgoing.end();
  });
  const { hostname, port } = new URL(address);
  const asked = request({
    hostname,
    port,
    headers: { connection: 'close, X-Private', 'x-private': '1', te: 'trailers', 'x-kept': '1' },
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // `as`: the event's only argument
  answer.resume();
  await once(answer, 'end');
  assert.equal(seen['x-private'], undefined);
  assert.equal(seen['te'], undefined);
  assert.equal(seen['transfer-encoding'], undefined);
  assert.equal(seen['x-kept'], '1');
  // The control plane compares it with a browser's Origin.
  assert.equal(seen.host, `${hostname}:${port}`);
});

test('a POST without a body is told to have none', async (t) => {
  const seen: unknown[] = [];
  const address = await application(t, (incoming, outgoing) => {
    const { 'content-length': length, 'transfer-encoding': coding } = incoming.headers;
    seen.push([incoming.method, length, coding]);
    outgoing.end();
  });
  for (const method of ['POST', 'PUT', 'DELETE', 'GET']) {
    const asked = request(address, { method });
    // As curl does it, which says nothing at all.
    asked.useChunkedEncodingByDefault = false;
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // `as`: the event's only argument
    answer.resume();
    await once(answer, 'end');
  }
  await (await fetch(address, { method: 'POST' })).text();
  assert.deepEqual(seen, [
    ['POST', '0', undefined],
    ['PUT', '0', undefined],
    ['DELETE', '0', undefined],
    ['GET', undefined, undefined],
    ['POST', '0', undefined],
  ]);
});

test('the principal is the one the application says, never the one the caller sends', async (t) => {
  const headers: (string | undefined)[] = [];
  const control: RequestListener = (incoming, outgoing) => {
    headers.push(incoming.headers['x-autopilot-principal'] as string | undefined); // `as`: sent once
    outgoing.end();
  };
  const signedIn = await application(t, control, { id: 'u1', scopes: ['read'] });
  const anonymous = await application(t, control);
  await (await fetch(signedIn, { headers: { 'x-autopilot-principal': 'forged' } })).text();
  await (await fetch(anonymous, { headers: { 'x-autopilot-principal': 'forged' } })).text();
  const verifier = new PrincipalVerifier([{ key: KEY, maxScopes: ['admin'] }], systemClock);
  assert.deepEqual(verifier.verify(headers[0] ?? ''), {
    state: 'accepted',
    principal: { id: 'u1', scopes: ['read'], by: 'session' },
  });
  assert.equal(headers[1], undefined);
});

test('events of a live stream arrive one by one, and the control plane sees the caller leave', async (t) => {
  const left = Promise.withResolvers<void>();
  const address = await application(t, (_, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    outgoing.write('data: 1\n\n');
    outgoing.once('close', () => left.resolve());
  });
  const abort = new AbortController();
  const answer = await fetch(address, { signal: abort.signal });
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  assert.equal(Buffer.from(first?.value ?? []).toString(), 'data: 1\n\n');
  abort.abort();
  await left.promise;
});

test('a control plane that is away, or goes away before it answers, is a 503 that says so', async (t) => {
  const cutOff = await application(t, (incoming) => incoming.socket.destroy());
  for (const address of [await application(t, null), cutOff]) {
    const answer = await fetch(address, { method: 'POST', body: 'x'.repeat(200_000) });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    const problem = (await answer.json()) as { code?: unknown }; // `as`: checked in the next line
    assert.equal(problem.code, 'AP_CONTROL_PLANE_UNAVAILABLE');
  }
});

test('an answer that is cut off is not passed on as a whole one', async (t) => {
  const address = await application(t, (incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-length': '1000' });
    outgoing.write('half');
    setTimeout(() => incoming.socket.destroy(), 20);
  });
  const answer = await fetch(address);
  await assert.rejects(answer.text());
});

test('callers that leave in the middle of their request leave nothing behind', async (t) => {
  let open = 0;
  const address = await application(t, (incoming, outgoing) => {
    open++;
    outgoing.once('close', () => open--);
    incoming.resume();
  });
  const port = Number(new URL(address).port);
  for (let i = 0; i < 20; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nonly this');
    await sleep(5);
    socket.destroy();
  }
  for (let i = 0; i < 100 && open > 0; i++) await sleep(10);
  assert.equal(open, 0);
});

test('no body is taken for the next request, however its head is written', async (t) => {
  const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';
  const length = Buffer.byteLength(smuggled);
  const chunked = `${length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
  const heads: readonly (readonly [head: string, body: string])[] = [
    [`connection: keep-alive, content-length\r\ncontent-length: ${length}`, smuggled],
    [`connection: keep-alive, transfer-encoding\r\ntransfer-encoding: chunked`, chunked],
    [`content-length: ${length}`, smuggled],
    [`connection: host, keep-alive\r\ncontent-length: ${length}`, smuggled],
    [`transfer-encoding: chunked`, chunked],
  ];
  const seen: string[] = [];
  // It answers at once and reads no body, as a refusal does.
  const address = await application(t, (incoming, outgoing) => {
    seen.push(incoming.url ?? '');
    outgoing.end(incoming.url);
  });
  const port = Number(new URL(address).port);
  for (const method of ['GET', 'POST', 'OPTIONS']) {
    for (const [head, body] of heads) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write(`${method} /mine HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n${body.slice(0, 1)}`);
      await sleep(15);
      if (!socket.destroyed) socket.write(body.slice(1));
      for (let i = 0; i < 3; i++) assert.equal(await (await fetch(`${address}/victim`)).text(), '/victim');
      socket.destroy();
    }
  }
  assert.deepEqual(new Set(seen), new Set(['/mine', '/victim']));
});

test('a path that leads out of what is forwarded is refused', async (t) => {
  let asked = 0;
  const address = await application(t, (_, outgoing) => {
    asked++;
    outgoing.end();
  });
  const { hostname, port } = new URL(address);
  for (const path of ['/autopilot/../readyz', '/autopilot/%2e%2E/readyz', '/autopilot/.%2e', '/a/./b', '/a\\..\\b']) {
    const sent = request({ hostname, port, path });
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // `as`: the event's only argument
    answer.resume();
    assert.equal(answer.statusCode, 400, path);
  }
  assert.equal(asked, 0);
  assert.equal((await fetch(`${address}/autopilot/..x/.y?z=/../`)).status, 200);
});

test('somebody who looks at a page while the control plane is away gets one that asks again', async (t) => {
  const address = await application(t, null);
  const page = await fetch(`${address}/autopilot/`, { headers: { accept: 'text/html,application/xhtml+xml' } });
  assert.equal(page.status, 503);
  assert.equal(page.headers.get('retry-after'), '1');
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(await page.text(), /http-equiv="refresh"/);
  const program = await fetch(`${address}/api/v1/performance/health`);
  assert.equal(program.headers.get('content-type'), 'application/problem+json');
});
