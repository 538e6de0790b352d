import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessVitals } from '../contract/process-vitals.ts';
import type { StatementText, Window } from '../contract/series.ts';
import { AgentLink, type AgentLinkOptions } from './agent-link.ts';
import type { AgentChannel, DownMessage, UpMessage } from './protocol.ts';

class FakeChannel implements AgentChannel {
  readonly sent: UpMessage[] = [];
  full = false;
  closed = false;
  #onMessage: (message: DownMessage) => void = () => {};
  #onClose: () => void = () => {};

  send(message: UpMessage): boolean {
    if (this.full || this.closed) return false;
    this.sent.push(message);
    return true;
  }

  onMessage(listener: (message: DownMessage) => void): void {
    this.#onMessage = listener;
  }

  onClose(listener: () => void): void {
    this.#onClose = listener;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#onClose();
  }

  say(message: DownMessage): void {
    this.#onMessage(message);
  }

  welcome(): void {
    this.say({ kind: 'welcome', protocol: 1, address: 'http://127.0.0.1:1' });
  }

  windows(): readonly (UpMessage & { kind: 'windows' })[] {
    return this.sent.filter((message) => message.kind === 'windows');
  }
}

function windowOf(second: number, statements: readonly string[] = []): Window {
  return {
    start: second * 1_000,
    durationMs: 1_000,
    series: statements.map((key) => ({ family: 'statement', key, database: 'main', route: null, cells: { calls: 1 } })),
    overflow: {},
  };
}

function makeLink(more: Partial<AgentLinkOptions> = {}): AgentLink {
  return new AgentLink({
    origin: { service: 'orders', instance: 'a', release: '1' },
    pid: 1,
    startedAt: 0,
    databases: () => ['main'],
    statementText: (database, id): StatementText | null =>
      id === 'unknown' ? null : { id, database, text: `text of ${id}` },
    ...more,
  });
}

test('it says hello, and takes windows only when it is welcome', () => {
  const link = makeLink();
  const channel = new FakeChannel();
  assert.equal(link.deliver([windowOf(1)]), false);
  link.connect(channel);
  assert.equal(channel.sent[0]?.kind, 'hello');
  assert.equal(link.deliver([windowOf(1)]), false);
  channel.welcome();
  assert.deepEqual(link.state, { state: 'linked', address: 'http://127.0.0.1:1' });
  assert.equal(link.deliver([windowOf(1)]), true);
  assert.equal(link.deliver([]), true);
  assert.deepEqual(
    channel.windows().map(({ sequence, windows }) => [sequence, windows.length]),
    [
      [1, 1],
      [2, 0],
    ],
  );
});

test('the text of a statement goes once over each channel', () => {
  const link = makeLink();
  const first = new FakeChannel();
  link.connect(first);
  first.welcome();
  link.deliver([windowOf(1, ['a', 'b', 'unknown']), windowOf(2, ['a'])]);
  link.deliver([windowOf(3, ['b', 'c'])]);
  const ids = (channel: FakeChannel): readonly (readonly string[])[] =>
    channel.windows().map(({ statements }) => statements.map(({ id }) => id));
  assert.deepEqual(ids(first), [['a', 'b'], ['c']]);
  for (const sequence of [1, 2]) first.say({ kind: 'ack', sequence });
  first.close();
  const second = new FakeChannel();
  link.connect(second);
  second.welcome();
  link.deliver([windowOf(4, ['a'])]);
  assert.deepEqual(ids(second), [['a']]);
});

test('what was not acknowledged is sent again on the next channel, unchanged, before anything new', () => {
  const link = makeLink();
  const first = new FakeChannel();
  link.connect(first);
  first.welcome();
  for (let second = 1; second <= 3; second++) link.deliver([windowOf(second)]);
  first.say({ kind: 'ack', sequence: 1 });
  first.close();
  assert.deepEqual(link.state, { state: 'unlinked' });
  assert.equal(link.deliver([windowOf(4)]), false);
  const second = new FakeChannel();
  link.connect(second);
  assert.equal(second.windows().length, 0);
  second.welcome();
  link.deliver([windowOf(4)]);
  assert.deepEqual(
    second.windows().map(({ sequence, windows }) => [sequence, windows[0]?.start]),
    [
      [1, 2_000],
      [2, 3_000],
      [3, 4_000],
    ],
  );
  for (const sequence of [1, 2, 3]) second.say({ kind: 'ack', sequence });
  second.close();
  const third = new FakeChannel();
  link.connect(third);
  third.welcome();
  assert.equal(third.windows().length, 0);
});

