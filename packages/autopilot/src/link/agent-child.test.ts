import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { AgentChild, childEnvironment } from './agent-child.ts';
import type { AgentChannel } from './protocol.ts';

/** A child that says who it is and which port it was given. */
const program = `
process.on('disconnect', () => process.exit(0));
process.send({ pid: process.pid, port: process.env.AUTOPILOT_PORT, secret: process.env.DATABASE_URL ?? null });
`;

async function start(
  t: TestContext,
): Promise<{ readonly child: AgentChild; readonly said: { pid: number; port: string; secret: string | null }[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-child-'));
  const module = join(folder, 'child.mjs');
  await writeFile(module, program);
  const said: { pid: number; port: string; secret: string | null }[] = [];
  const child = new AgentChild({
    module: pathToFileURL(module),
    args: [],
    execArgv: [],
    env: childEnvironment({ ...process.env, AUTOPILOT_PORT: '0', DATABASE_URL: 'postgres://u:secret@h/d' }),
    onChannel: (channel: AgentChannel) => channel.onMessage((message) => said.push(message as never)), // its own words
  });
  t.after(async () => {
    await child.close();
    await rm(folder, { recursive: true });
  });
  child.start();
  return { child, said };
}

async function until(reached: () => boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !reached(); await sleep(20)) {
    assert.ok(performance.now() < end, 'not within 5 s');
  }
}

test('a child started again gets the port of the one before, once, and no address of a database', async (t) => {
  const { child, said } = await start(t);
  await until(() => said.length === 1);
  child.keepPort('http://127.0.0.1:43210');
  for (const starts of [2, 3]) {
    process.kill(said.at(-1)?.pid ?? 0, 'SIGKILL');
    await until(() => said.length === starts);
  }
  assert.deepEqual(
    said.map(({ port, secret }) => [port, secret]),
    [
      ['0', null],
      ['43210', null],
      ['0', null],
    ],
  );
});

test('a child that lives is not doubled, whatever error it has', async (t) => {
  const processes: ChildProcess[] = [];
  const onProcess = (message: unknown): void => {
    processes.push((message as { process: ChildProcess }).process); // what Node publishes there
  };
  subscribe('child_process', onProcess);
  t.after(() => unsubscribe('child_process', onProcess));
  const { child, said } = await start(t);
  await until(() => said.length === 1);
  const pid = said[0]?.pid ?? 0;
  // Node tells of a message that can't be sent, or a signal that can't be given, as an 'error' of the child.
  for (const error of ['first', 'second']) assert.equal(processes.at(-1)?.emit('error', new Error(error)), true);
  await sleep(400);
  assert.deepEqual(child.state, { state: 'running', pid, restarts: 0 });
  await child.close();
  assert.throws(() => process.kill(pid, 0));
  assert.equal(said.length, 1);
});

test('of the environment a child gets what it needs', () => {
  const passed = {
    AUTOPILOT_HOST: '::1',
    AUTOPILOT_DATABASE_URL: 'postgres://own',
    NODE_OPTIONS: '--trace-warnings',
    HOST: 'h',
    PATH: '/bin',
    TZ: 'UTC',
    LANG: 'C',
    LC_ALL: 'C',
    TMPDIR: '/tmp',
    HOME: '/root',
  };
  const keptBack = {
    DATABASE_URL: 'postgres://u:secret@h/d',
    PGPASSWORD: 'secret',
    SESSION_SECRET: 'secret',
    NODE_AUTH_TOKEN: 'secret',
    NODE_TEST_CONTEXT: 'child-v8',
    MY_PATH: '/x',
    HOMEPAGE: 'x',
  };
  assert.deepEqual(childEnvironment({ ...keptBack, ...passed }), passed);
});
