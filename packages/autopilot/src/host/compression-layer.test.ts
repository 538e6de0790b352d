import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { Compressor } from '../compress/compressor.ts';
import { settingsOf } from '../config/registry.ts';
import { systemClock } from '../kernel/clock.ts';
import { LoopDelay } from '../track/loop-delay.ts';
import { compressAnswer } from './compression-layer.ts';

const long = 'a line of text, and another one; '.repeat(200);
const bytes = Buffer.from(long);

/** What a route may send, and the bytes that it says. */
const bodies: Readonly<Record<string, { readonly make: () => unknown; readonly says: Buffer }>> = {
  text: { make: () => long, says: bytes },
  halves: { make: () => `${long}\ud800 and \udc00`, says: Buffer.from(`${long}\ufffd and \ufffd`) },
  bytes: { make: () => bytes, says: bytes },
  view: { make: () => new Uint8Array([...bytes, 1]).subarray(0, bytes.byteLength), says: bytes },
  wide: { make: () => new Uint16Array(Uint8Array.from(bytes).buffer), says: bytes },
  stream: { make: () => Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]), says: bytes },
  texts: { make: () => Readable.from([long.slice(0, 100), long.slice(100)]), says: bytes },
  web: { make: () => new Response(long).body, says: bytes },
  response: { make: () => new Response(long, { headers: { 'x-own': 'yes' } }), says: bytes },
};

/** Answers /text/<name> with one of them, and /picture/<name>, which is not coded. */
function install(t: TestContext, app: FastifyInstance): void {
  const compressor = new Compressor({
    settings: { current: settingsOf() },
    loopDelay: new LoopDelay(systemClock),
    recorder: { sent: () => {} },
  });
  const route = compressor.route('all');
  app.addHook('onSend', (asked, reply, payload, done) => {
    // `as`: Fastify's type has no room for an error, which it takes.
    compressAnswer(asked, reply, payload, compressor, route, (error, sent) => done(error as null, sent));
  });
  app.get<{ Params: { type: string; name: string } }>('/:type/:name', (asked, reply) => {
    const { type, name } = asked.params;
    return reply.type(type === 'text' ? 'text/plain' : 'image/png').send(bodies[name]?.make());
  });
  app.get('/trailers', (_, reply) => {
    reply.trailer('x-after', () => Promise.resolve('the end'));
    return reply.type('text/plain').send(long);
  });
  t.after(async () => {
    await app.close();
    compressor[Symbol.dispose]();
  });
}

async function portOf(app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return (app.server.address() as AddressInfo).port; // `as`: it listens on TCP
}

async function ask(port: number, path: string): Promise<{ readonly answer: IncomingMessage; readonly body: Buffer }> {
  const sent = request({ port, host: '127.0.0.1', path, headers: { 'accept-encoding': 'gzip' }, agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // `as`: Node's own event
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer); // `as`: no encoding is set
  return { answer, body: Buffer.concat(chunks) };
}

test('whatever a route sends arrives as it was, coded or not', async (t) => {
  const app = Fastify({ forceCloseConnections: true });
  install(t, app);
  const port = await portOf(app);
  for (const [name, { says }] of Object.entries(bodies)) {
    const coded = await ask(port, `/text/${name}`);
    // A Response says itself of what type it is.
    assert.equal(coded.answer.headers['content-encoding'], 'gzip', name);
    assert.ok(gunzipSync(coded.body).equals(says), name);
    const plain = await ask(port, `/picture/${name}`);
    const isText = name === 'response';
    assert.equal(plain.answer.headers['content-encoding'], isText ? 'gzip' : undefined, name);
    assert.ok((isText ? gunzipSync(plain.body) : plain.body).equals(says), name);
    assert.equal(plain.answer.headers['x-own'], isText ? 'yes' : undefined);
  }
});

test('trailers follow a coded body, which says no length then', async (t) => {
  const app = Fastify({ forceCloseConnections: true });
  install(t, app);
  const { answer, body } = await ask(await portOf(app), '/trailers');
  const { 'content-length': length, 'transfer-encoding': transfer, 'content-encoding': coding } = answer.headers;
  assert.deepEqual({ length, transfer, coding }, { length: undefined, transfer: 'chunked', coding: 'gzip' });
  assert.equal(answer.trailers['x-after'], 'the end');
  assert.equal(gunzipSync(body).toString(), long);
});

test('bodies are coded over HTTP/2 too', async (t) => {
  // `as`: what is used of it is the same.
  const app = Fastify({ http2: true }) as unknown as FastifyInstance;
  install(t, app);
  const session = connect(`http://127.0.0.1:${await portOf(app)}`);
  t.after(() => session.destroy());
  for (const name of Object.keys(bodies)) {
    const stream = session.request({ ':path': `/text/${name}`, 'accept-encoding': 'gzip' });
    const [headers] = (await once(stream, 'response')) as [Record<string, string>]; // `as`: Node's own event
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer); // `as`: no encoding is set
    assert.equal(headers['content-encoding'], 'gzip', name);
    assert.ok(gunzipSync(Buffer.concat(chunks)).equals(bodies[name]?.says ?? Buffer.alloc(0)), name);
  }
});
