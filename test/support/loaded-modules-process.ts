import { registerHooks } from 'node:module';
import 'fastify';
import 'pg';

/** Prints the modules that an agent loads in a process that has imported fastify and pg, and how long that took. */
const loaded: string[] = [];
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url);
    return nextLoad(url, context);
  },
});
const began = performance.now();
const { createAgent } = await import('@teamflow/autopilot');
await import('@teamflow/autopilot/fastify');
const agent = createAgent({ service: 'modules', controlPlane: 'none' });
const addedMs = performance.now() - began;
await agent.close();
process.stdout.write(JSON.stringify({ loaded, addedMs }));
