import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { answerNotFound, Problem } from './problem.ts';

/** The methods that each address takes, learned from the routes as they are registered. */
class AddressMethods {
  /** In the order of registration; the pattern of an address by the routes' own way to write it. */
  readonly #addresses = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();

  add(url: string, methods: readonly string[]): void {
    let known = this.#addresses.get(url);
    if (known === undefined) {
      known = { pattern: patternOf(url), methods: new Set() };
      this.#addresses.set(url, known);
    }
    for (const method of methods) known.methods.add(method);
  }

  /** None: there is nothing at this address. */
  of(path: string): readonly string[] {
    const found = new Set<string>();
    for (const { pattern, methods } of this.#addresses.values()) {
      if (pattern.test(path)) for (const method of methods) found.add(method);
    }
    return [...found].sort();
  }
}

/** `/tasks/:id`, `/files/*` and `/:room(^a|b$)` as find-my-way reads them. */
function patternOf(url: string): RegExp {
  const source = url.replace(
    /:\w+(?:\(\^?(.*?)\$?\)(?=\/|$))?|\*|[.+?^${}()|[\]\\]/g,
    (found, allowed: string | undefined) => {
      if (found === '*') return '.*';
      if (!found.startsWith(':')) return `\\${found}`;
      return allowed === undefined ? '[^/]+' : `(?:${allowed})`;
    },
  );
  return new RegExp(`^${source}$`);
}

/**
 * What no route takes: 404 where there is nothing; where there is, OPTIONS is told which methods the address takes, and any
 * other method is refused with the same list (RFC 9110, sections 9.3.7 and 15.5.6). Register it before all routes.
 */
export const otherMethods: FastifyPluginAsync = async (app: FastifyInstance) => {
  const addresses = new AddressMethods();
  app.addHook('onRoute', ({ url, method }) => addresses.add(url, Array.isArray(method) ? method : [method]));
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?', 1)[0] ?? request.url;
    const methods = addresses.of(path);
    if (methods.length === 0) return answerNotFound(request, reply);
    const allow = [...methods, 'OPTIONS'].join(', ');
    void reply.header('allow', allow);
    if (request.method === 'OPTIONS') return reply.code(204).send();
    throw new Problem('TF_METHOD', `${request.method} is not taken at ${path}. Use ${allow}.`);
  });
};

Object.assign(otherMethods, { [Symbol.for('skip-override')]: true });
