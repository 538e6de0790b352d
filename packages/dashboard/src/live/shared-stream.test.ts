import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { ApiError, type StreamOptions } from '@teamflow/autopilot/client';
import { type ChannelPort, type LockPort, SharedStream } from './shared-stream.ts';

/** A browser: locks are handed on in the order they were asked for, messages reach every tab but their sender. */
class FakeBrowser {
  readonly #queues = new Map<string, (() => void)[]>();
  readonly #held = new Set<string>();
  readonly #channels = new Map<string, Set<{ heard: (message: unknown) => void }>>();

  readonly locks: LockPort = {
    request: async (name, { signal }, held) => {
      if (this.#held.has(name)) await this.#wait(name, signal);
      this.#held.add(name);
      try {
        await held();
      } finally {
        this.#held.delete(name);
        this.#queues.get(name)?.shift()?.();
      }
    },
  };

  readonly channel = (name: string): ChannelPort => {
    const peers = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, peers);
    const own = { heard: (_message: unknown): void => undefined };
    peers.add(own);
    return {
      listen: (heard) => {
        own.heard = heard;
      },
      post: (message) => {
        const copy: unknown = structuredClone(message);
        for (const peer of peers) if (peer !== own) queueMicrotask(() => peer.heard(copy));
      },
      close: () => {
        peers.delete(own);
      },
    };
  };

  #wait(name: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      queue.push(resolve);
      signal.addEventListener('abort', () => {
        queue.splice(queue.indexOf(resolve), 1);
        reject(new DOMException('given up', 'AbortError'));
      });
    });
  }
}

/** A server whose streams say what the test tells them to. */
class FakeServer {
  readonly connections: { send(document: number): void; fail(error: unknown): void; wait(cause: unknown): void }[] = [];
  open = 0;

  readonly stream = ({ signal, onConnection }: StreamOptions): AsyncIterable<number> => {
    const { readable, writable } = new TransformStream<number, number>(
      {},
      { highWaterMark: 16 },
      { highWaterMark: 16 },
    );
    const writer = writable.getWriter();
    const ignore = (): void => {
      // The reader left: what happens to a write then is of no interest.
    };
    this.open += 1;
    this.connections.push({
      send: (document) => void writer.write(document).catch(ignore),
      fail: (error) => void writer.abort(error).catch(ignore),
      wait: (cause) => onConnection?.({ state: 'waiting', retryMs: 10_000, cause }),
    });
    signal?.addEventListener('abort', () => {
      this.open -= 1;
      writer.close().catch(ignore);
    });
    onConnection?.({ state: 'open' });
    return readable;
  };

  last(): FakeServer['connections'][number] {
    const connection = this.connections.at(-1);
    assert.ok(connection, 'nobody connected');
    return connection;
  }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 8; i += 1) await turn();
};

const tab = (browser: FakeBrowser, server: FakeServer, name = 'dashboard'): SharedStream<number> =>
  new SharedStream<number>({ name, open: server.stream, locks: browser.locks, channel: browser.channel, now: () => 5 });

test('tabs of one name read one stream and show the same document', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const tabs = [tab(browser, server), tab(browser, server), tab(browser, server)];
  for (const one of tabs) one.start();
  await settle();
  server.last().send(1);
  await settle();

  assert.equal(server.connections.length, 1);
  assert.deepEqual(
    tabs.map((one) => one.leads),
    [true, false, false],
  );
  for (const one of tabs) assert.deepEqual(one.snapshot, { document: 1, heardAt: 5, link: { state: 'open' } });
  for (const one of tabs) one.stop();
});

test('a tab that comes later gets the document at once', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const first = tab(browser, server);
  first.start();
  await settle();
  server.last().send(1);
  await settle();
  const later = tab(browser, server);
  later.start();
  await settle();
  assert.equal(later.snapshot.document, 1);
  first.stop();
  later.stop();
});

