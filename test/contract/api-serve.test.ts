/** `autopilot serve` as a process: by itself, and as the child of an agent. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DownMessage } from '../../packages/autopilot/src/link/protocol.ts';
import { TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const main = fileURLToPath(new URL('../../packages/autopilot/src/cli/main.ts', import.meta.url));
const bare = { PATH: process.env['PATH'] ?? '' };

interface Ran {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly error: () => string;
  readonly ended: Promise<number | null>;
}

/** `close` comes after the last output, but never to a child whose channel was disconnected from this side. */
function watch(child: ChildProcess, ends: 'close' | 'exit' = 'close'): Ran {
  let out = '';
  let error = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    out += piece;
  });
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    error += piece;
  });
  return {
    child,
    out: () => out,
    error: () => error,
    ended: once(child, ends).then(([code]) => code as number | null),
  };
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  return watch(spawn(process.execPath, ['-C', 'source', main, ...args], { env: { ...bare, ...env } }));
}

async function until<Value>(look: () => Value | undefined | null | false): Promise<Value> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = look();
    if (value) return value;
    assert.ok(performance.now() < deadline, 'it did not come within 20 s');
    await delay(20);
  }
}

const addressIn = (ran: Ran): Promise<string> => until(() => /answers at (http:\S+)/.exec(ran.out())?.[1]);

describe('by itself', () => {
  it('prints its address and the token it made, answers, and ends in order on a signal', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const ran = run(['serve', '--port', '0']);
      const address = await addressIn(ran);
      const token = await until(() => /: (autopilot_\S+)$/m.exec(ran.out())?.[1]);
      const response = await fetch(`${address}/api/v1/performance/dashboard`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(response.status, 200);
      await response.text();
      const stream = await fetch(`${address}/api/v1/performance/dashboard`, {
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      });
      const reading = stream.text();
      const started = performance.now();
      ran.child.kill(signal);
      assert.equal(await ran.ended, 0);
      assert.ok(performance.now() - started < 3000);
      await reading;
      assert.equal(ran.out().split(token).length, 2);
      assert.equal(ran.error(), '');
    }
  });

  it('takes its settings from flags before the environment, and shows no token that was given', async () => {
    const ran = run(['serve', '--port=0', '--service', 'orders'], {
      AUTOPILOT_PORT: '1',
      AUTOPILOT_TOKEN: TOKEN,
      HOST: '',
    });
    const address = await addressIn(ran);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const health = (await (await fetch(`${address}/api/v1/performance/health`, { headers })).json()) as {
      service: string;
    };
    assert.equal(health.service, 'orders');
    assert.doesNotMatch(ran.out(), new RegExp(TOKEN));
    ran.child.kill('SIGTERM');
    assert.equal(await ran.ended, 0);
  });

  it('says what is wrong with how it was called, with exit code 2', async () => {
    const wrong: readonly (readonly [args: readonly string[], env: Record<string, string>, says: RegExp])[] = [
      [['serve', '--prot', '1'], {}, /--prot is not a flag.*--port was probably meant/],
      [['serve', '--port'], {}, /--port/],
      [['serve', '--port', '99999'], {}, /"99999"/],
      [['serve', 'now'], {}, /now/],
      [['serve'], { AUTOPILOT_PORT: 'x' }, /AUTOPILOT_PORT/],
      [['serve'], { AUTOPILOT_TOKEN: 'short' }, /AUTOPILOT_TOKEN.*5 characters; it needs 32/],
      [['serve'], { AUTOPILOT_LINK_KEY: 'short' }, /AUTOPILOT_LINK_KEY has 5 characters/],
      [['server'], {}, /"serve" was probably meant/],
    ];
    const runs = wrong.map(([args, env]) => run(args, env));
    for (const [index, ran] of runs.entries()) {
      assert.equal(await ran.ended, 2, ran.error());
      assert.match(ran.error(), wrong[index]?.[2] ?? /$^/);
      assert.doesNotMatch(ran.error(), /\n\s+at /);
    }
  });

  it('helps', async () => {
    const [all, one, version] = [run(['--help']), run(['serve', '--help']), run(['--version'])];
    assert.deepEqual([await all.ended, await one.ended, await version.ended], [0, 0, 0]);
    assert.match(all.out(), /serve +run the control plane/);
    for (const word of ['--port <number>', 'AUTOPILOT_PORT', '--host', 'AUTOPILOT_TOKEN', 'AUTOPILOT_LINK_KEY']) {
      assert.ok(one.out().includes(word), word);
    }
    assert.match(version.out(), /^\d+\.\d+\.\d+\n$/);
  });

  it('names the port that is taken, with exit code 1', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const ran = run(['serve'], { AUTOPILOT_PORT: String(port) });
    assert.equal(await ran.ended, 1);
    assert.match(ran.error(), new RegExp(`port ${port} of 127.0.0.1: another program uses it.*AUTOPILOT_PORT`));
    await new Promise((resolve) => holder.close(resolve));
  });
});

describe('as a child', () => {
  const start = (): Ran & { heard: DownMessage[] } => {
    const child = fork(main, ['serve'], {
      execArgv: ['-C', 'source'],
      serialization: 'advanced',
      silent: true,
      env: { ...bare, AUTOPILOT_PORT: '0', AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_LINK_KEY: 'k'.repeat(64) },
    });
    const heard: DownMessage[] = [];
    child.on('message', (message) => heard.push(message as DownMessage));
    return { ...watch(child, 'exit'), heard };
  };
  const origin = { service: 'orders', instance: 'one', release: '1' };
  const hello = { kind: 'hello', protocol: 1, origin, pid: process.pid, startedAt: Date.now(), databases: [] };

  it('ends with a parent that was gone before it had started', async () => {
    const serving = start();
    await once(serving.child, 'spawn');
    serving.child.disconnect();
    assert.equal(await serving.ended, 0);
  });

  it('speaks the link, answers from what it is sent, and ends with its parent', async () => {
    const ran = start();
    ran.child.send(hello);
    const welcome = await until(() => ran.heard.find((message) => message.kind === 'welcome'));
    const at = Math.floor(Date.now() / 1000) * 1000 - 1000;
    ran.child.send({
      kind: 'windows',
      sequence: 1,
      windows: [windowOf(at, [routeOf('GET /x', [5, 7])])],
      statements: [],
    });
    await until(() => ran.heard.some((message) => message.kind === 'ack' && message.sequence === 1));
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${welcome.address}/api/v1/performance/routes`, { headers });
    const list = (await response.json()) as { routes: { route: string; requests: number }[] };
    assert.deepEqual(
      list.routes.map(({ route, requests }) => [route, requests]),
      [['GET /x', 2]],
    );
    // Ctrl-C reaches both; the parent decides.
    ran.child.kill('SIGINT');
    await delay(200);
    assert.equal(ran.child.exitCode, null);
    const started = performance.now();
    ran.child.disconnect();
    assert.equal(await ran.ended, 0);
    assert.ok(performance.now() - started < 600, `${performance.now() - started} ms`);
  });

  it('refuses an agent of another protocol and says why', async () => {
    const ran = start();
    ran.child.send({ ...hello, protocol: 99 });
    const refused = await until(() => ran.heard.find((message) => message.kind === 'refused'));
    assert.match(refused.reason, /protocol 99/);
    assert.equal(await ran.ended, 0);
  });
});
