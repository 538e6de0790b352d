import type { AddressInfo } from 'node:net';
import { createAgent } from '@teamflow/autopilot';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';
import pg from 'pg';
import { internals } from '../../packages/autopilot/src/host/hosted-agent.ts';

/**
 * An instance of a fleet: an agent that is linked over HTTP to the control plane that AUTOPILOT_URL names. It tells its
 * parent when it has put a value of monitoring.maxRoutes in force, by the clock that all processes of a machine share.
 *
 * With a database as argument it is an application: `/` answers 200 when two settings that always change together are
 * the same before and after a call to the database through the pool whose size is changed with them, else 500.
 */

const [connectionString = ''] = process.argv.slice(2);
const agent = createAgent({ databaseUrl: null });
const settings = agent[internals]?.settings;
if (settings === undefined) throw new Error('the agent is switched off');
const isWhole = (): boolean => {
  const { maxRoutes, maxTenants } = settings.current.monitoring;
  return maxRoutes === maxTenants;
};
settings.use({
  name: 'benchmark',
  apply: (next) => {
    const atMs = Number(process.hrtime.bigint()) / 1e6;
    process.send?.({ value: next.monitoring.maxRoutes, atMs });
  },
});
process.on('disconnect', () => process.exit());
if (connectionString !== '') {
  const pool = agent.instrument(new pg.Pool({ connectionString, max: 4 }));
  const app = fastify();
  await app.register(autopilot, { agent, principal: () => null });
  app.get('/', async (_request, reply) => {
    const before = isWhole();
    const { rows } = await pool.query<{ readonly text: string }>(`select repeat('whole ', 500) as text`);
    return await reply.code(before && isWhole() ? 200 : 500).send(rows[0]);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo; // it listens on a port
  process.send?.({ port });
}
