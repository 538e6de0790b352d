import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import pg from 'pg';

/** Every error that TeamFlow answers on purpose: its code, and what goes with it. */
const problems = {
  TF_ADDRESS_INVALID: { status: 400, title: 'The address can not be used' },
  TF_PARAMETER_INVALID: { status: 400, title: 'A parameter is unknown or has a value that is not allowed' },
  TF_BODY_INVALID: { status: 400, title: 'The body can not be used' },
  TF_UNAUTHENTICATED: { status: 401, title: 'Sign in, or send an API key' },
  TF_FORBIDDEN: { status: 403, title: 'Your role in this organization does not allow this' },
  TF_ADMINISTRATORS_ONLY: { status: 403, title: 'Only administrators of this installation may do this' },
  TF_CROSS_SITE: { status: 403, title: 'This call does not come from a page of this site' },
  TF_NOT_FOUND: { status: 404, title: 'There is nothing here that you may see' },
  TF_METHOD: { status: 405, title: 'This address does not take this method' },
  TF_CONFLICT: { status: 409, title: 'This does not fit what is there' },
  TF_BODY_TOO_LARGE: { status: 413, title: 'The body is larger than allowed' },
  TF_MEDIA_TYPE: { status: 415, title: 'The body is of a type that is not read here' },
  TF_TOO_MANY: { status: 429, title: 'There are too many of these already' },
  TF_INTERNAL: { status: 500, title: 'Something failed inside TeamFlow' },
  TF_UNAVAILABLE: { status: 503, title: 'The database does not answer' },
} as const;

export type ProblemCode = keyof typeof problems;

/** An RFC 9457 answer, thrown. `detail` says what happened with the actual values, and what to do. */
export class Problem extends Error {
  override readonly name: string = 'Problem';
  readonly code: ProblemCode;

