import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeControlChannel } from '../../../../test/support/fake-control-channel.ts';
import type { Origin, Window } from '../contract/series.ts';
import { FakeClock } from '../kernel/clock.ts';
import { AgentRegistry } from './control-registry.ts';
import { StatementTexts } from './control-statements.ts';

function open(take: (origin: Origin, windows: readonly Window[]) => Promise<unknown> = () => Promise.resolve()): {
  readonly clock: FakeClock;
  readonly registry: AgentRegistry;
  readonly trouble: string[];
  readonly link: () => FakeControlChannel;
} {
  const clock = new FakeClock();
  const trouble: string[] = [];
  const registry = new AgentRegistry({
    clock,
    address: () => 'http://127.0.0.1:1',
    take,
    onTrouble: (message) => trouble.push(message),
  });
  const link = (): FakeControlChannel => {
    const channel = new FakeControlChannel();
    registry.accept(channel);
    return channel;
  };
  return { clock, registry, trouble, link };
}

const window: Window = { start: 1000, durationMs: 1000, series: [], overflow: {} };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('an agent is welcomed, its windows are handed on and acknowledged in order', async () => {
  const taken: number[] = [];
  const { registry, link } = open(async (origin, windows) => {
    assert.equal(origin.instance, 'one');
    await new Promise((resolve) => setTimeout(resolve, 5 * (3 - taken.length)));
    taken.push(windows[0]?.start ?? 0);
  });
  const channel = link();
  channel.hello();
  for (const sequence of [1, 2, 3]) {
    channel.say({
      kind: 'windows',
      sequence,
      windows: [{ ...window, start: sequence }],
      statements: [{ id: 's', database: 'main', text: 'select ?' }],
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(taken, [1, 2, 3]);
  assert.deepEqual(channel.sent, [
    { kind: 'welcome', protocol: 1, address: 'http://127.0.0.1:1' },
    { kind: 'ack', sequence: 1 },
    { kind: 'ack', sequence: 2 },
    { kind: 'ack', sequence: 3 },
  ]);
  assert.equal(registry.statementText('orders', 'main', 's'), 'select ?');
});

test('an instance is live, stalled when it is silent, live again, and gone', async () => {
  const { clock, registry, link } = open();
  const channel = link();
  channel.hello();
  const state = (): unknown => registry.instances('orders').map((one) => [one.state, one.silentMs]);
  assert.deepEqual(state(), [['live', 0]]);
  clock.advance(2500);
  assert.deepEqual(state(), [['live', 2500]]);
  clock.advance(1);
  assert.deepEqual(state(), [['stalled', 2501]]);
  channel.say({ kind: 'windows', sequence: 1, windows: [], statements: [] });
  assert.deepEqual(state(), [['live', 0]]);
  channel.close();
  assert.deepEqual(
    registry.linked().map((one) => [one.state, one.closedInOrder]),
    [['gone', false]],
  );
  clock.advance(3_600_001);
  assert.deepEqual([registry.services(), registry.instances()], [[], []]);
  const second = link();
  second.hello();
  second.say({ kind: 'bye' });
  second.close();
  assert.equal(registry.linked()[0]?.closedInOrder, true);
  await settled();
});

test('a reconnect takes the place of the channel before', () => {
  const { registry, link } = open();
  const old = link();
  old.hello();
  const young = link();
  young.hello({ startedAt: 2000 });
  assert.equal(old.closed, true);
  assert.deepEqual(
    registry.instances().map(({ state, startedAt }) => [state, Date.parse(startedAt)]),
    [['live', 2000]],
  );
});

test('what can not be answered is refused with the reason, and the channel closed', () => {
  const origin = { service: 'orders', instance: 'one', release: '1' };
  for (const [say, why] of [
    [(channel: FakeControlChannel) => channel.hello({ protocol: 2 }), /protocol 2.*speaks 0 to 1/],
    [(channel: FakeControlChannel) => channel.hello({ origin: { ...origin, service: '' } }), /service/],
    [(channel: FakeControlChannel) => channel.hello({ origin: { ...origin, instance: 7 } }), /instance/],
    [(channel: FakeControlChannel) => channel.hello({ origin: undefined }), /service/],
    [(channel: FakeControlChannel) => channel.hello({ origin: { ...origin, release: 'x'.repeat(300) } }), /release/],
    [(channel: FakeControlChannel) => channel.hello({ startedAt: 'today' }), /when it started/],
    [(channel: FakeControlChannel) => channel.say({ kind: 'bye' }), /first message must be "hello"/],
  ] as const) {
    const { registry, link } = open();
    const channel = link();
    say(channel);
    const [answer] = channel.sent;
    assert.ok(answer?.kind === 'refused');
    assert.match(answer.reason, why);
    assert.deepEqual([channel.closed, registry.instances()], [true, []]);
  }
  const { link, registry } = open();
  const channel = link();
  for (const noise of [null, 7, 'hello', undefined]) channel.say(noise);
  assert.deepEqual([channel.sent, registry.instances()], [[], []]);
});

test('windows that were not taken are refused: to be sent again, or never when they can not be read', async () => {
  let fails = true;
  const { registry, trouble, link } = open(() => (fails ? Promise.reject(new Error('no room')) : Promise.resolve()));
  const channel = link();
  channel.hello();
  channel.say({ kind: 'windows', sequence: 1, windows: [window], statements: [] });
  for (const windows of [
    null,
    'x',
    [7],
    [{ start: 'x' }],
    [{ ...window, series: [null] }],
    Array.from({ length: 1201 }, () => window),
  ]) {
    channel.say({ kind: 'windows', sequence: 2, windows, statements: [] });
  }
  await settled();
  assert.deepEqual(channel.sent.slice(1), [
    { kind: 'nack', sequence: 1, again: true },
    ...Array.from({ length: 6 }, () => ({ kind: 'nack', sequence: 2, again: false })),
  ]);
  assert.equal(trouble.length, 7);
  assert.match(trouble[0] ?? '', /orders one were not taken: no room/);
  fails = false;
  channel.say({
    kind: 'windows',
    sequence: 3,
    windows: [window],
    statements: ['x', { id: 's', database: 'd', text: 1 }],
    names: [
      null,
      { kind: 'role', id: 'a', name: 'b' },
      { kind: 'user', id: 'u1', name: 'Ann' },
      { kind: 'tenant', id: 't1', name: 7 },
    ],
  });
  await settled();
  assert.deepEqual(channel.sent.at(-1), { kind: 'ack', sequence: 3 });
  assert.equal(registry.userName('u1'), 'Ann');
  assert.equal(registry.nameOf('orders', 'tenant', 't1'), null, 'a name is a text');
});

test('texts of statements stay within their bound, the oldest go first', () => {
  const texts = new StatementTexts();
  const text = 'x'.repeat(5000);
  for (let id = 0; id < 10_000; id++) texts.set('orders', { id: String(id), database: 'main', text });
  assert.equal(texts.get('orders', 'main', '9999')?.length, 2000);
  assert.equal(texts.get('orders', 'main', '0'), undefined);
  assert.equal(texts.get('orders', 'archive', '9999'), undefined);
  const kept = Array.from({ length: 10_000 }, (_, id) => texts.get('orders', 'main', String(id))).filter(Boolean);
  assert.ok(kept.length > 4000 && kept.length < 4200, String(kept.length));
});

test('what another control plane relays takes no link away that the agent has itself; the other way round it does', () => {
  const { registry, link } = open();
  const [own, relayed] = [link(), link()];
  own.hello();
  relayed.hello({ relayed: true });
  assert.deepEqual([own.closed, relayed.closed], [false, true]);
  assert.equal(registry.instances()[0]?.state, 'live');
  own.close();
  const [again, direct] = [link(), link()];
  again.hello({ relayed: true });
  assert.equal(again.sent[0]?.kind, 'welcome');
  direct.hello();
  assert.deepEqual([again.closed, direct.closed], [true, false]);
});

test('agents of a service are told whether they are watched: those that are linked, and those that link meanwhile', () => {
  let watched = true;
  const heard: unknown[] = [];
  const registry = new AgentRegistry({
    clock: new FakeClock(),
    address: () => 'http://127.0.0.1:1',
    take: () => Promise.resolve(),
    isWatched: (service) => watched && service === 'orders',
    onVitals: ({ instance }, vitals) => heard.push([instance, vitals]),
    onTrouble: () => undefined,
  });
  const [channel, other] = [new FakeControlChannel(), new FakeControlChannel()];
  registry.accept(channel);
  registry.accept(other);
  channel.hello();
  other.hello({ origin: { service: 'billing', instance: 'two', release: '1' } });
  assert.deepEqual(channel.sent.at(-1), { kind: 'watch-vitals', on: true });
  channel.say({ kind: 'vitals', vitals: { cpuMs: 1 } });
  assert.deepEqual(heard, [['one', { cpuMs: 1 }]]);
  watched = false;
  registry.tellWatched('orders');
  assert.deepEqual(channel.sent.at(-1), { kind: 'watch-vitals', on: false });
  assert.equal(other.sent.at(-1)?.kind, 'welcome');
});