test('without acknowledgements it takes a few messages and then no more', () => {
  const link = makeLink();
  const channel = new FakeChannel();
  link.connect(channel);
  channel.welcome();
  let taken = 0;
  while (taken < 100 && link.deliver([windowOf(taken)])) taken++;
  assert.ok(taken > 1 && taken < 10, String(taken));
  channel.say({ kind: 'ack', sequence: 1 });
  assert.equal(link.deliver([windowOf(taken)]), true);
});

test('a channel that is full loses nothing and keeps the order', () => {
  const link = makeLink();
  const first = new FakeChannel();
  link.connect(first);
  first.welcome();
  link.deliver([windowOf(1)]);
  first.full = true;
  assert.equal(link.deliver([windowOf(2)]), false);
  first.close();
  const second = new FakeChannel();
  link.connect(second);
  second.full = true;
  second.welcome();
  assert.equal(link.deliver([windowOf(2)]), false);
  second.full = false;
  assert.equal(link.deliver([windowOf(2)]), true);
  assert.deepEqual(
    second.windows().map(({ sequence, windows }) => [sequence, windows[0]?.start]),
    [
      [1, 1_000],
      [2, 2_000],
    ],
  );
});

test('a refusal is kept, with its reason', () => {
  const link = makeLink();
  const channel = new FakeChannel();
  link.connect(channel);
  channel.say({ kind: 'refused', reason: 'too old' });
  channel.close();
  assert.deepEqual(link.state, { state: 'refused', reason: 'too old' });
  assert.equal(link.deliver([]), false);
});

test('closing says so, and waits for the last acknowledgement, but not for long', async () => {
  const link = makeLink();
  const channel = new FakeChannel();
  link.connect(channel);
  channel.welcome();
  link.deliver([windowOf(1)]);
  const closing = link.close(5_000);
  assert.equal(channel.sent.at(-1)?.kind, 'bye');
  assert.equal(channel.closed, false);
  channel.say({ kind: 'ack', sequence: 1 });
  await closing;
  assert.equal(channel.closed, true);

  const silent = makeLink();
  const other = new FakeChannel();
  silent.connect(other);
  other.welcome();
  silent.deliver([windowOf(1)]);
  const before = performance.now();
  await silent.close(30);
  assert.ok(performance.now() - before >= 25);
  assert.equal(other.closed, true);
});

test('an acknowledgement is of one message only: what was refused before it is sent again', () => {
  const link = makeLink();
  const channel = new FakeChannel();
  link.connect(channel);
  channel.welcome();
  for (let second = 1; second <= 4; second++) link.deliver([windowOf(second)]);
  channel.say({ kind: 'nack', sequence: 2, again: true });
  for (const sequence of [1, 3, 4]) channel.say({ kind: 'ack', sequence });
  assert.equal(channel.windows().length, 4, 'not at once: what is refused now is refused a moment later');
  assert.equal(link.deliver([windowOf(5)]), true);
  assert.deepEqual(
    channel.windows().map(({ sequence, windows }) => [sequence, windows[0]?.start]),
    [
      [1, 1_000],
      [2, 2_000],
      [3, 3_000],
      [4, 4_000],
      [5, 2_000],
      [6, 5_000],
    ],
  );
  assert.equal(link.lostWindows, 0);
});

test('four refusals do not end delivery, and what can not be read is lost, counted and makes room', () => {
  const link = makeLink();
  const channel = new FakeChannel();
  link.connect(channel);
  channel.welcome();
  for (let second = 1; second <= 4; second++) link.deliver([windowOf(second)]);
  for (const sequence of [1, 2, 3, 4]) channel.say({ kind: 'nack', sequence, again: true });
  assert.equal(link.deliver([windowOf(5)]), false);
  assert.equal(channel.windows().length, 8);
  for (const sequence of [5, 6, 7]) channel.say({ kind: 'ack', sequence });
  channel.say({ kind: 'nack', sequence: 8, again: false });
  assert.equal(link.lostWindows, 1);
  assert.equal(link.deliver([windowOf(5)]), true);
});

