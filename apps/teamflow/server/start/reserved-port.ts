import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { StartError } from './start-error.ts';

/** A port that is kept from others until TeamFlow itself listens on it. */
export interface ReservedPort {
  readonly port: number;
  /** Lets go of it; again, does nothing. */
  release(): Promise<void>;
}

/** A failure to listen, in words that name the variable to change. */
export function listenError(cause: NodeJS.ErrnoException, host: string, port: number): StartError {
  const portRemedy = 'Set PORT to another one, or to 0 for a free one.';
  switch (cause.code) {
    case 'EADDRINUSE':
      return new StartError(`PORT is ${port}, which another program uses on ${host}. ${portRemedy}`, { cause });
    case 'EACCES':
      return new StartError(`PORT is ${port}, which this account may not listen on. ${portRemedy}`, { cause });
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return new StartError(
        `HOST is "${host}", which is no address of this machine. Set it to one that is, to 0.0.0.0 for all, or leave it out for 127.0.0.1.`,
        { cause },
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(
        `HOST is "${host}", a name that can not be resolved. Set it to an address of this machine, or leave it out for 127.0.0.1.`,
        { cause },
      );
    default:
      return new StartError(`TeamFlow can not listen on PORT ${port} of HOST "${host}": ${cause.message}.`, { cause });
  }
}

/**
 * Takes a port before anything else is started, 0 meaning a free one: its number is known to all that tells it on, and
 * one that is taken is told at once. Who connects before TeamFlow listens is cut off.
 *
 * @throws StartError that names PORT or HOST.
 */
export async function reservePort(host: string, port: number): Promise<ReservedPort> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, host, port); // what a server that can not listen emits
  }
  const address = server.address() as AddressInfo; // listening on TCP, so never a path
  return {
    port: address.port,
    release: async () => {
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
