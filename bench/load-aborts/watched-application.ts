/**
 * An application with an agent and a control plane of its own, that gets into trouble when it is told to. Started by
 * load-aborts.ts with the address of a database; says where it and its control plane answer, and for each trouble when the
 * limit was crossed and when the last request came, by its own clock.
 */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAgent } from '@teamflow/autopilot';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';
import pg from 'pg';
import { type Order, type Reading, TROUBLES } from './orders.ts';

const [databaseUrl = ''] = process.argv.slice(2);
process.env['AUTOPILOT_PORT'] = '0';
process.env['AUTOPILOT__OVERLOAD__ENABLED'] = 'false';
const agent = createAgent({ service: 'watched' });
const pool = agent.instrument(new pg.Pool({ connectionString: databaseUrl, max: 20 }));
const app = fastify();
await app.register(autopilot, { agent, principal: () => null });
let requests = 0;
let lastRequestAt = 0;
let crossedAt: number | null = null;
let calm: () => Promise<unknown> = () => Promise.resolve();
app.get('/', () => {
  requests++;
  lastRequestAt = Date.now();
  return 'ok';
});
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address() as AddressInfo; // it listens on a port
let controlPlane: string | null = null;
while (controlPlane === null) {
  await sleep(50);
  const { status } = agent;
  controlPlane = status.state === 'disabled' ? null : status.controlPlane;
}
process.send?.({ url: `http://127.0.0.1:${port}`, controlPlane });

process.on('message', (order: Order) => void obey(order));
process.on('disconnect', () => process.exit());

async function obey(order: Order): Promise<void> {
  if (order === 'begin') {
    await calm();
    calm = () => Promise.resolve();
    // What the trouble before has taken is given back now, and not in the middle of the next one.
    for (let times = 0; times < 3; times++) {
      globalThis.gc?.();
      // Buffers are given back by another thread.
      await sleep(50);
    }
    [requests, crossedAt] = [0, null];
  } else if (order !== 'read') calm = troubles[order]();
  process.send?.({ requests, crossedAt, lastRequestAt, rssBytes: process.memoryUsage.rss() } satisfies Reading);
}

const troubles = {
  /** Keeps the processor busy for 8 of 10 ms; crossed when the last second's mean is over the limit. */
  cpu: () => {
    const seen: { readonly atMs: number; readonly cpuMs: number }[] = [];
    const timer = setInterval(() => {
      const until = performance.now() + 8;
      while (performance.now() < until);
      const { user, system } = process.cpuUsage();
      const now = { atMs: performance.now(), cpuMs: (user + system) / 1000 };
      seen.push(now);
      while ((seen[0]?.atMs ?? now.atMs) < now.atMs - 1000) seen.shift();
      const busyMs = now.cpuMs - (seen[0]?.cpuMs ?? now.cpuMs);
      // Before the trouble it did next to nothing: the second counts as a whole.
      if (busyMs / 1000 > TROUBLES.cpu.limit) crossedAt ??= Date.now();
    }, 10);
    return () => Promise.resolve(clearInterval(timer));
  },
  /** Blocks the event loop for 400 ms, twice a second. */
  delay: () => {
    const block = (): void => {
      crossedAt ??= Date.now() + TROUBLES.delay.limit;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    };
    const timer = setInterval(block, 500);
    block();
    return () => Promise.resolve(clearInterval(timer));
  },
  /** Takes three times the memory that it may. */
  memory: () => {
    crossedAt = Date.now();
    let held: Buffer | null = Buffer.alloc(3 * TROUBLES.memory.limit, 1);
    return () => {
      held = null;
      return Promise.resolve(held);
    };
  },
  /** Takes ten connections and keeps them. */
  connections: () => {
    const held: Promise<pg.PoolClient>[] = Array.from({ length: 10 }, () => pool.connect());
    void Promise.all(held.slice(0, TROUBLES.connections.limit + 1)).then(() => {
      crossedAt ??= Date.now();
    });
    return async () => {
      for (const client of await Promise.all(held)) client.release();
    };
  },
} satisfies Record<keyof typeof TROUBLES, () => () => Promise<unknown>>;