test('what is refused for ten minutes is given up', () => {
  const link = makeLink();
  const channel = new FakeChannel();
  link.connect(channel);
  channel.welcome();
  link.deliver([windowOf(1)]);
  for (let sequence = 1; sequence <= 600; sequence++) {
    assert.equal(link.lostWindows, 0);
    link.prepare();
    channel.say({ kind: 'nack', sequence, again: true });
  }
  assert.equal(link.lostWindows, 1);
  link.prepare();
  assert.equal(channel.windows().length, 600);
});

test('room comes with an answer, and not when the link ends; what nobody acknowledged is lost at the end', async () => {
  const link = makeLink();
  assert.equal(await link.room(5_000), false);
  const channel = new FakeChannel();
  link.connect(channel);
  channel.welcome();
  assert.equal(await link.room(0), true);
  for (let second = 1; second <= 4; second++) link.deliver([windowOf(second)]);
  assert.equal(await link.room(5), false);
  const room = link.room(5_000);
  channel.say({ kind: 'ack', sequence: 3 });
  assert.equal(await room, true);
  link.deliver([windowOf(5)]);
  const none = link.room(5_000);
  channel.close();
  assert.equal(await none, false);
  await link.close(5_000);
  assert.equal(link.lostWindows, 4);
});

test('it says until when its windows were taken, whoever took them', () => {
  const link = makeLink();
  const said = (channel: FakeChannel): readonly unknown[] => channel.windows().map(({ takenUntil }) => takenUntil);
  const first = new FakeChannel();
  link.connect(first);
  first.welcome();
  link.deliver([windowOf(1), windowOf(2)]);
  link.deliver([windowOf(3)]);
  first.say({ kind: 'ack', sequence: 1 });
  // Not taken is not taken.
  first.say({ kind: 'nack', sequence: 2, again: true });
  link.deliver([]);
  assert.deepEqual(said(first), [null, null, 3_000, 3_000]);
  first.close();
  const second = new FakeChannel();
  link.connect(second);
  second.welcome();
  assert.deepEqual(said(second), [3_000, 3_000]);
});

test('where the application listens is said once that is known, and again after each welcome', () => {
  const link = makeLink();
  const said = (channel: FakeChannel): number => channel.sent.filter(({ kind }) => kind === 'listening').length;
  const [first, second] = [new FakeChannel(), new FakeChannel()];
  link.connect(first);
  link.sayListening('http://127.0.0.1:3000');
  assert.equal(said(first), 0, 'not before the welcome');
  first.welcome();
  assert.deepEqual(
    first.sent.filter(({ kind }) => kind === 'listening'),
    [{ kind: 'listening', url: 'http://127.0.0.1:3000' }],
  );
  link.connect(second);
  second.welcome();
  assert.equal(said(second), 1);
  link.sayListening('http://127.0.0.1:4000');
  assert.equal(said(second), 2);
});

test('it says how the process is while it is asked to, and no longer than the link lasts', () => {
  const listeners = new Set<(vitals: ProcessVitals) => void>();
  const link = makeLink({
    followVitals: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => listeners.delete(listener) };
    },
  });
  const vitals: ProcessVitals = {
    elapsedMs: 200,
    cpuMs: 1,
    eventLoopDelayMs: 2,
    rssBytes: 3,
    databaseConnections: null,
  };
  const [first, second] = [new FakeChannel(), new FakeChannel()];
  link.connect(first);
  first.welcome();
  first.say({ kind: 'watch-vitals', on: true });
  first.say({ kind: 'watch-vitals', on: true });
  assert.equal(listeners.size, 1);
  for (const listener of listeners) listener(vitals);
  assert.deepEqual(first.sent.at(-1), { kind: 'vitals', vitals });
  first.say({ kind: 'watch-vitals', on: false });
  assert.equal(listeners.size, 0);
  first.say({ kind: 'watch-vitals', on: true });
  link.connect(second);
  second.welcome();
  assert.equal(listeners.size, 0, 'the other control plane has not asked');
  second.say({ kind: 'watch-vitals', on: true });
  second.close();
  assert.equal(listeners.size, 0);
});
