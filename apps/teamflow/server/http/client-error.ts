import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyBaseLogger } from 'fastify';
import { problemType } from './problem.ts';

/** What Node's parser refuses, by its code; anything else is no HTTP. */
const refusals: Readonly<Record<string, { readonly status: number; readonly code: string; readonly detail: string }>> =
  {
    ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'TF_TOO_SLOW', detail: 'The request was not here in time.' },
    HPE_HEADER_OVERFLOW: { status: 431, code: 'TF_HEADERS_TOO_LARGE', detail: 'The head of the request is too large.' },
  };
const malformed = { status: 400, code: 'TF_REQUEST_MALFORMED', detail: 'What was sent is no HTTP request.' };

/** Answers what never became a request, as everything else is answered, and ends the connection. */
export function answerClientError(log: FastifyBaseLogger, error: ConnectionError, socket: Socket): void {
  // Who has gone away needs no answer.
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const { status, code, detail } = refusals[error.code] ?? malformed;
  const id = randomUUID();
  log.trace({ err: error, reqId: id }, 'client error');
  if (socket.writable) {
    const title = STATUS_CODES[status] ?? '';
    const body = JSON.stringify({ type: problemType(code), title, status, code, detail, instance: id });
    const head = [
      `HTTP/1.1 ${status} ${title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${id}`,
      'x-content-type-options: nosniff',
      'connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}