  constructor(code: ProblemCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The body of an error answer. */
export interface ProblemDocument {
  /** `urn:teamflow:problem:` and the code in lower case; `urn:autopilot:problem:` for what the autopilot's code found. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  /** Each field that was refused. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

interface Answer {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: ProblemDocument['errors'];
}

function answer(code: ProblemCode, detail: string): Answer {
  return { code, ...problems[code], detail };
}

const partNames: Readonly<Record<string, string>> = { querystring: 'query', body: 'body', params: 'path' };

function ofValidation(error: FastifyError): Answer {
  const part = error.validationContext ?? 'body';
  // An identifier of the wrong form names nothing, just as one of the right form that does not exist.
  if (part === 'params') return answer('TF_NOT_FOUND', 'There is nothing at this address.');
  const errors = (error.validation ?? []).slice(0, 20).map((one) => {
    const { additionalProperty, missingProperty, allowedValues } = one.params;
    const name = additionalProperty ?? missingProperty;
    const field = `${one.instancePath}${typeof name === 'string' ? `/${name}` : ''}`.slice(1).replaceAll('/', '.');
    if (typeof additionalProperty === 'string') return { field, message: 'is not known here' };
    if (Array.isArray(allowedValues)) return { field, message: `must be one of ${allowedValues.join(', ')}` };
    return { field, message: one.message ?? 'is not allowed' };
  });
  const said = errors.map(({ field, message }) => (field === '' ? message : `"${field}" ${message}`)).join('; ');
  return {
    ...answer(
      part === 'body' ? 'TF_BODY_INVALID' : 'TF_PARAMETER_INVALID',
      `In the ${partNames[part] ?? part}: ${said}.`,
    ),
    errors,
  };
}

/** What PostgreSQL's refusal means to a caller; undefined: it is our fault. */
function ofDatabase(error: pg.DatabaseError): Answer | undefined {
  switch (error.code) {
    case '23503':
      return answer('TF_CONFLICT', `The request refers to something that is not there (${error.constraint}).`);
    case '23505':
      return answer('TF_CONFLICT', `There is one like this already (${error.constraint}).`);
    case '23514':
      return answer('TF_BODY_INVALID', `A value is outside its limits (${error.constraint}).`);
    case '22021':
    case '22P05':
      return answer('TF_BODY_INVALID', 'A text holds a character that can not be stored (U+0000).');
    default: {
      // 53: out of resources; 57P: shutting down or starting; 08: connection lost; 40: worth trying again.
      const away = /^(53|57P|08|40)/.test(error.code ?? '');
      return away ? answer('TF_UNAVAILABLE', 'The database can not serve this now. Try again.') : undefined;
    }
  }
}

const connectionFailures: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT']);

function databaseIsAway(error: Error & { code?: unknown }): boolean {
  return (
    connectionFailures.has(String(error.code)) ||
    error.message.startsWith('timeout exceeded when trying to connect') ||
    error.message.startsWith('Connection terminated') ||
    // What pg says when a connection was lost between two statements of one caller.
    error.message.startsWith('Client has encountered a connection error') ||
    // What better-auth says when it could not read a session, whatever the database's reason was.
    error.message === 'Failed to get session'
  );
}

function classify(error: FastifyError): Answer {
  if (error instanceof Problem) return answer(error.code, error.message);
  if (error.validation !== undefined) return ofValidation(error);
  // The autopilot's paging raises errors of its own; both of these are about what the caller sent.
  if (error.code === 'AP_PAGE_CURSOR_INVALID' || error.code === 'AP_PARAMETER_INVALID') {
    const remedy = 'remedy' in error && typeof error.remedy === 'string' ? ` ${error.remedy}` : '';
    const { title } = problems.TF_PARAMETER_INVALID;
    return { code: error.code, status: 400, title, detail: `${error.message}${remedy}` };
  }
  if (error.code === 'FST_ERR_BAD_URL' || error.code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return { ...answer('TF_ADDRESS_INVALID', `${error.message}.`), status: error.statusCode ?? 400 };
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return answer('TF_BODY_TOO_LARGE', `${error.message}.`);
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return answer('TF_MEDIA_TYPE', 'Send the body as application/json.');
  }
  if (error instanceof pg.DatabaseError) {
    const found = ofDatabase(error);
    if (found !== undefined) return found;
  } else if (databaseIsAway(error)) {
    return answer('TF_UNAVAILABLE', 'The database does not answer. Try again in a few seconds.');
  } else if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    const title = STATUS_CODES[error.statusCode] ?? 'Bad request';
    const code = error.statusCode === 404 ? 'TF_NOT_FOUND' : 'TF_BODY_INVALID';
    return { code, status: error.statusCode, title, detail: `${error.message}.` };
  }
  return answer('TF_INTERNAL', 'The request failed and nothing was changed. The log of the service has the reason.');
}

/** The document's `type` for a code. */
export function problemType(code: string): string {
  return `urn:${code.startsWith('AP_') ? 'autopilot' : 'teamflow'}:problem:${code.toLowerCase()}`;
}

function send(request: FastifyRequest, reply: FastifyReply, found: Answer): FastifyReply {
  const document: ProblemDocument = {
    type: problemType(found.code),
    title: found.title,
    status: found.status,
    code: found.code,
    detail: found.detail,
    instance: request.url.split('?', 1)[0] ?? request.url,
    ...(found.errors === undefined ? {} : { errors: found.errors }),
  };
  if (found.status === 503) void reply.header('retry-after', '2');
  // As a string, so that no response schema of the route reshapes it.
  return reply.code(found.status).type('application/problem+json').send(JSON.stringify(document));
}

/** How often the log is told that the database is away, at most. */
const UNAVAILABLE_EVERY_MS = 10_000;

type AnswerError = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * Makes Fastify's error handler: every failure becomes problem+json; what is our own fault is logged and not shown. While
 * the database is away every request fails in the same way, so that is a line for some of them, with how many there were.
 */
export function makeAnswerError(): AnswerError {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let untold = 0;
  const logUnavailable = ({ message, code }: FastifyError, { log }: FastifyRequest): void => {
    untold += 1;
    const now = performance.now();
    if (now - toldAtMs < UNAVAILABLE_EVERY_MS) return;
    log.error({ reason: { message, code }, requests: untold }, 'the database is away');
    toldAtMs = now;
    untold = 0;
  };
  return (error, request, reply) => {
    const found = classify(error);
    if (found.code === 'TF_UNAVAILABLE') logUnavailable(error, request);
    else if (found.status >= 500) request.log.error({ err: error }, 'request failed');
    return send(request, reply, found);
  };
}

/** Fastify's handler for addresses that no route has. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return send(
    request,
    reply,
    answer('TF_NOT_FOUND', `There is nothing at ${request.method} ${request.url.split('?', 1)[0]}.`),
  );
}
