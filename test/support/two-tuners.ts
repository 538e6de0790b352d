import assert from 'node:assert/strict';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresJournal } from '../../packages/autopilot/src/storage/postgres/postgres-journal.ts';
import { type Actuator, type Change, Orders } from '../../packages/autopilot/src/tune/orders.ts';
import type { StatementUse } from '../../packages/autopilot/src/tune/trial-judgement.ts';
import { TrialRunner } from '../../packages/autopilot/src/tune/trial-runner.ts';
import { until } from './until.ts';

/** What came of two control planes that tune one database. */
export interface TwoTuners {
  readonly begun: number;
  readonly refused: number;
  /** Seconds from the first one's end until the second had measured something. */
  readonly tookOverS: number;
  readonly state: string;
}

/** For what is done in real time. */
const REAL_MS = 60_000;

/**
 * Two control planes on one journal begin twenty trials of one scope at once; the one that leads then ends as by `kill -9`, and the
 * other one leads. Their clock is made up, the journal and its locks are real.
 */
export async function twoTuners(url: string): Promise<TwoTuners> {
  const clock = new FakeClock(Date.now());
  let isChanged = false;
  let use: StatementUse = { calls: 0, totalMs: 0, buffers: 0 };
  const actuator: Actuator<Change, void> = {
    kind: 'halving',
    describe: () => ({}),
    plan: () => Promise.resolve({}),
    apply: () => {
      isChanged = true;
      return Promise.resolve();
    },
    undo: () => Promise.resolve(),
    heal: () => Promise.resolve('applied'),
  };
  let leader = 0;
  const tuners = [0, 1].map((number) => {
    const journal = new PostgresJournal(url);
    const onTrouble = (message: string): void => assert.fail(message);
    const orders = new Orders({ journal, actuators: [actuator], guards: [], onTrouble });
    const runner = new TrialRunner({
      journal,
      orders,
      actuators: [actuator],
      clock,
      counters: () => Promise.resolve(new Map([['one', use]])),
      routes: () => Promise.resolve({}),
      vitals: () => Promise.resolve(null),
      instances: () => [],
      times: () => ({ sampleMs: 1_000, baselineMs: 8_000, minMs: 12_000, maxMs: 60_000 }),
      rules: () => ({ blockMs: 1_000, blockCalls: 10, leastBlocks: 12, alpha: 0.01, leastEffect: 0.05 }),
      leads: () => leader === number,
      onEnd: () => {},
      onTrouble,
    });
    return { journal, runner };
  });
  const [first, second] = tuners;
  if (first === undefined || second === undefined) throw new TypeError('There are two.');
  let seconds = 0;
  const oneSecond = async (): Promise<void> => {
    seconds++;
    const mean = (isChanged ? 0.5 : 1) * (1 + 0.05 * Math.sin(seconds * 3));
    use = { calls: use.calls + 20, totalMs: use.totalMs + 20 * mean, buffers: use.buffers + 200 };
    clock.advance(1_000);
    for (const { runner } of tuners) await runner.tick();
  };
  try {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? first : second).runner.propose(draft())),
    );
    const ids = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : []));
    for (const one of outcomes) {
      if (one.status === 'rejected') assert.equal((one.reason as { code?: unknown }).code, 'AP_TRIAL_SCOPE_TAKEN'); // anything may be thrown
    }
    const id = ids[0] ?? '';
    const stateOf = async (): Promise<string> => (await second.journal.read(id))?.state ?? '';
    const samples = async (): Promise<number> => (await second.journal.notes(id, ['before', 'after'])).length;
    for (let turn = 0; turn < 5; turn++) await oneSecond();
    // From here on the first one does nothing any more, as if it had been killed.
    leader = 1;
    const known = await samples();
    const killedAt = seconds;
    while ((await samples()) === known && seconds - killedAt < 60) await oneSecond();
    const tookOverS = seconds - killedAt;
    while (!['kept', 'reverted', 'refused'].includes(await stateOf()) && seconds < 200) {
      await oneSecond();
      // The time before is over by then; the change is made beside the ticks, and takes real time.
      if (seconds > 30) await until(REAL_MS, stateOf, (state) => state !== 'proposed' && state !== 'applying');
    }
    return { begun: ids.length, refused: outcomes.length - ids.length, tookOverS, state: await stateOf() };
  } finally {
    for (const { journal, runner } of tuners) {
      await runner.stop();
      await journal.close();
    }
  }
}

function draft(): Parameters<TrialRunner['propose']>[0] {
  return {
    change: { service: 'orders', kind: 'halving', subject: 'It', author: 'ann', origin: 'person' },
    scope: 'database main',
    about: {
      category: 'indexes',
      recommendation: 'r',
      database: 'main',
      question: { affected: ['one'], controls: [] },
      texts: { one: 'SELECT 1' },
      predicted: { effect: 0.5, low: 0.3, high: 0.8, savedMsPerHour: 1, learntFrom: 0 },
    },
  };
}
