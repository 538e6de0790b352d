import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AutopilotError } from '../kernel/errors.ts';
import { MemoryJournal } from '../storage/memory/memory-journal.ts';
import type { Trial } from '../storage/ports.ts';
import { killSwitch } from './kill-switch.ts';
import { type Actuator, type Change, Orders } from './orders.ts';

/** The world is a set of orders that were carried out. */
class World implements Actuator<Change, string> {
  readonly kind = 'world';
  readonly done = new Set<string>();
  /** Where the process dies, or fails, on its way. */
  failure: 'before' | 'after' | null = null;

  describe({ subject }: Change): string {
    return subject;
  }

  plan({ subject }: Change): Promise<string> {
    return Promise.resolve(`un${subject}`);
  }

  apply(_change: Change, id: string): Promise<string> {
    if (this.failure === 'before') return Promise.reject(new Error('the world is away'));
    this.done.add(id);
    return this.failure === 'after' ? Promise.reject(new Error('the answer got lost')) : Promise.resolve(id);
  }

  undo(_undo: unknown, { id }: Trial): Promise<void> {
    this.done.delete(id);
    return Promise.resolve();
  }

  heal({ id }: Trial): Promise<'applied' | 'absent'> {
    return Promise.resolve(this.done.has(id) ? 'applied' : 'absent');
  }
}

const change = (origin: Change['origin']): Change => ({
  service: 'orders',
  kind: 'world',
  subject: 'do it',
  author: 'ann',
  origin,
});

function setUp(stopped = false): { orders: Orders; world: World; journal: MemoryJournal } {
  const world = new World();
  const journal = new MemoryJournal();
  const orders = new Orders({
    journal,
    actuators: [world],
    guards: [killSwitch(() => ({ stopped, because: 'the switch is on.' }))],
    onTrouble: (message) => assert.ok(false, message),
  });
  return { orders, world, journal };
}

async function states(journal: MemoryJournal): Promise<readonly string[]> {
  return (await journal.history('orders', 10)).map(({ state }) => state);
}

test('an order is in the journal, with the way back, before anything is done', async () => {
  const { orders, world, journal } = setUp();
  const apply = world.apply.bind(world);
  world.apply = async (one, id) => {
    const [open] = await journal.open('orders');
    assert.deepEqual([open?.id, open?.state, open?.undo, open?.change], [id, 'applying', 'undo it', 'do it']);
    return await apply(one, id);
  };
  await orders.carryOut(change('person'), world);
  await orders.carryOut(change('autopilot'), world);
  assert.deepEqual(await states(journal), ['watching', 'kept']);
});

test('the kill switch stops what nobody asked for, and nothing else; the refusal is in the journal', async () => {
  const { orders, world, journal } = setUp(true);
  await assert.rejects(orders.carryOut(change('autopilot'), world), {
    code: 'AP_ORDER_REFUSED',
    message: 'The change of do it is not allowed. kill switch: the switch is on.',
  });
  assert.equal(world.done.size, 0);
  await orders.carryOut(change('person'), world);
  assert.deepEqual(await states(journal), ['kept', 'refused']);
});

test('a failure is looked at: what was carried out all the same counts as done', async () => {
  for (const [failure, state] of [
    ['before', 'reverted'],
    ['after', 'kept'],
  ] as const) {
    const { orders, world, journal } = setUp();
    world.failure = failure;
    await assert.rejects(orders.carryOut(change('person'), world));
    assert.deepEqual(await states(journal), [state]);
  }
});

test('after a kill anywhere, heal finishes what was done for a person, and takes back what was not watched', async () => {
  for (const origin of ['person', 'autopilot'] as const) {
    for (const isDone of [true, false]) {
      const { orders, world, journal } = setUp();
      const at = new Date().toISOString();
      const left: Trial = {
        ...change(origin),
        id: 'left',
        state: 'applying',
        reason: 'Asked for.',
        change: 'do it',
        undo: 'undo it',
        scope: null,
        about: null,
        at,
        updatedAt: at,
      };
      await journal.write(left);
      if (isDone) world.done.add('left');
      await orders.heal(60_000);
      assert.deepEqual(await states(journal), ['applying'], 'a young one may be under way elsewhere');
      await orders.heal(0);
      const isKept = isDone && origin === 'person';
      assert.deepEqual(await states(journal), [isKept ? 'kept' : 'reverted']);
      assert.equal(world.done.has('left'), isKept);
      assert.deepEqual(await journal.open(), []);
    }
  }
});

