import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Fastify from 'fastify';
import { createAgent } from '../../packages/autopilot/src/agent.ts';
import { autopilot } from '../../packages/autopilot/src/host/fastify.ts';
import { until } from './until.ts';

/** What one part of the downloads added to what the process holds. */
export interface MemoryGrowth {
  /** Objects of JavaScript. */
  readonly heapBytes: number;
  /** What they hold outside: buffers, and the memory of codecs. */
  readonly externalBytes: number;
  /** With what the allocator keeps for later, which comes and goes. */
  readonly residentBytes: number;
}

/** What was left of downloads whose clients went away. */
export interface AbortedDownloads {
  readonly downloads: number;
  /** Bodies of the application that nobody has ended. */
  readonly openBodies: number;
  /** Ends of connections that are open, beside those before the first download. */
  readonly connections: number;
  /** After collections, of one part of them to the next. */
  readonly growth: readonly MemoryGrowth[];
  /** Of an answer after all of them: a codec whose end was missed would still count as under way. */
  readonly codingAfter: string;
}

const AT_ONCE = 16;
/** After the first of these, in which caches fill and pools open, each would add what a leak adds. */
const PARTS = 6;
const codings = ['zstd', 'br', 'gzip', 'deflate'];

/** Begins so many compressed downloads, streams and large bodies by turns, and goes away in the middle of each. */
export async function abortDownloads(downloads: number): Promise<AbortedDownloads> {
  // Few streams at a time, so that one which is missed is seen; a large body goes to another thread.
  const settings = { AUTOPILOT__COMPRESSION__MAX_STREAMS: '24', AUTOPILOT__COMPRESSION__BUDGET_MS: '0.01' };
  Object.assign(process.env, settings);
  const agent = createAgent({ service: 'orders', controlPlane: 'none' });
  for (const name of Object.keys(settings)) Reflect.deleteProperty(process.env, name);
  const app = Fastify({ forceCloseConnections: true });
  await app.register(autopilot, { agent, security: false });
  let openBodies = 0;
  const line = Buffer.from('a line of text that goes on and on, and is not always the same: '.repeat(200));
  const stream = (type: string): Readable => {
    openBodies++;
    let timer: NodeJS.Timeout | undefined;
    return new Readable({
      read() {
        timer = setTimeout(() => this.push(type === 'text/event-stream' ? `data: ${Date.now()}\n\n` : line), 1);
      },
      destroy: (error, done) => {
        clearTimeout(timer);
        openBodies--;
        done(error);
      },
    });
  };
  app.get('/stream', (_, reply) => reply.type('text/plain').send(stream('text/plain')));
  app.get('/events', (_, reply) => reply.type('text/event-stream').send(stream('text/event-stream')));
  const large = JSON.stringify(
    Array.from({ length: 5_000 }, (_, id) => ({ id: (id * 2_654_435_761) % 4_294_967_296 })),
  );
  let asked = 0;
  // Never the same twice: what is kept would not be compressed.
  app.get('/large', () => `${asked++}${large}`);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo; // it listens on TCP
  try {
    const connections = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const connectionsBefore = connections();
    const seen: NodeJS.MemoryUsage[] = [];
    for (let part = 0; part < PARTS; part++) {
      await abortSome(port, Math.ceil(downloads / PARTS));
      await until(
        30_000,
        async () => openBodies,
        (open) => open === 0,
      );
      await until(
        30_000,
        async () => connections(),
        (now) => now <= connectionsBefore,
      ).catch(() => {});
      seen.push(memory());
    }
    const left = { openBodies, connections: connections() - connectionsBefore };
    const { headers } = await begin(port, '/stream', 'gzip');
    return {
      downloads,
      ...left,
      growth: seen.slice(1).map((after, at) => grown(seen[at] ?? after, after)),
      codingAfter: headers['content-encoding'] ?? 'none',
    };
  } finally {
    await app.close();
    await agent.close();
  }
}

async function abortSome(port: number, downloads: number): Promise<void> {
  let begun = 0;
  const one = async (): Promise<void> => {
    while (begun < downloads) {
      const turn = begun++;
      const path = ['/stream', '/events', '/large'][turn % 3] ?? '';
      const answer = await begin(port, path, codings[turn % codings.length] ?? '');
      // Some have seen the head, some a part of the body.
      if (turn % 2 === 0) await once(answer, 'data');
      answer.destroy();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function begin(port: number, path: string, coding: string): Promise<IncomingMessage> {
  const sent = request({ port, host: '127.0.0.1', path, headers: { 'accept-encoding': coding }, agent: false });
  sent.on('error', () => {});
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // Node's own event
  return answer.on('error', () => {});
}

function grown(before: NodeJS.MemoryUsage, after: NodeJS.MemoryUsage): MemoryGrowth {
  return {
    heapBytes: after.heapUsed - before.heapUsed,
    externalBytes: after.external - before.external,
    residentBytes: after.rss - before.rss,
  };
}

function memory(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // V8's own
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage();
}
