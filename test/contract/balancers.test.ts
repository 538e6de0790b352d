/**
 * Debian's HAProxy, with the configuration of docs/guides/balancers.md, in front of two applications; and what the guide's Envoy,
 * which can't be had here, asks of an application.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { createAgent } from '@teamflow/autopilot';
import { autopilot } from '@teamflow/autopilot/fastify';
import Fastify, { type FastifyInstance } from 'fastify';
import { leakCheck } from '../support/leak-check.ts';
import { skipUnless } from '../support/skip-unless.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const skip = skipUnless(
  spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).error === undefined,
  'haproxy',
  "install Debian's package haproxy, or put haproxy on the PATH",
);

/** What one application behind the balancer saw. */
interface Behind {
  readonly app: FastifyInstance;
  readonly address: string;
  readonly ids: string[];
  overloaded: boolean;
}

async function behind(t: TestContext, name: string): Promise<Behind> {
  const before = process.env['AUTOPILOT__ANSWERS__LOAD_REPORT'];
  process.env['AUTOPILOT__ANSWERS__LOAD_REPORT'] = 'proxies';
  const agent = createAgent({ service: 'orders', instance: name, controlPlane: 'none' });
  if (before === undefined) delete process.env['AUTOPILOT__ANSWERS__LOAD_REPORT'];
  else process.env['AUTOPILOT__ANSWERS__LOAD_REPORT'] = before;
  const app = Fastify({ trustProxy: '127.0.0.1', forceCloseConnections: true });
  t.after(async () => {
    await app.close();
    await agent.close();
  });
  const ids: string[] = [];
  const made: Behind = { app, address: '', ids, overloaded: false };
  await app.register(autopilot, { agent, principal: () => null });
  app.get('/readyz', { config: { autopilot: { essential: true } } }, async () => 'ready');
  app.get('/orders', async (request, reply) => {
    ids.push(request.id);
    if (made.overloaded) return await reply.code(503).header('retry-after', '1').send('more to do than can be done');
    return { name, client: request.ip };
  });
  app.post('/orders', async (request, reply) => {
    ids.push(request.id);
    return await reply.code(503).header('retry-after', '1').send('more to do than can be done');
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return Object.assign(made, { address: new URL(url).host });
}

interface Balancer {
  readonly url: string;
  /** What it has logged so far. */
  log(): string;
}

function readGuide(): Promise<string> {
  return readFile(new URL('../../docs/guides/balancers.md', import.meta.url), 'utf8');
}

/** HAProxy with the guide's text, the addresses replaced; it is given a socket that listens on a free port already. */
async function startBalancer(t: TestContext, first: Behind, second: Behind): Promise<Balancer> {
  const guide = await readGuide();
  const text = /```haproxy\n(.*?)```/s.exec(guide)?.[1] ?? '';
  const configuration = [
    ['bind :8080', 'bind fd@3'],
    ['10.0.0.1:3000', first.address],
    ['10.0.0.2:3000', second.address],
  ].reduce((sofar, [from = '', to = '']) => {
    assert.ok(sofar.includes(from), `the guide has ${from}`);
    return sofar.replace(from, to);
  }, text);
  const folder = await mkdtemp(join(tmpdir(), 'balancers-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'haproxy.cfg');
  await writeFile(file, configuration);
  const socket = createServer();
  socket.listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as { port: number }; // it listens on TCP
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe', descriptorOf(socket)] });
  let text_ = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      text_ += piece;
    });
  }
  // From here on it alone takes connections.
  socket.close();
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'close');
  });
  return { url: `http://127.0.0.1:${port}`, log: () => text_ };
}

/** The socket itself, to hand it to another program; Node has no name for it that is not its own. */
function descriptorOf(server: Server): number {
  const { _handle: handle } = server as unknown as { _handle: { fd: number } };
  return handle.fd;
}

