import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../kernel/clock.ts';
import { Leadership, type Role } from './leadership.ts';
import type { Candidate, LeaderLease, LeaseAnswer } from './ports.ts';

/** The lease without a database: one holder, until a moment of the fake clock. */
class FakeLease implements LeaderLease {
  readonly clock: FakeClock;
  isAway = false;
  epoch = 0;
  leader: Candidate | null = null;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  take(candidate: Candidate, ttlMs: number): Promise<LeaseAnswer> {
    if (this.isAway) return Promise.reject(new Error('away'));
    const { leader, clock } = this;
    if (leader !== null && leader.holder !== candidate.holder && clock.monotonicMs() < this.#untilMs) {
      return Promise.resolve({ held: false, epoch: this.epoch, leader });
    }
    if (leader?.holder !== candidate.holder) this.epoch++;
    this.leader = candidate;
    this.#untilMs = clock.monotonicMs() + ttlMs;
    return Promise.resolve({ held: true, epoch: this.epoch });
  }

  resign(): Promise<void> {
    this.leader = null;
    return Promise.resolve();
  }

  keys(): Promise<readonly string[]> {
    return Promise.resolve(['key']);
  }

  rotateKeys(): Promise<void> {
    return Promise.resolve();
  }
}

interface Member {
  readonly leadership: Leadership;
  readonly roles: string[];
  readonly trouble: string[];
}

function member(lease: FakeLease, holder: string, reaches: () => boolean = () => true): Member {
  const roles: string[] = [];
  const trouble: string[] = [];
  const leadership = new Leadership({
    lease,
    clock: lease.clock,
    candidate: { holder, host: 'h', address: `http://${holder}` },
    reaches: () => Promise.resolve(reaches()),
    onRole: ({ kind }: Role) => roles.push(kind),
    onTrouble: (message) => trouble.push(message),
  });
  return { leadership, roles, trouble };
}

test('the first leads, the second stands by and takes over when the first is silent, or resigns', async (t) => {
  const lease = new FakeLease(new FakeClock());
  const [one, two] = [member(lease, 'one'), member(lease, 'two')];
  t.after(() => Promise.all([one, two].map(({ leadership }) => leadership.close())));
  await one.leadership.turn();
  await two.leadership.turn();
  assert.deepEqual([one.leadership.role, one.leadership.mayAct], [{ kind: 'leading', epoch: 1 }, true]);
  assert.equal(two.leadership.role.kind, 'standby');
  lease.clock.advance(6_000);
  await two.leadership.turn();
  assert.deepEqual([two.leadership.role, two.leadership.mayAct], [{ kind: 'leading', epoch: 2 }, true]);
  await two.leadership.close();
  assert.equal(two.leadership.mayAct, false);
  await one.leadership.turn();
  assert.deepEqual(one.leadership.role, { kind: 'leading', epoch: 3 });
});

test('a leader that was stopped may do nothing when it goes on, before anybody could be asked', async (t) => {
  const lease = new FakeLease(new FakeClock());
  const [one, two] = [member(lease, 'one'), member(lease, 'two')];
  t.after(() => Promise.all([one, two].map(({ leadership }) => leadership.close())));
  await one.leadership.turn();
  lease.clock.advance(5_499);
  assert.equal(one.leadership.mayAct, true);
  lease.clock.advance(1);
  assert.equal(one.leadership.mayAct, false);
  lease.clock.advance(500);
  await two.leadership.turn();
  await one.leadership.turn();
  assert.deepEqual(one.roles, ['leading', 'standby']);
});

test('a store that is away ends no view: the leader goes on without acting, others wait for the leader', async (t) => {
  const lease = new FakeLease(new FakeClock());
  const [one, two] = [member(lease, 'one'), member(lease, 'two')];
  t.after(() => Promise.all([one, two].map(({ leadership }) => leadership.close())));
  await one.leadership.turn();
  await two.leadership.turn();
  lease.isAway = true;
  lease.clock.advance(60_000);
  await one.leadership.turn();
  await two.leadership.turn();
  assert.deepEqual([one.leadership.role.kind, one.leadership.mayAct], ['leading', false]);
  assert.equal(two.leadership.role.kind, 'standby');
  lease.isAway = false;
  await one.leadership.turn();
  assert.deepEqual([one.leadership.role, one.leadership.mayAct], [{ kind: 'leading', epoch: 1 }, true]);
});

test('who can not reach the leader serves alone after a while, says why once, and stands by again', async (t) => {
  const lease = new FakeLease(new FakeClock());
  let reaches = true;
  const [one, far] = [member(lease, 'one'), member(lease, 'far', () => reaches)];
  t.after(() => Promise.all([one, far].map(({ leadership }) => leadership.close())));
  await one.leadership.turn();
  await far.leadership.turn();
  reaches = false;
  for (let second = 0; second < 20; second++) {
    lease.clock.advance(1_000);
    await one.leadership.turn();
    await far.leadership.turn();
  }
  assert.deepEqual([far.roles, far.trouble.length], [['standby', 'alone'], 1]);
  assert.match(far.trouble[0] ?? '', /http:\/\/one of h, can't be reached.*AUTOPILOT_ADVERTISE/);
  assert.equal(far.leadership.mayAct, false);
  reaches = true;
  await far.leadership.turn();
  assert.deepEqual(far.roles, ['standby', 'alone', 'standby']);
});

test('a lead is not lost by one answer that is slow or does not come, nor by keys that can not be read', async (t) => {
  const lease = new FakeLease(new FakeClock());
  const [one, two] = [member(lease, 'one'), member(lease, 'two')];
  t.after(() => Promise.all([one, two].map(({ leadership }) => leadership.close())));
  const take = lease.take.bind(lease);
  const keys = lease.keys.bind(lease);
  /** Each answer comes this much later, or not at all. */
  const answersAfter = (ms: number, fails = false): void => {
    lease.take = async (...asked) => {
      const answer = fails ? Promise.reject(new Error('too late')) : take(...asked);
      lease.clock.advance(ms);
      return await answer;
    };
  };
  await one.leadership.turn();
  await two.leadership.turn();
  assert.equal(one.leadership.dueInMs, 2_000);
  // Of six seconds two are over when it asks, two more go with the statement's limit, and a second try still comes in time.
  lease.clock.advance(one.leadership.dueInMs);
  answersAfter(2_000, true);
  await one.leadership.turn();
  assert.equal(one.leadership.dueInMs, 250);
  lease.clock.advance(one.leadership.dueInMs);
  answersAfter(1_200);
  await one.leadership.turn();
  // Counted from when it asked, not from when it was answered.
  assert.deepEqual([one.leadership.dueInMs, one.leadership.mayAct], [800, true]);
  lease.keys = () => Promise.reject(new Error('locked'));
  for (let round = 0; round < 30; round++) {
    answersAfter(1_900);
    lease.clock.advance(one.leadership.dueInMs);
    await one.leadership.turn();
    lease.take = take;
    await two.leadership.turn();
    assert.equal(one.leadership.mayAct, true);
  }
  assert.deepEqual([one.roles, two.roles, lease.epoch], [['leading'], ['standby'], 1]);
  // Who did lose it says how.
  lease.keys = keys;
  lease.clock.advance(7_000);
  await two.leadership.turn();
  await one.leadership.turn();
  assert.match(
    one.trouble.at(-1) ?? '',
    /^The lead went to http:\/\/two: it was not renewed for \d{4,} ms, and is good for 6000\.$/,
  );
});
