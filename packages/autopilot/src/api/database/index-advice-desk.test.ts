import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IndexAdvice, IndexAdviceRun } from '../../contract/index-advice.ts';
import { FakeClock } from '../../kernel/clock.ts';
import type { DatabaseWatch } from './database-watch.ts';
import { IndexAdviceDesk } from './index-advice-desk.ts';
import { indexCatalog } from './index-catalog.ts';

const primary = { definition: 'CREATE UNIQUE INDEX task_pkey ON task (id)', isValid: true };
const added = { definition: 'CREATE INDEX task_board ON task (board)', isValid: true };

function world(kept: string | null, isReachable = true) {
  const clock = new FakeClock(Date.parse('2026-01-01T00:10:00.000Z'));
  let asked = 0;
  // What the desk asks of a watch, and nothing else.
  const watch = {
    name: 'main',
    look: () =>
      isReachable ? Promise.resolve({ indexes: [primary, added] }) : Promise.reject(new Error('It is away.')),
    lookAgain: () => Promise.resolve({ indexes: [primary, added] }),
    adviseIndexes: () => {
      asked++;
      return Promise.resolve({ reason: 'new', create: [] } as unknown as IndexAdvice);
    },
  } as unknown as DatabaseWatch;
  const run: IndexAdviceRun = {
    id: 'a',
    database: 'main',
    state: 'done',
    progress: 1,
    message: '',
    startedAt: '2026-01-01T00:00:00.000Z',
    startedBy: 'autopilot',
    endedAt: '2026-01-01T00:01:00.000Z',
    catalog: kept,
    advice: { reason: 'kept', create: [] } as unknown as IndexAdvice,
  };
  const history = { indexAdvice: () => Promise.resolve(run), keepIndexAdvice: () => Promise.resolve() };
  const desk = new IndexAdviceDesk(clock, history, (message) => assert.fail(message));
  const result = (): Promise<IndexAdvice> => desk.result(watch, () => Promise.resolve([]), {}, 0);
  return { desk, watch, result, asked: () => asked };
}

test('advice that a process before this one has left is taken as it is while the indexes are the same', async () => {
  const { desk, watch, result, asked } = world(indexCatalog([added, primary]));
  assert.equal((await desk.read(watch)).outdated, false);
  assert.deepEqual([(await result()).reason, asked()], ['kept', 0]);
});

test('advice among other indexes, or nobody knows which, is worked out again and recommended no more', async () => {
  for (const catalog of [indexCatalog([primary]), indexCatalog([primary, { ...added, isValid: false }]), null]) {
    const { desk, watch, result, asked } = world(catalog);
    assert.equal((await desk.read(watch)).outdated, true);
    assert.equal(await desk.advised(watch), null);
    assert.deepEqual([(await result()).reason, asked()], ['new', 1]);
    assert.equal((await desk.advised(watch))?.advice.reason, 'new');
  }
});

test('a database that is away has not changed', async () => {
  const { desk, watch } = world('another', false);
  assert.equal((await desk.advised(watch))?.advice.reason, 'kept');
});
