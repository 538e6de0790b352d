import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { testCertificate } from './load-certificate.ts';

/** How a target speaks. */
export type TargetKind = 'http' | 'https' | 'h2' | 'h2c';

/** What a handler sees of a request, whatever the protocol. */
export interface TargetRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What a handler answers. */
export interface TargetAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

/** A service to be load tested, on loopback. */
export interface LoadTarget extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  /** Connections opened so far, and open now. */
  connections(): { readonly opened: number; readonly open: number };
  /** The certificate, of a secure one. */
  readonly certificate: string;
}

/** Answers at once, later, or never (undefined). */
export type TargetHandler = (request: TargetRequest) => TargetAnswer | undefined | Promise<TargetAnswer | undefined>;

/** Node counts an HTTP/2 session that has ended until its memory is collected, and a leak check would find it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc === 'function') gc();
}

/** Starts a service that `handler` answers for. */
export async function loadTarget(kind: TargetKind, handler: TargetHandler): Promise<LoadTarget> {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      void Promise.resolve(handler({ method, url, headers, body })).then((answer) => {
        if (answer === undefined) return;
        response.writeHead(answer.status ?? 200, { ...answer.headers });
        response.end(answer.body ?? 'ok');
      });
    });
  };
  // `as`: HTTP/2's compatibility objects have what onRequest uses.
  const onHttp2Request = onRequest as never;
  const secrets = kind === 'https' || kind === 'h2' ? testCertificate : { key: '', cert: '' };
  const server: Server =
    kind === 'http'
      ? createServer(onRequest)
      : kind === 'https'
        ? createHttpsServer(secrets, onRequest)
        : kind === 'h2'
          ? createSecureServer(secrets, onHttp2Request)
          : createHttp2Server(onHttp2Request);
  const sockets = new Set<Socket>();
  let opened = 0;
  // A session outlives its socket until somebody ends it.
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('connection', (socket) => {
    opened++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const secure = kind === 'https' || kind === 'h2';
  return {
    origin: `${secure ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    connections: () => ({ opened, open: sockets.size }),
    certificate: secrets.cert,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
      if (kind === 'h2' || kind === 'h2c') collectGarbage();
    },
  };
}
