import { setTimeout as sleep } from 'node:timers/promises';
import { createAgent } from '@teamflow/autopilot';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';
import pg from 'pg';

/**
 * Prints how much memory an agent holds on to after 10,000 distinct addresses, 2,000 tenants and 6,000 distinct
 * statements: the difference to the same application and the same calls without an agent. Run with --expose-gc.
 */
const [connectionString, watched] = process.argv.slice(2);
const collect = globalThis.gc;
if (collect === undefined) throw new Error('Run it with --expose-gc.');
const agent = watched === 'yes' ? createAgent({ service: 'memory', controlPlane: 'none' }) : null;
const plain = new pg.Pool({ connectionString, max: 4 });
const pool = agent?.instrument(plain) ?? plain;
const app = fastify();
if (agent !== null) {
  await app.register(autopilot, { agent, tenant: (request) => String(request.headers['x-tenant'] ?? '') || null });
}
app.get('/known/:id', async (request) => {
  const { number } = request.query as { number: string }; // our own calls below
  await pool.query(`select 1 as statement_number_${number}`);
  return { ok: true };
});
await app.ready();

async function everything(): Promise<void> {
  for (let i = 0; i < 10_000; i++) await app.inject({ url: `/nowhere/${i}` });
  for (let i = 0; i < 6_000; i++) {
    await app.inject({ url: `/known/${i}?number=${i}`, headers: { 'x-tenant': `tenant-${i % 2_000}` } });
  }
}
await everything();
// A few windows with every series in them, which is the most that is kept; without an agent nothing is.
if (agent !== null) await everything();
// An injected request leaves callbacks for later turns of the loop, which hold its response until then.
await sleep(200);
for (let i = 0; i < 5; i++) collect();
const { heapUsed, external, arrayBuffers } = process.memoryUsage();
process.stdout.write(JSON.stringify({ bytes: heapUsed + external + arrayBuffers }));
await app.close();
await plain.end();
await agent?.close();
