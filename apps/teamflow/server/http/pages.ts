import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import type { SignUp } from '../environment.ts';

/** What `web/index.html` has where the server says whether people may make accounts for themselves. */
const signUpPlaceholder = '__SIGN_UP__';

/** Where there are pages: web/src/shell/pages.tsx has the same. Named, so that any other address is a 404. */
const addresses = ['/', '/sign-up', '/organizations', '/o/*', '/account', '/invitations/*', '/admin/*'] as const;

/** Nothing is loaded from elsewhere; no script and no style stands in the page or is made of text at run time. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** TeamFlow's own pages, built by Vite. */
export const pages: FastifyPluginAsync<{ readonly directory: string; readonly signUp: SignUp }> = async (
  app,
  { directory, signUp },
) => {
  const built = await readFile(join(directory, 'index.html'), 'utf8');
  const page = built.replaceAll(signUpPlaceholder, signUp);

  await app.register(fastifyStatic, {
    root: join(directory, 'assets'),
    prefix: '/assets/',
    index: false,
    // Their names hold a hash of what is in them.
    immutable: true,
    // The build has put them beside each other, at the highest level.
    preCompressed: true,
    maxAge: '365d',
    setHeaders: (response) => {
      void response.header('x-content-type-options', 'nosniff');
    },
  });

  for (const name of ['favicon.svg', 'color-scheme.js']) {
    app.get(`/${name}`, { schema: { hide: true } }, (_request, reply) =>
      // These keep their names, so browsers ask whether they are still the same.
      reply.sendFile(name, directory, { immutable: false, maxAge: 0 }),
    );
  }

  for (const address of addresses) {
    app.get(address, { schema: { hide: true } }, async (_request, reply) => {
      void reply.headers({
        'content-security-policy': policy,
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'cross-origin-opener-policy': 'same-origin',
      });
      return reply.type('text/html; charset=utf-8').send(page);
    });
  }
};