test('an order of a kind that is not known here stays open and is told', async () => {
  const told: string[] = [];
  const journal = new MemoryJournal();
  const orders = new Orders({ journal, actuators: [], guards: [], onTrouble: (message) => told.push(message) });
  const at = new Date().toISOString();
  const trial: Trial = {
    ...change('person'),
    id: 'x',
    state: 'applying',
    reason: '',
    change: 1,
    undo: 1,
    scope: null,
    about: null,
    at,
    updatedAt: at,
  };
  await journal.write(trial);
  await orders.heal(0);
  assert.equal((await journal.open()).length, 1);
  assert.match(told[0] ?? '', /of the kind "world"/);
  await assert.rejects(orders.revert(trial, 'because'), AutopilotError);
});

const proposed = (): Trial => {
  const at = new Date().toISOString();
  const plain = { id: 'tried', state: 'proposed', reason: '', change: 'do it', undo: null, about: null } as const;
  return { ...change('person'), ...plain, scope: 'here', at, updatedAt: at };
};

test('a trial that somebody ends while its way back is looked for is not begun', async () => {
  const { orders, world, journal } = setUp();
  await journal.write(proposed());
  world.plan = async () => {
    assert.equal(await journal.write({ ...proposed(), state: 'reverted' }, 'proposed'), true);
    return 'undo it';
  };
  await assert.rejects(orders.carryOut(change('person'), world, proposed()), { code: 'AP_TRIAL_ENDED' });
  assert.deepEqual([await states(journal), world.done.size], [['reverted'], 0]);
});

test('what another process took back while it was made is taken back here, too', async () => {
  const { orders, world, journal } = setUp();
  await journal.write(proposed());
  const apply = world.apply.bind(world);
  world.apply = async (one, id) => {
    const trial = await journal.read('tried');
    if (trial !== null) await journal.write({ ...trial, state: 'reverted' });
    return await apply(one, id);
  };
  await assert.rejects(orders.carryOut(change('person'), world, proposed()), { code: 'AP_TRIAL_ENDED' });
  assert.deepEqual([await states(journal), world.done.size], [['reverted'], 0]);
});

test('an order that is being healed is not healed a second time, nor one that has gone on since it was listed', async () => {
  const { orders, world, journal } = setUp();
  await journal.write({ ...proposed(), state: 'applying', undo: 'undo it' });
  await journal.write({ ...proposed(), id: 'other', scope: 'there', state: 'applying', undo: 'undo it' });
  const asked: string[] = [];
  const gate = Promise.withResolvers<void>();
  world.heal = async ({ id }) => {
    asked.push(id);
    await gate.promise;
    return 'applied';
  };
  const first = orders.heal(0);
  const second = orders.heal(0);
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(
    [asked.toSorted(), await states(journal)],
    [
      ['other', 'tried'],
      ['watching', 'watching'],
    ],
  );
});

/** Goes on until it is ended. */
class Building extends World {
  end: (() => void) | null = null;

  override apply(): Promise<string> {
    return new Promise((_, reject) => {
      this.end = () => reject(new Error('canceling statement due to user request'));
    });
  }

  cancel(): Promise<void> {
    this.end?.();
    return Promise.resolve();
  }
}

test('what is being carried out is ended when it is taken back, and the journal says why', async () => {
  const world = new Building();
  const journal = new MemoryJournal();
  const orders = new Orders({ journal, actuators: [world], guards: [], onTrouble: (said) => assert.ok(false, said) });
  const building = orders.carryOut(change('person'), world);
  const failed = assert.rejects(building, /canceling statement/);
  while (world.end === null) await Promise.resolve();
  const [open] = await journal.open();
  assert.ok(open !== undefined);
  await orders.revert(open, 'Taken back by ann.');
  await failed;
  const ended = await journal.read(open.id);
  assert.deepEqual([ended?.state, ended?.reason], ['reverted', 'Nothing was changed: Taken back by ann.']);
});
