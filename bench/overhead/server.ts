import type { AddressInfo } from 'node:net';
import { variants } from './variants.ts';

/** Serves hello JSON in one of the variants and reports its CPU time to the process that forked it. */

const variant = variants[process.argv[2] ?? ''];
if (variant === undefined) throw new Error(`No variant ${process.argv[2]}.`);
await variant.before?.();
const { default: fastify } = await import('fastify');
const app = fastify();
await variant.install?.(app);
app.get('/', () => Promise.resolve({ hello: 'world' }));
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address() as AddressInfo; // it listens on a port
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send?.({ port });
