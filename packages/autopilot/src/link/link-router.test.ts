import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeControlChannel } from '../../../../test/support/fake-control-channel.ts';
import { LinkRouter } from './link-router.ts';
import type { ControlChannel } from './protocol.ts';

/** Nobody listens there. */
const elsewhere = { url: new URL('http://127.0.0.1:1'), key: 'k'.repeat(32) };

function open(): { readonly router: LinkRouter; readonly accepted: ControlChannel[] } {
  const accepted: ControlChannel[] = [];
  const router = new LinkRouter({
    accept: (channel) => accepted.push(channel),
    address: () => 'http://127.0.0.1:2',
    tokens: [],
    onTrouble: () => {},
  });
  return { router, accepted };
}

test('while it leads, it takes what another control plane relays; afterwards that one has to find the leader', () => {
  const { router, accepted } = open();
  const [own, relayed] = [new FakeControlChannel(), new FakeControlChannel()];
  for (const channel of [own, relayed]) router.accept(channel);
  own.hello();
  relayed.hello({ relayed: true });
  assert.equal(accepted.length, 2);
  router.route(elsewhere);
  assert.deepEqual([own.closed, relayed.closed], [false, true]);
  router.close();
  assert.equal(own.closed, true);
});

test('what is relayed to one that does not lead is closed, and an agent of its own is not', () => {
  const { router, accepted } = open();
  router.route(elsewhere);
  const [own, relayed] = [new FakeControlChannel(), new FakeControlChannel()];
  for (const channel of [own, relayed]) router.accept(channel);
  own.hello();
  relayed.hello({ relayed: true });
  assert.deepEqual([accepted.length, own.closed, relayed.closed], [0, false, true]);
  router.close();
});
