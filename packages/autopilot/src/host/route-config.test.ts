import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fastify, { type FastifyRequest } from 'fastify';
import { routeConfigOf } from './route-config.ts';

describe('routeConfigOf', () => {
  test('gives the object that routeOptions gives, of a route and of none', async () => {
    const app = fastify();
    const same: boolean[] = [];
    app.addHook('onRequest', (request, _reply, done) => {
      same.push(routeConfigOf(request) === request.routeOptions.config);
      done();
    });
    app.get('/tasks/:id', () => 'found');
    await app.inject('/tasks/1');
    await app.inject('/tasks/2');
    await app.inject('/nowhere');
    await app.close();
    assert.deepEqual(same, [true, true, true]);
  });

  test('asks a request of another Fastify in the public way', () => {
    const config = { url: '/' };
    // As much of a request as is looked at.
    const foreign = { routeOptions: { config } } as unknown as FastifyRequest;
    assert.equal(routeConfigOf(foreign), config);
  });
});
