import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Adds what every answer of the application has. */
type DescribeRefusal = (request: FastifyRequest, reply: FastifyReply, statusCode: number) => void;

/** What Fastify refuses before it looks for a route: an address that can't be decoded, a parameter that is too long. */
interface FrameworkError {
  readonly code?: string;
  readonly message: string;
  readonly statusCode?: number;
}

type AnswerFrameworkError = (error: FrameworkError, request: FastifyRequest, reply: FastifyReply) => void;

/** As much of Fastify's options as is read anew for each refusal. */
interface RefusalOptions {
  frameworkErrors?: AnswerFrameworkError | null;
}

/**
 * Describes also what Fastify refuses by itself, for which no hook runs. The application's own `frameworkErrors` answers as
 * before; where there is none, the body is Fastify's own. Fastify keeps its options under a symbol; where that is not
 * found, nothing is changed.
 */
export function describeFrameworkErrors(app: FastifyInstance, describe: DescribeRefusal): void {
  const options = optionsOf(app);
  if (options === null) return;
  const answer = options.frameworkErrors ?? answerAsFastify;
  options.frameworkErrors = (error, request, reply) => {
    describe(request, reply, error.statusCode ?? 500);
    answer(error, request, reply);
  };
}

function optionsOf(app: FastifyInstance): RefusalOptions | null {
  // Of an encapsulated part of an application the options are on its prototype.
  for (let at: unknown = app; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at)) {
    const key = Object.getOwnPropertySymbols(at).find(({ description }) => description === 'fastify.options');
    if (key === undefined) continue;
    const options: unknown = Reflect.get(at, key);
    return typeof options === 'object' && options !== null && Object.isExtensible(options) ? options : null;
  }
  return null;
}

function answerAsFastify(
  { code, message, statusCode = 500 }: FrameworkError,
  _: FastifyRequest,
  reply: FastifyReply,
): void {
  // 414 included.
  const error = statusCode < 500 ? 'Bad Request' : 'Internal Server Error';
  void reply.code(statusCode).type('application/json').send(JSON.stringify({ error, code, message, statusCode }));
}
