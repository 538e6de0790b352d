import type { FastifyRequest } from 'fastify';

/** Where Fastify keeps a request's route; null: not found, `undefined`: not looked for. */
let contextKey: symbol | null | undefined;

/**
 * The config object of the route that a request has matched; the same object for all requests of a route.
 *
 * Fastify's public way to it, `request.routeOptions`, makes an object of ten properties at each call, which is a tenth
 * of what all of our layers cost. So the first request is searched for the property behind it, by Fastify's own symbol;
 * one that does not lead to the same object, or is missing on another copy of Fastify, is not used.
 */
export function routeConfigOf(request: FastifyRequest): object {
  if (contextKey === undefined) contextKey = findContextKey(request);
  if (contextKey !== null) {
    const config = configAt(request, contextKey);
    if (config !== null) return config;
  }
  return request.routeOptions.config;
}

function findContextKey(request: FastifyRequest): symbol | null {
  const { config } = request.routeOptions;
  const keys = Object.getOwnPropertySymbols(request).filter((key) => key.description === 'fastify.context');
  return keys.find((key) => configAt(request, key) === config) ?? null;
}

function configAt(request: FastifyRequest, key: symbol): object | null {
  // Fastify's types do not know its symbols; what is there is looked at before it is used.
  const context = (request as unknown as Readonly<Record<symbol, { readonly config?: unknown } | undefined>>)[key];
  const config = context?.config;
  return typeof config === 'object' ? config : null;
}
