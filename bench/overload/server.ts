import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createAgent } from '@teamflow/autopilot';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';

/** An application whose one route keeps the event loop busy for about so many ms, with the overload guard on or off. */

const [guard = 'on', workMs = '2'] = process.argv.slice(2);
process.env['AUTOPILOT__OVERLOAD__ENABLED'] = String(guard === 'on');
process.env['AUTOPILOT__OVERLOAD__START_GRACE_MS'] = '0';
const agent = createAgent({ service: 'overload', controlPlane: 'none' });
const app = fastify();
await app.register(autopilot, { agent, principal: () => null });
const rounds = roundsOf(Number(workMs));
app.get('/work', async () => {
  // Two parts, so that requests take turns as they do where a database is asked in between.
  burn(rounds / 2);
  await new Promise((resolve) => setImmediate(resolve));
  burn(rounds / 2);
  return { done: true };
});
app.get('/livez', { config: { autopilot: { essential: true } } }, async () => 'alive');
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address() as AddressInfo; // it listens on a port
process.on('disconnect', () => process.exit());
process.send?.({ port });

function burn(times: number): void {
  const hash = createHash('sha256');
  for (let round = 0; round < times; round++) hash.update('some work that takes its time');
}

/** How many rounds take so long on this machine, by the fastest of a few tries. */
function roundsOf(ms: number): number {
  const tried = 20_000;
  let bestMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 10; attempt++) {
    const startedAtMs = performance.now();
    burn(tried);
    bestMs = Math.min(bestMs, performance.now() - startedAtMs);
  }
  return Math.max(2, Math.round((tried * ms) / bestMs));
}
