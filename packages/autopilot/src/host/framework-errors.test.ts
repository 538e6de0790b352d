import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify';
import { describeFrameworkErrors } from './framework-errors.ts';

const refused = [
  ['/%ff', 400, 'FST_ERR_BAD_URL'],
  [`/${'x'.repeat(200)}`, 414, 'FST_ERR_MAX_PARAM_LENGTH'],
] as const;

/** What Fastify answers to both; with `described`, through ours. */
async function answers(options: FastifyServerOptions, described: boolean): Promise<readonly unknown[]> {
  const app = Fastify(options);
  if (described) {
    await app.register(
      Object.assign(
        async (part: FastifyInstance) =>
          describeFrameworkErrors(part, (request, reply, statusCode) => {
            void reply.header('x-described', `${request.url.slice(0, 4)} ${statusCode}`);
          }),
        // As the plugin is registered, and as somebody may register it in a part of an application.
        { [Symbol.for('skip-override')]: options.frameworkErrors === undefined },
      ),
    );
  }
  app.get('/:name', async () => 'x');
  const found = [];
  for (const [url, status] of refused) {
    const { statusCode, headers, body } = await app.inject({ url });
    if (described) assert.equal(headers['x-described'], `${url.slice(0, 4)} ${status}`);
    found.push([statusCode, String(headers['content-type']).split(';')[0], body]);
  }
  assert.equal((await app.inject({ url: '/a' })).headers['x-described'], undefined);
  await app.close();
  return found;
}

test('what Fastify refuses before it looks for a route is described, and is what it was', async () => {
  const found = await answers({}, true);
  assert.deepEqual(found, await answers({}, false));
  for (const [, , code] of refused) assert.ok(JSON.stringify(found).includes(code));
});

function say(reply: FastifyReply, text: string): void {
  void reply.code(404).type('text/plain').send(text);
}

test('an application’s own answer stays its own', async () => {
  const options: FastifyServerOptions = {
    frameworkErrors: (error, _request, reply) => say(reply, error.message),
  };
  assert.deepEqual(await answers(options, true), await answers(options, false));
});
