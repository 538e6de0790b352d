/** The API over the network: streams, hostile connections, the dashboard's files, starting and ending. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { busySecond, type ControlWorld, controlWorld, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

let world: ControlWorld;
let folder: string;
let slow: Socket;
let slowEnded: Promise<{ afterMs: number; text: string }>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'autopilot-dashboard-'));
  world = await controlWorld({
    clock: systemClock,
    environment: { AUTOPILOT__API__MAX_STREAMS: '20' },
    dashboardFolder: join(folder, 'dashboard'),
  });
  await world.link('one').windows([busySecond(Math.floor(Date.now() / 1000) * 1000 - 1000)]);
  // Begins now and is looked at in the last test: a request that never ends its head.
  const started = performance.now();
  slow = connect(world.plane.port, '127.0.0.1');
  slow.write('GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  slowEnded = readAll(slow).then((text) => ({ afterMs: performance.now() - started, text }));
});
after(async () => {
  slow.destroy();
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
leakCheck(after);

const authorized = { authorization: `Bearer ${TOKEN}` };

function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    socket.once('close', () => resolve(text));
    socket.on('error', () => {});
  });
}

/** Sends bytes as they are, which clients of good manners do not. */
async function raw(head: string): Promise<string> {
  const socket = connect(world.plane.port, '127.0.0.1');
  socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  return readAll(socket);
}

function openStream(path: string): Promise<{ response: IncomingMessage; end: () => void }> {
  return new Promise((resolve, reject) => {
    const call = request(`${world.plane.address}${path}`, {
      headers: { ...authorized, accept: 'text/event-stream' },
      agent: false,
    });
    call.on('response', (response) => {
      response.on('error', () => {});
      resolve({ response, end: () => call.destroy() });
    });
    call.once('error', reject);
    call.end();
  });
}

async function until(condition: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `it did not come within ${withinMs} ms`);
    await delay(10);
  }
}

describe('live streams', () => {
  it('send their first event at once and the next within a second or so, unbuffered', async () => {
    const started = performance.now();
    const { response, end } = await openStream('/api/v1/performance/dashboard');
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(response.headers['cache-control'], 'no-store');
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    const events = (): number => text.split('event: dashboard\n').length - 1;
    await until(() => events() === 1 && text.endsWith('\n\n'));
    const first = performance.now() - started;
    const whole = text.length;
    await until(() => events() === 2 && text.endsWith('\n\n'));
    const second = performance.now() - started;
    assert.ok(first < 500, `first event after ${first} ms`);
    assert.ok(second < 2500, `second event after ${second} ms`);
    assert.ok(text.length - whole < whole / 2, 'later events are cut');
    end();
    await until(() => world.plane.openStreams === 0);
  });

  it('let the control plane know when their client has gone', async () => {
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => openStream('/api/v1/performance/metrics?kind=route')),
    );
    for (const { response } of streams) response.resume();
    assert.equal(world.plane.openStreams, 20);
    const refused = await fetch(`${world.plane.address}/api/v1/performance/dashboard`, {
      headers: { ...authorized, accept: 'text/event-stream' },
    });
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '5']);
    assert.equal(((await refused.json()) as { code: string }).code, 'AP_TOO_MANY_STREAMS');
    for (const { end } of streams) end();
    await until(() => world.plane.openStreams === 0, 1000);
  });

  it('queue nothing for a client that does not read', async () => {
    const { response, end } = await openStream('/api/v1/performance/dashboard?minutes=60');
    response.pause();
    let heard = 0;
    const watching = await openStream('/api/v1/performance/dashboard?minutes=60');
    watching.response.on('data', (piece: Buffer) => {
      heard += piece.toString().split('event: dashboard\n').length - 1;
    });
    await until(() => heard >= 4, 10_000);
    // What the paused one was sent fits into the buffers of its socket; the server holds one event at most.
    const before = process.memoryUsage().arrayBuffers;
    await until(() => heard >= 6, 10_000);
    assert.ok(process.memoryUsage().arrayBuffers - before < 5_000_000);
    end();
    watching.end();
    await until(() => world.plane.openStreams === 0);
  });
});

