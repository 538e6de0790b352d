import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAgent } from '@teamflow/autopilot';
import { autopilot } from '@teamflow/autopilot/fastify';
import fastify from 'fastify';

test('options of other releases are taken, ignored, and named once in the log', async (t) => {
  const lines: string[] = [];
  const app = fastify({ logger: { level: 'warn', stream: { write: (line: string) => void lines.push(line) } } });
  const agent = createAgent({ service: 'orders', controlPlane: 'none' });
  t.after(() => agent.close());
  t.after(() => app.close());
  await app.register(autopilot, { agent });
  const config = { autopilot: { dictionaries: 'public', sample: 0.1, track: true } };
  app.get('/catalog', { config }, () => ({ ok: true }));
  app.get('/again', { config }, () => ({ ok: true }));
  assert.equal((await app.inject('/catalog')).statusCode, 200);
  assert.equal(lines.filter((line) => line.includes('config.autopilot.dictionaries')).length, 1);
  assert.equal(lines.filter((line) => line.includes('config.autopilot.sample')).length, 1);
  assert.equal(lines.length, 2);
});
