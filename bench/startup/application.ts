import type * as library from '@teamflow/autopilot';
import type * as plugin from '@teamflow/autopilot/fastify';
import fastify from 'fastify';
import pg from 'pg';

/**
 * An application that starts, as a customer's does: with `with` as its first argument it has the autopilot of the
 * customer's ten lines, from the built package. Prints what its start took, once fastify and pg were imported.
 */

const dist = new URL('../../packages/autopilot/dist/', import.meta.url);
const began = { at: performance.now(), cpu: process.cpuUsage() };
const app = fastify();
const pool = new pg.Pool();
if (process.argv[2] === 'with') {
  const [{ createAgent }, { autopilot }] = (await Promise.all([
    import(new URL('index.js', dist).href),
    import(new URL('host/fastify.js', dist).href),
    // `as`: the built package has no types from here, and is what its sources say.
  ])) as [typeof library, typeof plugin];
  const agent = createAgent({ service: 'startup' });
  agent.instrument(pool);
  await app.register(autopilot, { agent });
}
app.get('/', () => Promise.resolve({ hello: 'world' }));
await app.listen({ port: 0, host: '127.0.0.1' });
const cpu = process.cpuUsage(began.cpu);
process.stdout.write(
  JSON.stringify({ wallMs: performance.now() - began.at, cpuMs: (cpu.user + cpu.system) / 1_000 }),
  () => process.exit(),
);