describe('HAProxy, as the guide sets it up', { skip }, () => {
  it('names each request once, logs where its time went and how busy the process is, and keeps that to itself', async (t) => {
    const [first, second] = [await behind(t, 'one'), await behind(t, 'two')];
    const balancer = await startBalancer(t, first, second);
    const answer = await until(
      20_000,
      () => fetch(`${balancer.url}/orders`),
      ({ status }) => status === 200,
    );
    const { client } = (await answer.json()) as { client: string };
    assert.equal(client, '127.0.0.1');
    const id = answer.headers.get('x-request-id') ?? '';
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.ok([...first.ids, ...second.ids].includes(id), 'the application knows it by the same name');
    assert.match(answer.headers.get('server-timing') ?? '', /total;dur=/);
    assert.equal(answer.headers.get('endpoint-load-metrics'), null);
    // Whoever names his request himself is not believed.
    const named = await fetch(`${balancer.url}/orders`, { headers: { 'x-request-id': 'mine' } });
    assert.notEqual(named.headers.get('x-request-id'), 'mine');
    await named.arrayBuffer();
    const line = await until(
      10_000,
      async () =>
        balancer
          .log()
          .split('\n')
          .find((one) => one.includes(id)) ?? '',
      (found) => found !== '',
    );
    assert.match(line, /GET \/orders 200 .*timing="total;dur=.*load="TEXT cpu_utilization=.*application_utilization=/);
  });

  it('asks another process when one is overloaded, but only what may be asked twice', async (t) => {
    const [first, second] = [await behind(t, 'one'), await behind(t, 'two')];
    const balancer = await startBalancer(t, first, second);
    await until(
      20_000,
      async () => await (await fetch(`${balancer.url}/orders`)).text(),
      (text) => text.includes('"two"'),
    );
    first.overloaded = true;
    for (let request = 0; request < 10; request++) {
      const answer = await fetch(`${balancer.url}/orders`);
      assert.equal(answer.status, 200);
      assert.equal(((await answer.json()) as { name: string }).name, 'two');
    }
    assert.ok(first.ids.length > 0);
    const before = first.ids.length + second.ids.length;
    const posted = await fetch(`${balancer.url}/orders`, { method: 'POST' });
    assert.deepEqual([posted.status, posted.headers.get('retry-after')], [503, '1']);
    await posted.arrayBuffer();
    assert.equal(first.ids.length + second.ids.length, before + 1);
  });
});

const orcaNames: ReadonlySet<string> = new Set([
  'cpu_utilization',
  'mem_utilization',
  'application_utilization',
  'rps_fractional',
  'eps',
]);

/** A report as Envoy's source/common/orca/orca_parser.cc reads it; fails where that refuses it. */
function readAsEnvoy(header: string | null): ReadonlyMap<string, number> {
  const [, format, text = ''] = /^(TEXT|JSON) (.+)$/.exec(header ?? '') ?? [];
  assert.ok(format, `${header} has no form that Envoy knows`);
  const entries: readonly (readonly [string, unknown])[] =
    format === 'JSON'
      ? Object.entries(JSON.parse(text))
      : text.split(',').map((one) => {
          const [name = '', value = ''] = one.trim().split(/[=:]/);
          return [name, value === '' ? null : Number(value)];
        });
  const read = new Map<string, number>();
  for (const [name, value] of entries) {
    assert.ok(orcaNames.has(name), `Envoy knows no ${name}`);
    assert.ok(!read.has(name), `${name} stands there twice`);
    assert.ok(typeof value === 'number' && Number.isFinite(value) && value >= 0, `${name} is ${String(value)}`);
    read.set(name, value);
  }
  return read;
}

describe('Envoy, as the guide sets it up', () => {
  it('is answered a report that it reads, under the id that it gave, and keeps that report to itself', async (t) => {
    const guide = await readGuide();
    const added = /request_headers_to_add:\s+- header: \{ key: ([\w-]+), value: (\w+) \}/.exec(guide);
    const [, name = '', value = ''] = added ?? [];
    assert.deepEqual([name, value], ['endpoint-load-metrics-format', 'JSON']);
    assert.match(guide, /response_headers_to_remove: \[endpoint-load-metrics\]/);
    const { address } = await behind(t, 'one');
    const id = randomUUID();
    const asked = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'http', 'x-request-id': id };
    for (const headers of [{ ...asked, [name]: value }, asked]) {
      const answer = await fetch(`http://${address}/orders`, { headers });
      assert.equal(((await answer.json()) as { client: string }).client, '203.0.113.9');
      assert.equal(answer.headers.get('x-request-id'), id);
      const report = answer.headers.get('endpoint-load-metrics');
      assert.equal(report?.startsWith(headers === asked ? 'TEXT ' : 'JSON '), true, String(report));
      assert.ok(readAsEnvoy(report).has('application_utilization'));
    }
    const checked = /http_health_check: \{ path: (\S+) \}/.exec(guide)?.[1] ?? '';
    assert.equal((await fetch(`http://${address}${checked}`)).status, 200);
  });
});