describe('hostile requests', () => {
  it('never reach a file outside of the dashboard', async () => {
    await writeFile(join(folder, 'secret.txt'), 'top secret');
    await mkdir(join(folder, 'dashboard', 'assets'), { recursive: true });
    await writeFile(join(folder, 'dashboard', 'index.html'), '<!doctype html><title>dashboard</title>');
    await writeFile(join(folder, 'dashboard', 'assets', 'app-a1b2c3.js'), 'export {};');
    await symlink(join(folder, 'secret.txt'), join(folder, 'dashboard', 'assets', 'link.txt'));
    for (const path of [
      '/autopilot/../secret.txt',
      '/autopilot/../../secret.txt',
      '/autopilot/%2e%2e/secret.txt',
      '/autopilot/%2e%2e%2fsecret.txt',
      '/autopilot/..%2fsecret.txt',
      '/autopilot/..%5csecret.txt',
      '/autopilot/....//secret.txt',
      '/autopilot/assets/../../secret.txt',
      '/autopilot/assets/..%2f..%2fsecret.txt',
      '/autopilot/assets/link.txt',
      '/autopilot/secret.txt%00.html',
      '/autopilot//etc/passwd.txt',
      `/autopilot/${encodeURIComponent(join(folder, 'secret.txt'))}`,
      '/autopilot/%c0%ae%c0%ae/secret.txt',
      '/autopilot/%',
      'http://elsewhere/autopilot/../secret.txt',
    ]) {
      const answer = await raw(`GET ${path} HTTP/1.1`);
      assert.doesNotMatch(answer, /top secret|root:/, path);
      assert.match(answer, /^HTTP\/1\.1 (?:404|400|200) /, path);
      if (answer.startsWith('HTTP/1.1 200')) assert.match(answer, /<title>dashboard/, path);
    }
  });

  it('are refused when they are too long, malformed, or claim two lengths', async () => {
    assert.match(await raw(`GET /livez?${'x'.repeat(10_000)} HTTP/1.1`), /^HTTP\/1\.1 414 /);
    assert.match(await raw(`GET /livez?${'x'.repeat(100_000)} HTTP/1.1`), /^HTTP\/1\.1 431 /);
    assert.match(await raw(`GET /livez HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}`), /^HTTP\/1\.1 431 /);
    assert.match(await raw('NONSENSE'), /^HTTP\/1\.1 400 /);
    const both = 'POST /livez HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked';
    assert.match(await raw(both), /^HTTP\/1\.1 400 /);
    assert.match(await raw('GET /livez HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc'), /^HTTP\/1\.1 400 /);
  });

  it('name another host and get nothing that a token would not open', async () => {
    const answer = await raw('GET /api/v1/performance/dashboard HTTP/1.1\r\nOrigin: http://evil.example');
    assert.match(answer, /^HTTP\/1\.1 401 /);
    assert.doesNotMatch(answer, /access-control-allow/i);
  });
});

describe('the dashboard', () => {
  it('has its files with the right types, caching and policy, and its page for every place in it', async () => {
    const page = await fetch(`${world.plane.address}/autopilot/`);
    assert.deepEqual([page.status, page.headers.get('cache-control')], [200, 'no-cache']);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'/);
    assert.doesNotMatch(policy, /unsafe-eval|script-src[^;]*unsafe-inline/);
    const text = await page.text();
    for (const path of [
      '/autopilot/routes/GET%20%2Ftasks%2F%3Aid',
      '/autopilot/routes/GET%20%2Ffile.json',
      '/autopilot/x',
    ]) {
      assert.equal(await (await fetch(world.plane.address + path)).text(), text);
    }
    const script = await fetch(`${world.plane.address}/autopilot/assets/app-a1b2c3.js`);
    assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.equal(script.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(script.headers.get('x-content-type-options'), 'nosniff');
    assert.equal((await fetch(`${world.plane.address}/autopilot/assets/old-000.js`)).status, 404);
    for (const path of ['/', '/autopilot']) {
      const moved = await fetch(world.plane.address + path, { redirect: 'manual' });
      assert.deepEqual([moved.status, moved.headers.get('location')], [302, '/autopilot/']);
    }
    for (const path of ['/autopilot/%00', '/autopilot/x%0a', '/autopilot/routes/%00', '/autopilot/%zz']) {
      const refused = await fetch(world.plane.address + path);
      assert.deepEqual([refused.status, refused.headers.get('content-type')], [404, 'application/problem+json'], path);
    }
    assert.equal((await fetch(`${world.plane.address}/autopilot/`, { method: 'POST' })).status, 405);
  });

  it('says how to build it when it is not there', async () => {
    await using bare = await controlWorld({ dashboardFolder: join(folder, 'nothing') });
    const response = await bare.get('/autopilot/', {});
    assert.equal(response.status, 503);
    assert.match(await response.text(), /has not been built.*npm run build/s);
  });
});

describe('starting and ending', () => {
  it('names the port that is taken and how to choose another', async () => {
    await assert.rejects(
      controlWorld({ port: world.plane.port }),
      (error: Error & { code?: string; remedy?: string }) => {
        assert.equal(error.code, 'AP_LISTEN_FAILED');
        assert.match(error.message, new RegExp(`port ${world.plane.port} of 127.0.0.1: another program uses it`));
        assert.match(error.remedy ?? '', /AUTOPILOT_PORT/);
        return true;
      },
    );
  });

  it('ends streams and connections that are open, soon', async () => {
    const ending = await controlWorld({ clock: systemClock });
    const agent = ending.link('one');
    const streaming = await fetch(`${ending.plane.address}/api/v1/performance/dashboard`, {
      headers: { ...authorized, accept: 'text/event-stream' },
    });
    const idle = connect(ending.plane.port, '127.0.0.1');
    await once(idle, 'connect');
    const started = performance.now();
    const reading = streaming.text();
    await ending[Symbol.asyncDispose]();
    assert.ok(performance.now() - started < 1500, `${performance.now() - started} ms`);
    assert.match(await reading, /event: dashboard/);
    assert.equal(agent.closed, true);
    assert.equal((await ending.get('/readyz', {})).status, 503);
    idle.destroy();
    // And again, which does nothing.
    await ending.plane.close();
  });

  it('lets two live in one process without knowing of each other', async () => {
    await using other = await controlWorld();
    other.link('x', 'billing');
    const services = async (of: ControlWorld): Promise<string> =>
      ((await (await of.get('/api/v1/performance/health')).json()) as { service: string }).service;
    assert.deepEqual([await services(other), await services(world)], ['billing', 'orders']);
  });
});

describe('slow requests', () => {
  it('hold no connection for long', { timeout: 30_000 }, async () => {
    const { afterMs, text } = await slowEnded;
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.ok(afterMs > 9000 && afterMs < 16_000, `${afterMs} ms`);
  });
});
