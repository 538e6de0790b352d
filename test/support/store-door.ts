import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { TestDatabase, TestScope } from './postgres.ts';

/** The way to a database over TCP that a test can shut, as a server that is away. */
export interface StoreDoor {
  readonly url: string;
  /** Answers are lost from now on, until it was shut. */
  loseAnswers(): void;
  /** Ends every connection and refuses new ones. */
  shut(): Promise<void>;
  /** Lets connections through again, at the same address. */
  open(): Promise<void>;
}

/** An open door to the database; shut for good after the scope. */
export async function storeDoor(scope: Pick<TestScope, 'after'>, database: TestDatabase): Promise<StoreDoor> {
  const path = `${database.server.socketDirectory}/.s.PGSQL.5432`;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  let server: Server | null = null;
  let port = 0;
  let losesAnswers = false;
  const open = async (): Promise<void> => {
    server = createServer((outer) => {
      const inner = connect(path);
      for (const socket of [outer, inner]) keep(socket);
      outer.pipe(inner);
      inner.on('data', (bytes) => {
        if (!losesAnswers) outer.write(bytes);
      });
      outer.on('close', () => inner.destroy());
      inner.on('close', () => outer.destroy());
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo); // it listens on a port
  };
  const shut = async (): Promise<void> => {
    const closing = server;
    if (closing === null) return;
    server = null;
    losesAnswers = false;
    closing.close();
    for (const socket of sockets) socket.destroy();
    await once(closing, 'close');
  };
  scope.after(shut);
  await open();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/${database.name}`,
    open,
    shut,
    loseAnswers: () => {
      losesAnswers = true;
    },
  };
}
