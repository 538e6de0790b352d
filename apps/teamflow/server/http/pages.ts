import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';

/** What `web/index.html` has where each answer puts its own nonce. */
const noncePlaceholder = '__CSP_NONCE__';

/**
 * TeamFlow's own pages, built by Vite. Nothing is loaded from elsewhere and no script stands in the page; the style
 * elements that Mantine makes carry a nonce of the answer's.
 */
export const pages: FastifyPluginAsync<{ readonly directory: string }> = async (app, { directory }) => {
  const page = await readFile(join(directory, 'index.html'), 'utf8');

  await app.register(fastifyStatic, {
    root: join(directory, 'assets'),
    prefix: '/assets/',
    index: false,
    // Their names hold a hash of what is in them.
    immutable: true,
    maxAge: '365d',
    setHeaders: (response) => {
      void response.header('x-content-type-options', 'nosniff');
    },
  });

  app.get('/', { schema: { hide: true } }, async (_request, reply) => {
    const nonce = randomBytes(16).toString('base64');
    void reply.headers({
      'content-security-policy':
        `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; ` +
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
    });
    return reply.type('text/html; charset=utf-8').send(page.replaceAll(noncePlaceholder, nonce));
  });
};
