import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { NodeRequest, sendNodeResponse } from 'srvx/node';
import { AutopilotError } from '../kernel/errors.ts';
import type { Handler } from './handler.ts';

/*
 * The handler behind node:http. srvx turns Node's requests into Request and back; it was chosen over an adapter of our
 * own because it streams unbuffered, stops reading a stream whose client does not, and aborts `request.signal` when the
 * client goes. The server itself is made here, for its limits.
 */

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

/** A server that listens. */
export interface HttpServer {
  /** As a base URL: "http://127.0.0.1:3001". */
  readonly address: string;
  readonly port: number;
  /** Takes no new connection, lets requests under way end, and after `graceMs` ends them. */
  close(graceMs: number): Promise<void>;
}

/** A request's head must be here in this time: slow senders (slowloris) hold no connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADER_BYTES = 16_384;
/** An agent that links over HTTP holds two. */
const MAX_CONNECTIONS = 4096;
const CHECK_EVERY_MS = 2000;
/** How long a sender may go on after it was answered. */
const LINGER_MS = 5_000;

/** Addresses that mean "all of this machine's" are listened on, but not called. */
const reachable: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '[::1]'],
]);

/** @throws AutopilotError AP_LISTEN_FAILED, naming the port and how to choose another. */
export async function listen(handler: Handler, { host, port }: ListenOptions): Promise<HttpServer> {
  const connections = new Connections();
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      // Both ways of saying how long a body is, or bytes that no header may have: refused (request smuggling).
      insecureHTTPParser: false,
      requireHostHeader: true,
    },
    (req, res) => {
      connections.serve(req.socket, res);
      handler(new NodeRequest({ req, res }))
        .then((response) => {
          if (!req.complete) linger(req, res);
          return sendNodeResponse(res, response);
        })
        // The handler never rejects: sending failed, and half an answer is best ended as what it is.
        .catch(() => res.destroy());
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => connections.add(socket));
  await listening(server, host, port);
  // A server that listens on a port has an address with one.
  const bound = server.address() as AddressInfo;
  const name = reachable.get(bound.address) ?? (bound.family === 'IPv6' ? `[${bound.address}]` : bound.address);
  return {
    address: `http://${name}:${bound.port}`,
    port: bound.port,
    close: (graceMs) => closed(server, connections, graceMs),
  };
}

/**
 * For an answer to a request that is still being sent. Closing the connection now, as one who asked for "Connection:
 * close" would have it, resets it, and the sender may never see the answer (RFC 9112, section 9.6): what comes is thrown
 * away for a while, by Node or by whoever had begun to read it, and it is the sender who closes.
 */
function linger(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('connection', 'keep-alive');
  res.once('finish', () => {
    const cutOff = setTimeout(() => req.destroy(), LINGER_MS).unref();
    req.once('close', () => clearTimeout(cutOff));
    req.once('end', () => clearTimeout(cutOff));
  });
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'another program uses it'
          : cause.code === 'EACCES'
            ? 'this account may not use it'
            : cause.message;
      reject(
        new AutopilotError('AP_LISTEN_FAILED', `The control plane can't listen on port ${port} of ${host}: ${why}.`, {
          remedy: 'Set AUTOPILOT_PORT to another port, or to 0 for a free one; AUTOPILOT_HOST chooses the address.',
          cause,
        }),
      );
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function closed(server: Server, connections: Connections, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    connections.end();
  });
}

/**
 * Which connections have a request under way. Node's closeIdleConnections() takes one that has not asked anything yet,
 * as browsers open them in advance, for busy.
 */
class Connections {
  readonly #idle: Set<Socket> = new Set();
  #ending = false;

  add(socket: Socket): void {
    this.#idle.add(socket);
    socket.once('close', () => this.#idle.delete(socket));
  }

  serve(socket: Socket, response: ServerResponse): void {
    this.#idle.delete(socket);
    response.once('close', () => {
      if (this.#ending) socket.destroySoon();
      else if (!socket.destroyed) this.#idle.add(socket);
    });
  }

  /** Ends those that are idle, and the others after their answer. */
  end(): void {
    this.#ending = true;
    for (const socket of this.#idle) socket.destroySoon();
  }
}
