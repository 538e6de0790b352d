import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { testCertificate } from './load-certificate.ts';
import type { TestScope } from './postgres.ts';

// Of a socket that is closed Node keeps the TLS part until it is collected, which looks as if it were left behind (leak-check.ts).
const outsideTests = AsyncLocalStorage.snapshot();

/** An address by https before a server that speaks http, with the certificate of load-certificate.ts; gone after the scope. */
export async function tlsDoor(scope: Pick<TestScope, 'after'>, address: string): Promise<string> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const server = outsideTests(() =>
    createServer(testCertificate, (outer) => {
      const inner = connect(Number(new URL(address).port), '127.0.0.1');
      for (const socket of [outer, inner]) keep(socket);
      outer.pipe(inner).pipe(outer);
      outer.on('close', () => inner.destroy());
      inner.on('close', () => outer.destroy());
    }).listen(0, '127.0.0.1'),
  );
  // Who does not trust us goes away in the middle of the handshake.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await once(server, 'listening');
  scope.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`; // it listens on a port
}
