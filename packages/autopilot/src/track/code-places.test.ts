import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../kernel/clock.ts';
import { CodePlaces } from './code-places.ts';

function placesAt(clock: FakeClock): CodePlaces {
  return new CodePlaces(clock, (file) => file.endsWith('code-places.ts'));
}

test('the stack is looked at once a second, and by name where a route is wanted', () => {
  const clock = new FakeClock(1_000_000);
  const places = placesAt(clock);
  places.atStatement(clock.monotonicMs(), 'main', 'a', 'GET /a');
  places.atStatement(clock.monotonicMs(), 'main', 'b', 'GET /b');
  assert.deepEqual(
    places.since(0).map(({ key }) => key),
    ['a'],
  );
  const [seen] = places.since(0);
  assert.match(seen?.frames[0] ?? '', /code-places\.test\.ts:\d+$/);
  places.want('main', 'b', 'GET /b');
  places.atStatement(clock.monotonicMs(), 'main', 'other', 'GET /a');
  places.atStatement(clock.monotonicMs(), 'main', 'b', 'GET /b');
  places.atStatement(clock.monotonicMs(), 'main', 'c', 'GET /b');
  assert.deepEqual(
    places.since(1).map(({ key }) => key),
    ['b'],
    'what was wanted is known: the rest waits for its second',
  );
  assert.deepEqual(places.since(places.revision), []);
});

test('whose requests send a statement is learnt when those have ended, the latest first', () => {
  const clock = new FakeClock(1_000_000);
  const places = placesAt(clock);
  const send = (tenant: string | null): { tenant: string | null; ended: boolean } => {
    const asker: { tenant: string | null; ended: boolean } = { tenant: null, ended: false };
    places.atStatement(clock.monotonicMs(), 'main', 'a', 'GET /a', asker);
    clock.advance(1_000);
    assert.ok(places.revision > 0);
    return Object.assign(asker, { tenant, ended: true });
  };
  const told = (): readonly string[] | undefined => (places.revision > 0 ? places.since(0)[0]?.tenants : []);
  send('acme');
  assert.deepEqual(told(), ['acme']);
  send(null);
  for (const tenant of ['globex', 'acme', 'b', 'c', 'd', 'e']) send(tenant);
  assert.deepEqual(told(), ['e', 'd', 'c', 'b', 'acme']);
});

test('what a pool hands a connection to comes from where the connection was taken', () => {
  const clock = new FakeClock(1_000_000);
  const places = placesAt(clock);
  const frames = places.atConnection(clock.monotonicMs(), 'GET /a');
  assert.equal(places.atConnection(clock.monotonicMs(), 'GET /a'), null);
  places.handing(null, () => places.atStatement(clock.monotonicMs(), 'main', 'unseen', 'GET /a'));
  places.handing(frames, () => places.atStatement(clock.monotonicMs(), 'main', 'a', 'GET /a'));
  assert.deepEqual(
    places.since(0).map(({ key, frames: kept }) => [key, kept]),
    [['a', frames]],
  );
});

test('a leak that was not seen makes its route looked at; looks are bounded, and so is what is kept', () => {
  const clock = new FakeClock(1_000_000);
  const places = placesAt(clock);
  places.atConnection(clock.monotonicMs(), null);
  places.leaked('main', 'main', 'GET /a', []);
  let looks = 0;
  for (let time = 0; time < 1_000; time++) {
    if (places.atConnection(clock.monotonicMs(), 'GET /a') !== null) looks++;
  }
  assert.equal(looks, 200);
  places.leaked('main', 'main', 'GET /a', ['server.ts:1']);
  const [leak] = places.since(0);
  assert.deepEqual([leak?.frames, leak?.count], [['server.ts:1'], 2]);
  for (let at = 0; at < 1_500; at++) places.leaked('main', 'main', `GET /${at}`, ['server.ts:1']);
  assert.equal(places.since(0).length, 1_000);
});

test('of the lists that a statement comes with the longest is kept', () => {
  const places = placesAt(new FakeClock(1_000_000));
  for (const values of [600, 2_000, 900]) places.listed('main', 'a', values);
  assert.deepEqual(
    places.since(0).map(({ kind, key, count }) => [kind, key, count]),
    [['list', 'a', 2_000]],
  );
  assert.equal(places.revision, 2);
});