test('when the leader leaves, the next tab takes over with its own connection and keeps what it had', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const [leader, follower] = [tab(browser, server), tab(browser, server)];
  leader.start();
  follower.start();
  await settle();
  server.last().send(1);
  await settle();
  leader.stop();
  await settle();

  assert.ok(follower.leads);
  assert.equal(server.connections.length, 2);
  assert.equal(server.open, 1);
  assert.equal(follower.snapshot.document, 1);
  server.last().send(2);
  await settle();
  assert.equal(follower.snapshot.document, 2);
  assert.equal(leader.snapshot.document, 1, 'a stopped tab hears nothing more');
  follower.stop();
  await settle();
  assert.equal(server.open, 0);
});

test('a refusal reaches every tab, and trying again from any of them reconnects', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const [leader, follower] = [tab(browser, server), tab(browser, server)];
  leader.start();
  follower.start();
  await settle();
  const problem = { type: '', title: 'Sign in', status: 401, code: 'AP_UNAUTHENTICATED', detail: 'No token came.' };
  server.last().fail(new ApiError(problem));
  await settle();

  const refused = { state: 'refused', failure: { problem, detail: 'No token came.' } };
  assert.deepEqual(leader.snapshot.link, refused);
  assert.deepEqual(follower.snapshot.link, refused);

  follower.restart();
  await settle();
  assert.equal(server.connections.length, 2);
  assert.deepEqual(follower.snapshot.link, { state: 'open' });
  leader.stop();
  follower.stop();
});

test('without locks or channels each tab reads its own stream', async () => {
  const server = new FakeServer();
  const alone = new SharedStream<number>({ name: 'dashboard', open: server.stream });
  alone.start();
  await settle();
  server.last().send(7);
  await settle();
  assert.equal(alone.snapshot.document, 7);
  alone.stop();
});

test('a browser that refuses locks does not cost the stream', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const refusing: LockPort = { request: () => Promise.reject(new DOMException('denied', 'SecurityError')) };
  const stream = new SharedStream<number>({
    name: 'dashboard',
    open: server.stream,
    locks: refusing,
    channel: browser.channel,
  });
  stream.start();
  await settle();
  server.last().send(3);
  await settle();
  assert.equal(stream.snapshot.document, 3);
  stream.stop();
});

test('tabs that ask for different things do not share', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const [five, sixty] = [tab(browser, server, 'minutes=5'), tab(browser, server, 'minutes=60')];
  five.start();
  sixty.start();
  await settle();
  assert.equal(server.connections.length, 2);
  five.stop();
  sixty.stop();
});

test('a stream that was stopped starts again', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const stream = tab(browser, server);
  stream.start();
  stream.start();
  await settle();
  stream.stop();
  stream.start();
  await settle();
  server.last().send(4);
  await settle();
  assert.equal(stream.snapshot.document, 4);
  assert.equal(server.open, 1);
  stream.stop();
});

test('while somebody looks, a broken connection is not waited for as long as the client would', async () => {
  const server = new FakeServer();
  const stream = new SharedStream<number>({ name: 'dashboard', open: server.stream, longestWaitMs: 1 });
  stream.start();
  await settle();
  server.last().wait(new TypeError('Failed to fetch'));
  assert.equal(stream.snapshot.link.state, 'waiting');
  await pause(20);
  assert.equal(server.connections.length, 2);
  assert.deepEqual(stream.snapshot.link, { state: 'open' });
  stream.stop();
});

test('a server with too many streams is not hurried', async () => {
  const server = new FakeServer();
  const stream = new SharedStream<number>({ name: 'dashboard', open: server.stream, longestWaitMs: 1 });
  stream.start();
  await settle();
  const problem = { type: '', title: 'Too many', status: 429, code: 'AP_TOO_MANY_STREAMS', detail: '100 are open.' };
  server.last().wait(new ApiError(problem));
  await pause(20);
  assert.equal(server.connections.length, 1);
  stream.stop();
});
