/** What a real browser makes of compressed answers: dictionaries, and padding. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import Fastify from 'fastify';
import type { Page } from 'playwright-core';
import { createAgent } from '../../packages/autopilot/src/agent.ts';
import { autopilot } from '../../packages/autopilot/src/host/fastify.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { leakCheck } from '../support/leak-check.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const run = promisify(execFile);

interface Answered {
  readonly coding: string;
  readonly offered: string | undefined;
  readonly bytes: number;
}

const agent = createAgent({ service: 'orders', controlPlane: 'none' });
const app = Fastify({ forceCloseConnections: true });
/** What went over the wire, latest last. */
const answers: Answered[] = [];
let chromium: TestBrowser;
let page: Page;
let polls = 0;

/** A list of which every twentieth row is another one each time. */
function list(): readonly unknown[] {
  polls++;
  return Array.from({ length: 400 }, (_, id) => ({
    id: (id * 2_654_435_761) % 4_294_967_296,
    title: id % 20 === 0 ? `Changed ${polls * 7_919 + id}` : `Task ${id * 31}`,
  }));
}

before(async () => {
  app.addHook('onResponse', async (_, reply) => {
    answers.push({
      coding: String(reply.getHeader('content-encoding')),
      offered: reply.getHeader('use-as-dictionary') as string | undefined, // ours is a text
      bytes: Number(reply.getHeader('content-length')),
    });
  });
  // A page can't say what its browser takes.
  app.addHook('onRequest', async ({ headers, raw }) => {
    const only = /[?]only=(\w+)/.exec(raw.url ?? '')?.[1];
    if (only !== undefined) headers['accept-encoding'] = only;
  });
  await app.register(autopilot, { agent, security: false });
  app.get('/', (_, reply) => reply.type('text/html').send('<!doctype html><title>Tasks</title>'));
  app.get('/tasks', { config: { autopilot: { dictionary: 'public' } } }, (_, reply) =>
    reply.header('cache-control', 'max-age=600').send(list()),
  );
  app.get('/secret', { config: { autopilot: { secrets: true } } }, () => list());
  await app.listen({ port: 0, host: '127.0.0.1' });
  chromium = await launchChromium();
  page = await chromium.browser.newPage();
  const { port } = app.server.address() as AddressInfo; // it listens on TCP
  await page.goto(`http://localhost:${port}/`);
});

after(async () => {
  await chromium[Symbol.asyncDispose]();
  await app.close();
  await agent.close();
});

/** The rows as the page's script reads them, once the server has noted its answer too. */
async function poll(path: string): Promise<number> {
  const seen = answers.length;
  const rows = await page.evaluate(async (url) => {
    const answer = await fetch(url, { cache: 'no-cache' });
    return ((await answer.json()) as readonly unknown[]).length; // ours
  }, path);
  await until(10_000, async () => answers.length > seen, Boolean);
  return rows;
}

test('Chromium takes an answer as the dictionary of the next ones, and reads them', { timeout: 60_000 }, async () => {
  // It keeps a dictionary a moment after its answer has ended.
  for (let i = 0; i < 100 && answers.at(-1)?.coding !== 'dcz'; i++) assert.equal(await poll('/tasks?page=1'), 400);
  const offered = answers.find(({ coding }) => coding === 'zstd');
  assert.equal(offered?.offered, 'match="/tasks"');
  assert.equal(await poll('/tasks?page=2'), 400);
  const last = answers.at(-1);
  assert.equal(last?.coding, 'dcz', JSON.stringify(answers.slice(-3)));
  assert.ok(last.bytes * 10 <= offered.bytes, `${last.bytes} bytes of ${offered.bytes}`);
});

test('Chromium and curl read what is padded', { timeout: 60_000 }, async (t) => {
  const { port } = app.server.address() as AddressInfo; // it listens on TCP
  for (const coding of ['gzip', 'zstd']) {
    const path = `/secret?only=${coding}`;
    assert.equal(await poll(path), 400);
    assert.equal(answers.at(-1)?.coding, coding);
    try {
      const { stdout } = await run('curl', ['-s', '--compressed', `http://127.0.0.1:${port}${path}`]);
      assert.equal((JSON.parse(stdout) as readonly unknown[]).length, 400);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      t.diagnostic(`curl does not read ${coding} here: ${error.message}`);
    }
  }
});
