import { type ErrorCode, isErrorCode, problemOf } from '../contract/error-table.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { AccessRefused } from './authentication.ts';

/** For answers that are read by programs: nothing in them may run, be framed, or be kept. */
const API_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** A text with its length, so that a connection is kept and a HEAD tells as much. */
export function textResponse(
  status: number,
  mediaType: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(text, {
    status,
    headers: {
      ...API_HEADERS,
      'content-type': mediaType,
      'content-length': String(Buffer.byteLength(text)),
      ...headers,
    },
  });
}

/** A stream of server-sent events. */
export function eventStreamResponse(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: {
      ...API_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      // For proxies that buffer (nginx) unless they are told.
      'x-accel-buffering': 'no',
    },
  });
}

/** A document as JSON. */
export function jsonResponse(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return textResponse(status, 'application/json', JSON.stringify(value), headers);
}

/** What to do beside answering: an unexpected error's own text goes to the log, never to the caller. */
export interface Failure {
  readonly response: Response;
  /** null: it was expected, and says all by itself. */
  readonly unexpected: unknown;
}

/** Turns whatever was thrown into problem+json (RFC 9457). */
export function failureOf(thrown: unknown, requestId: string): Failure {
  if (thrown instanceof AutopilotError && isErrorCode(thrown.code)) {
    const headers: Record<string, string> = {};
    if (thrown instanceof AccessRefused) headers['www-authenticate'] = thrown.challenge;
    if (
      thrown.code === 'AP_TOO_MANY_STREAMS' ||
      thrown.code === 'AP_CONTROL_PLANE_CLOSING' ||
      thrown.code === 'AP_EXPOSITION_BUSY' ||
      thrown.code === 'AP_ACCESS_STORE_UNAVAILABLE'
    )
      headers['retry-after'] = '5';
    const response = problemResponse(thrown.code, thrown.message, requestId, thrown.remedy, headers);
    return { response, unexpected: response.status >= 500 && response.status !== 503 ? thrown : null };
  }
  const response = problemResponse(
    'AP_INTERNAL',
    'The call failed for a reason that is not the caller’s.',
    requestId,
    'Try again; if it fails again, look for the request id in the log of the control plane.',
  );
  return { response, unexpected: thrown };
}

/** A refusal as problem+json (RFC 9457). */
export function problemResponse(
  code: ErrorCode,
  detail: string,
  requestId: string,
  remedy?: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const problem = problemOf(code, detail, { instance: requestId, ...(remedy === undefined ? {} : { remedy }) });
  return textResponse(problem.status, 'application/problem+json', JSON.stringify(problem), headers);
}
