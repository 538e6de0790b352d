import { STATUS_CODES } from 'node:http';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Accounts, accountsPath, clientAddressHeader, type User } from '../accounts/accounts.ts';
import { type AdministrativeLog, aboutOf } from './administrative-log.ts';
import { Problem, type ProblemDocument, problemType } from './problem.ts';

/** Larger than anything better-auth takes. */
const bodyLimit = 64 * 1024;

/** Headers that are about the body, and so not kept with another one. */
const bodyHeaders: ReadonlySet<string> = new Set(['content-type', 'content-length']);
const noHeaders: ReadonlySet<string> = new Set();

function toWebRequest(request: FastifyRequest): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  }
  headers.set(clientAddressHeader, request.ip);
  const url = URL.parse(request.url, `${request.protocol}://${request.host}`);
  if (url === null) throw new Problem('TF_ADDRESS_INVALID', `${request.host} is no host that an address can have.`);
  const body = request.body as Buffer | undefined; // the parser below gives nothing else
  return new Request(url, { method: request.method, headers, ...(body === undefined ? {} : { body }) });
}

/** Whether it is a call of better-auth's administration that may change something; the path is as the router decoded it. */
function isAdministrative({ method, params }: FastifyRequest): boolean {
  const rest: unknown = Reflect.get(Object(params), '*');
  return method === 'POST' && typeof rest === 'string' && /(^|\/)admin(\/|$)/.test(rest);
}

/** Who is signed in; null: nobody, or it can't be told now. */
async function callerOf(accounts: Accounts, { headers }: FastifyRequest): Promise<User | null> {
  if (headers.cookie === undefined) return null;
  const session = await accounts.sessionOf(headers.cookie).catch(() => undefined);
  return session?.user ?? null;
}

function textIn(body: object, name: string): string | undefined {
  const value: unknown = Reflect.get(body, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** better-auth's refusal as RFC 9457 has it. Its own `code` and `message` stay, which its clients read. */
function problemOf(status: number, text: string, path: string): ProblemDocument & { readonly message: string } {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    // Empty, or a page: nothing to take over.
  }
  const body = typeof said === 'object' && said !== null ? said : {};
  const title = STATUS_CODES[status] ?? 'The call failed';
  const code = textIn(body, 'code') ?? title.toUpperCase().replaceAll(/[^A-Z]+/g, '_');
  const message = textIn(body, 'message') ?? `${title}.`;
  return { type: problemType(code), title, status, code, detail: message, message, instance: path };
}

interface AccountsBridgeOptions {
  readonly accounts: Accounts;
  readonly administrativeLog: AdministrativeLog;
}

/** Hands everything below /api/auth to better-auth, which has its own checks of origin, body and rate. */
export const accountsBridge: FastifyPluginAsync<AccountsBridgeOptions> = async (
  app,
  { accounts, administrativeLog },
) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
  app.route({
    method: ['GET', 'POST'],
    url: `${accountsPath}/*`,
    schema: { hide: true },
    // Whoever wants to see why there is too much to do has to sign in.
    config: { autopilot: { essential: true } },
    handler: async (request, reply) => {
      // Asked before, because the call may end the session that makes it, or remove who it is about.
      const by = isAdministrative(request) ? await callerOf(accounts, request) : null;
      const named = by === null ? null : aboutOf(request.body as Buffer | undefined); // `as`: the parser above gives nothing else
      const email = named === null ? null : await administrativeLog.emailOf(named.about);
      const response = await accounts.handle(toWebRequest(request));
      void reply.code(response.status);
      if (named !== null) await administrativeLog.keep(request, reply, { by, email, ...named });
      const replaced = response.status >= 400 ? bodyHeaders : noHeaders;
      for (const [name, value] of response.headers) {
        if (name !== 'set-cookie' && !replaced.has(name)) void reply.header(name, value);
      }
      for (const value of response.headers.getSetCookie()) void reply.header('set-cookie', value);
      if (response.status >= 400) {
        const problem = problemOf(response.status, await response.text(), request.url.split('?', 1)[0] ?? request.url);
        const retryAfter = response.headers.get('x-retry-after');
        if (retryAfter !== null) void reply.header('retry-after', retryAfter);
        return reply.type('application/problem+json').send(JSON.stringify(problem));
      }
      return reply.send(Buffer.from(await response.arrayBuffer()));
    },
  });
};
