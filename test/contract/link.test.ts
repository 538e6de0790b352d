import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, type TestContext, test } from 'node:test';
import type { Window } from '../../packages/autopilot/src/contract/series.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { AgentHttpChannel } from '../../packages/autopilot/src/link/http-channel.ts';
import { agentIpcChannel } from '../../packages/autopilot/src/link/ipc-channel.ts';
import type { AgentChannel, DownMessage, UpMessage } from '../../packages/autopilot/src/link/protocol.ts';
import { leakCheck } from '../support/leak-check.ts';

leakCheck(after);

/**
 * What both ends of a link rely on, whatever carries it. The other end answers `hello` with `welcome`, repeats the
 * bytes of a histogram in the address of a second `welcome`, acknowledges each
 * `windows` by its sequence, refuses one without a window, and closes at `bye`.
 */
interface Carrier {
  readonly name: string;
  open(t: TestContext): Promise<Opened>;
}

interface Opened {
  readonly channel: AgentChannel;
  /** Ends the other end's process without a word. */
  readonly kill: () => void;
  /** Stops the other end from reading, and lets it go on. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resolves with the exit code of the other end. */
  readonly gone: Promise<number | null>;
}

const ipc: Carrier = {
  name: 'IPC to a child',
  open: async (t) => {
    const child: ChildProcess = fork(new URL('../support/link-echo.ts', import.meta.url), [], {
      execArgv: ['-C', 'source'],
      serialization: 'advanced',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    t.after(() => child.kill('SIGKILL'));
    await once(child, 'spawn');
    return {
      channel: agentIpcChannel(child),
      kill: () => child.kill('SIGKILL'),
      pause: () => child.kill('SIGSTOP'),
      resume: () => child.kill('SIGCONT'),
      gone: once(child, 'exit').then(([code]) => code as number | null), // `as`: Node's event
    };
  },
};

const KEY = 'a-link-key-for-tests-0123456789abcdef0123456789abcdef';

const http: Carrier = {
  name: 'HTTP to a control plane',
  open: async (t) => {
    const child: ChildProcess = fork(new URL('../support/link-echo.ts', import.meta.url), ['http'], {
      execArgv: ['-C', 'source'],
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, AUTOPILOT_LINK_KEY: KEY },
    });
    t.after(() => child.kill('SIGKILL'));
    const [address] = (await once(child, 'message')) as [string]; // what link-echo says first
    const channel = new AgentHttpChannel({ url: new URL(address), key: KEY });
    t.after(() => channel.close());
    return {
      channel,
      kill: () => child.kill('SIGKILL'),
      pause: () => child.kill('SIGSTOP'),
      resume: () => child.kill('SIGCONT'),
      gone: once(child, 'exit').then(([code]) => code as number | null), // `as`: Node's event
    };
  },
};

const hello: UpMessage = {
  kind: 'hello',
  protocol: 1,
  origin: { service: 'orders', instance: 'a', release: '1' },
  pid: 1,
  startedAt: 0,
  databases: [],
};

function windowsMessage(sequence: number, bytes = 0): UpMessage {
  const histogram = new ExponentialHistogram();
  histogram.record(42);
  const series = [
    {
      family: 'route',
      key: `GET /${'x'.repeat(bytes)}`,
      database: null,
      route: null,
      cells: { durationMs: histogram.encode(), requests: 1 },
    },
  ] as const;
  const window: Window = { start: sequence * 1_000, durationMs: 1_000, series, overflow: {} };
  return { kind: 'windows', sequence, windows: [window], statements: [] };
}

/** Collects messages; `until` resolves with the first that fits. */
function inbox(channel: AgentChannel): (fits: (message: DownMessage) => boolean) => Promise<DownMessage> {
  const got: DownMessage[] = [];
  const waiting: { readonly fits: (message: DownMessage) => boolean; readonly tell: (message: DownMessage) => void }[] =
    [];
  channel.onMessage((message) => {
    got.push(message);
    for (const { fits, tell } of waiting) if (fits(message)) tell(message);
  });
  return (fits) => {
    const already = got.find(fits);
    if (already !== undefined) return Promise.resolve(already);
    return new Promise((tell) => {
      waiting.push({ fits, tell });
    });
  };
}

for (const carrier of [ipc, http]) {
  test(`${carrier.name}: messages arrive both ways, in order, with their bytes`, async (t) => {
    const { channel } = await carrier.open(t);
    const until = inbox(channel);
    assert.equal(channel.send(hello), true);
    await until((message) => message.kind === 'welcome');
    for (let sequence = 1; sequence <= 3; sequence++) assert.equal(channel.send(windowsMessage(sequence)), true);
    await until((message) => message.kind === 'ack' && message.sequence === 3);
    const echo = await until((message) => message.kind === 'welcome' && message.address.startsWith('p50 '));
    assert.equal(echo.kind === 'welcome' && echo.address, 'p50 42');
  });

  test(`${carrier.name}: each message has its own answer`, async (t) => {
    const { channel } = await carrier.open(t);
    const answers: unknown[] = [];
    let welcomed = (): void => {};
    const welcome = new Promise<void>((resolve) => {
      welcomed = resolve;
    });
    const all = new Promise<void>((resolve) => {
      channel.onMessage((message) => {
        if (message.kind === 'welcome') welcomed();
        if (message.kind === 'ack' || message.kind === 'nack') answers.push(message);
        if (answers.length === 3) resolve();
      });
    });
    channel.send(hello);
    await welcome;
    channel.send(windowsMessage(1));
    channel.send({ kind: 'windows', sequence: 2, windows: [], statements: [] });
    channel.send(windowsMessage(3));
    await all;
    assert.deepEqual(answers, [
      { kind: 'ack', sequence: 1 },
      { kind: 'nack', sequence: 2, again: true },
      { kind: 'ack', sequence: 3 },
    ]);
  });

  test(`${carrier.name}: onClose is called once, and nothing is taken afterwards`, async (t) => {
    const { channel, kill } = await carrier.open(t);
    let closed = 0;
    const gone = new Promise<void>((resolve) => {
      channel.onClose(() => {
        closed++;
        resolve();
      });
    });
    channel.send(hello);
    kill();
    await gone;
    assert.equal(channel.send(hello), false);
    channel.close();
    assert.equal(closed, 1);
  });

  test(`${carrier.name}: close() ends the other end by its onClose`, async (t) => {
    const { channel, gone } = await carrier.open(t);
    const until = inbox(channel);
    channel.send(hello);
    await until((message) => message.kind === 'welcome');
    channel.close();
    assert.equal(await gone, 0);
  });

  test(`${carrier.name}: the other end may close`, async (t) => {
    const { channel, gone } = await carrier.open(t);
    const closed = new Promise<void>((resolve) => {
      channel.onClose(resolve);
    });
    const until = inbox(channel);
    channel.send(hello);
    await until((message) => message.kind === 'welcome');
    channel.send({ kind: 'bye' });
    await closed;
    assert.equal(await gone, 0);
  });

  test(`${carrier.name}: an end that does not read is refused more, and gets everything taken later`, async (t) => {
    const { channel, pause, resume } = await carrier.open(t);
    const until = inbox(channel);
    channel.send(hello);
    await until((message) => message.kind === 'welcome');
    pause();
    let sequence = 0;
    while (sequence < 1_000 && channel.send(windowsMessage(sequence + 1, 200_000))) sequence++;
    assert.ok(sequence < 100, `${sequence} messages of 200 KB were taken`);
    resume();
    await until((message) => message.kind === 'ack' && message.sequence === sequence);
    assert.equal(channel.send(windowsMessage(sequence + 1)), true);
  });
}
