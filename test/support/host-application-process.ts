import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAgent } from '@teamflow/autopilot';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';
import pg from 'pg';

/** The process behind host-application.ts. */
const trueNow = Date.now;
let aheadMs = Number(process.env['HOST_CLOCK_AHEAD_MS'] ?? 0);
Date.now = () => trueNow() + aheadMs;
const agent = createAgent({ service: 'host' });
const app = fastify();
await app.register(autopilot, { agent });
app.get('/', () => ({ hello: 'world' }));
const connectionString = process.env['HOST_DATABASE_URL'];
const pool = connectionString === undefined ? null : agent.instrument(new pg.Pool({ connectionString, max: 4 }));
// What breaks while idle is made anew; without a listener it would end the process.
pool?.on('error', () => {});
app.get('/query', async () => ({ rows: (await pool?.query('select 1 as one, $1::text as two', ['x']))?.rows }));
app.get<{ Querystring: { aheadMs: string } }>('/clock', ({ query }) => {
  aheadMs = Number(query.aheadMs);
  return { aheadMs };
});
const waited: number[] = [];
app.get<{ Querystring: { ms: string } }>(
  '/wait',
  { onResponse: async (_request, reply) => void waited.push(reply.elapsedTime) },
  async ({ query }) => {
    await sleep(Number(query.ms));
    return { ok: true };
  },
);
app.get('/waited', () => waited);
app.get('/agent', () => agent.status);
app.get<{ Querystring: { ms: string } }>('/block', ({ query }) => {
  const until = performance.now() + Number(query.ms);
  while (performance.now() < until);
  return { blockedMs: Number(query.ms) };
});
app.get('/control-plane', () => ({
  pid: Number(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').at(-1)),
}));
app.addHook('onClose', async () => {
  await agent.close();
  await pool?.end();
});
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
process.send?.({ url });
