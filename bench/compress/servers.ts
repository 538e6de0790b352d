import { createServer, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { headerOf, type RuledAnswer, ruledAnswer } from '../../test/support/compression-rules.ts';
import { changed, taskList } from './task-list.ts';

/** A server whose answers are compressed by one or the other, or by nobody. It answers the lists and the rules alike. */
export type ServerName =
  | 'Fastify bare'
  | 'Fastify, autopilot'
  | 'Fastify, autopilot without its cache'
  | 'Fastify, autopilot, thorough'
  | 'Fastify, autopilot, smallest'
  | 'Fastify, @fastify/compress'
  | 'Express bare'
  | 'Express, autopilot'
  | 'Express, autopilot without its cache'
  | 'Express, autopilot, thorough'
  | 'Express, autopilot, smallest'
  | 'Express, compression'
  | 'Koa, koa-compress'
  | 'Hono, hono/compress';

/** The paths of the measured bodies, and their bytes. */
export const sizes = { '/2k': 2_048, '/20k': 20_480, '/200k': 204_800 } as const;

const lists = Object.entries(sizes).map(([path, bytes]) => ({ path, list: taskList(bytes) }));

/** What is beside compression in the autopilot is not what is compared. */
function compressionAlone(): void {
  Object.assign(process.env, {
    AUTOPILOT__SECURITY__HEADERS: 'false',
    AUTOPILOT__SECURITY__RATE_LIMITS: 'false',
    AUTOPILOT__OVERLOAD__ENABLED: 'false',
    AUTOPILOT__ANSWERS__SERVER_TIMING: 'off',
    AUTOPILOT__ANSWERS__REQUEST_ID: 'off',
  });
}

/** The list is the same each time, as that of a page which many look at is; what changes each time is measured without the cache. */
function withoutCache(): void {
  process.env['AUTOPILOT__COMPRESSION__CACHE_BYTES'] = '0';
}

/** Smaller for more CPU time, each body made anew: for a comparison at that of the peers. */
function trying(effort: 'thorough' | 'smallest'): void {
  withoutCache();
  process.env['AUTOPILOT__COMPRESSION__EFFORT'] = effort;
}

async function fastify(by: 'nobody' | 'ours' | 'theirs'): Promise<Server> {
  const { default: makeFastify } = await import('fastify');
  const app = makeFastify({ forceCloseConnections: true });
  if (by === 'theirs') await app.register((await import('@fastify/compress')).default);
  if (by === 'ours') {
    compressionAlone();
    const [{ createAgent }, plugin] = await Promise.all([
      import('@teamflow/autopilot'),
      import('@teamflow/autopilot/fastify'),
    ]);
    const agent = createAgent({ service: 'bench', controlPlane: 'none' });
    await app.register(plugin.autopilot, { agent, security: false });
  }
  for (const { path, list } of lists) app.get(path, () => Promise.resolve(list));
  for (const { path, list } of lists) {
    let polls = 0;
    const options = { config: { autopilot: { dictionary: 'public' } } } as const;
    app.get(`/polled${path}`, options, (_, reply) =>
      reply.header('cache-control', 'max-age=600').send(changed(list, polls++)),
    );
  }
  app.get('/*', async (request, reply) => {
    const { status, headers, body } = ruledAnswer(request.url, headerOf(request.headers));
    return await reply.code(status).headers(headers).send(body);
  });
  await app.ready();
  return app.server;
}

async function express(by: 'nobody' | 'ours' | 'theirs'): Promise<Server> {
  const { default: makeExpress } = await import('express');
  const app = makeExpress();
  if (by === 'theirs') app.use((await import('compression')).default());
  if (by === 'ours') {
    compressionAlone();
    const [{ createAgent }, { compression }] = await Promise.all([
      import('@teamflow/autopilot'),
      import('@teamflow/autopilot/http'),
    ]);
    app.use(compression({ agent: createAgent({ service: 'bench', controlPlane: 'none' }) }));
  }
  for (const { path, list } of lists) app.get(path, (_, response) => response.json(list));
  app.get(/.*/, (request, response) => {
    const url = request.url ?? '/';
    write(response, ruledAnswer(url, headerOf(request.headers)));
  });
  return createServer(app);
}

function write(response: ServerResponse, { status, headers, body }: RuledAnswer): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body instanceof Readable) {
    response.once('close', () => body.destroy());
    body.pipe(response);
  } else response.end(body ?? undefined);
}

async function koa(): Promise<Server> {
  const [{ default: Koa }, { default: compress }] = await Promise.all([import('koa'), import('koa-compress')]);
  const app = new Koa();
  // What goes wrong in it is what its answers show.
  app.silent = true;
  app.use(compress());
  app.use((context) => {
    const { status, headers, body } = ruledAnswer(context.path, (name) => context.request.get(name));
    context.status = status;
    context.body = body;
    context.set(headers);
  });
  return createServer(app.callback());
}

async function hono(): Promise<Server> {
  const [{ Hono }, { compress }, { getRequestListener }] = await Promise.all([
    import('hono'),
    import('hono/compress'),
    import('@hono/node-server'),
  ]);
  const app = new Hono();
  app.use(compress());
  app.get('/*', (context) => {
    const { status, headers, body } = ruledAnswer(context.req.path, (name) => context.req.header(name));
    // `as`: Node's web stream is the platform's.
    const sent =
      body instanceof Readable
        ? (Readable.toWeb(body) as ReadableStream)
        : body === null
          ? null
          : new Uint8Array(Buffer.from(body as string)); // of either kind
    return new Response(status === 204 ? null : sent, { status, headers });
  });
  const listener = getRequestListener(app.fetch);
  return createServer((request, response) => void listener(request, response));
}

export const servers: Readonly<Record<ServerName, () => Promise<Server>>> = {
  'Fastify bare': () => fastify('nobody'),
  'Fastify, autopilot': () => fastify('ours'),
  'Fastify, @fastify/compress': () => fastify('theirs'),
  'Fastify, autopilot, thorough': () => {
    trying('thorough');
    return fastify('ours');
  },
  'Fastify, autopilot, smallest': () => {
    trying('smallest');
    return fastify('ours');
  },
  'Fastify, autopilot without its cache': () => {
    withoutCache();
    return fastify('ours');
  },
  'Express bare': () => express('nobody'),
  'Express, autopilot': () => express('ours'),
  'Express, autopilot without its cache': () => {
    withoutCache();
    return express('ours');
  },
  'Express, autopilot, thorough': () => {
    trying('thorough');
    return express('ours');
  },
  'Express, autopilot, smallest': () => {
    trying('smallest');
    return express('ours');
  },
  'Express, compression': () => express('theirs'),
  'Koa, koa-compress': koa,
  'Hono, hono/compress': hono,
};
