import { performance } from 'node:perf_hooks';
import { createAgent } from '@teamflow/autopilot';
import { Accounts } from '../../apps/teamflow/server/accounts/accounts.ts';
import { buildApp } from '../../apps/teamflow/server/app.ts';
import { createPool } from '../../apps/teamflow/server/database/database.ts';

/**
 * TeamFlow's application on the database of HOST_DATABASE_URL, for host-application.ts. It notes how long each of its lists of tasks
 * took, from the request to the end of the answer's connection, apart from what its agent
 * measures, and tells them when it is sent the message "took".
 */
const secret = process.env['HOST_SECRET'] ?? '';
const pool = createPool({ connectionString: process.env['HOST_DATABASE_URL'] ?? '', max: 5 });
const accounts = new Accounts({
  pool,
  secret,
  publicUrl: 'http://127.0.0.1:3000',
  throttled: false,
  signUp: 'closed',
  log: () => {},
});
const took: number[] = [];
const app = await buildApp({
  pool,
  accounts,
  secret,
  version: '0.0.0',
  agent: createAgent({ service: 'teamflow' }),
  prepare: ({ server }) => {
    server.prependListener('request', (request, response) => {
      const began = performance.now();
      if (request.url?.includes('/tasks?') === true) response.once('close', () => took.push(performance.now() - began));
    });
  },
});
app.addHook('onClose', () => pool.end());
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
process.on('message', (message) => {
  if (message === 'took') process.send?.({ took });
});
process.send?.({ url });
