import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Accounts, accountsPath, clientAddressHeader } from '../accounts/accounts.ts';

/** Larger than anything better-auth takes. */
const bodyLimit = 64 * 1024;

function toWebRequest(request: FastifyRequest): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  }
  headers.set(clientAddressHeader, request.ip);
  const url = new URL(request.url, `${request.protocol}://${request.host}`);
  const body = request.body as Buffer | undefined; // the parser below gives nothing else
  return new Request(url, { method: request.method, headers, ...(body === undefined ? {} : { body }) });
}

/** Hands everything below /api/auth to better-auth, which has its own checks of origin, body and rate. */
export const accountsBridge: FastifyPluginAsync<{ readonly accounts: Accounts }> = async (app, { accounts }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
  app.route({
    method: ['GET', 'POST'],
    url: `${accountsPath}/*`,
    schema: { hide: true },
    handler: async (request, reply) => {
      const response = await accounts.handle(toWebRequest(request));
      void reply.code(response.status);
      for (const [name, value] of response.headers) if (name !== 'set-cookie') void reply.header(name, value);
      for (const value of response.headers.getSetCookie()) void reply.header('set-cookie', value);
      return reply.send(Buffer.from(await response.arrayBuffer()));
    },
  });
};
