import type { AddressInfo } from 'node:net';
import { type ServerName, servers } from './servers.ts';

/** One of the servers, which reports its CPU time to the process that forked it. */

const server = await servers[process.argv[2] as ServerName](); // as compress.ts starts it
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // it listens on a port
  process.send?.({ port });
});
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => process.exit());
