import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveSettings } from '../config/live-settings.ts';
import type { SettingValues } from '../contract/configuration.ts';
import { FakeClock } from '../kernel/clock.ts';
import { MemoryJournal } from '../storage/memory/memory-journal.ts';
import type { Trial } from '../storage/ports.ts';
import type { ServiceVitals } from './guard-metrics.ts';
import { type Actuator, type Change, Orders } from './orders.ts';
import { aboutOf } from './trial-about.ts';
import type { StatementUse } from './trial-judgement.ts';
import { TrialRunner } from './trial-runner.ts';

/** A service whose one statement takes as long as the change makes it, ten calls a second. */
class World implements Actuator<Change, void> {
  readonly kind = 'world';
  readonly clock = new FakeClock();
  readonly journal = new MemoryJournal();
  readonly runner: TrialRunner;
  readonly orders: Orders;
  readonly live = new LiveSettings();
  readonly trouble: string[] = [];
  isChanged = false;
  callsPerSecond = 10;
  vitals: ServiceVitals | null = null;
  /** Why the statements can't be read. */
  failure: string | null = null;
  readonly #effect: number;
  #use: StatementUse = { calls: 0, totalMs: 0, buffers: 0 };
  #second = 0;

  constructor(effect: number, values: SettingValues = {}) {
    this.#effect = effect;
    this.live.swap({
      'optimization.sampleMs': 1_000,
      'optimization.blockCalls': 10,
      'optimization.baselineMs': 10_000,
      'optimization.trialMinMs': 20_000,
      'optimization.trialMaxMs': 60_000,
      ...values,
    });
    const onTrouble = (message: string): void => {
      this.trouble.push(message);
    };
    this.orders = new Orders({ journal: this.journal, actuators: [this], guards: [], onTrouble });
    this.runner = this.makeRunner();
  }

  makeRunner(): TrialRunner {
    return new TrialRunner({
      journal: this.journal,
      orders: this.orders,
      actuators: [this],
      clock: this.clock,
      counters: () =>
        this.failure === null
          ? Promise.resolve(new Map([['one', this.#use]]))
          : Promise.reject(new Error(this.failure)),
      routes: () => Promise.resolve({}),
      vitals: () => Promise.resolve(this.vitals),
      instances: () => [],
      times: () => {
        const { sampleMs, baselineMs, trialMinMs, trialMaxMs } = this.live.current.optimization;
        return { sampleMs, baselineMs, minMs: trialMinMs, maxMs: trialMaxMs };
      },
      rules: () => {
        const { sampleMs, blockCalls } = this.live.current.optimization;
        return { blockMs: sampleMs, blockCalls, leastBlocks: 12, alpha: 0.01, leastEffect: 0.05 };
      },
      leads: () => true,
      onEnd: () => {},
      onTrouble: (message) => this.trouble.push(message),
    });
  }

  describe(): { what: string } {
    return { what: 'a change' };
  }

  plan(): Promise<string> {
    return Promise.resolve('back');
  }

  apply(): Promise<void> {
    this.isChanged = true;
    return Promise.resolve();
  }

  undo(): Promise<void> {
    this.isChanged = false;
    return Promise.resolve();
  }

  heal(): Promise<'applied' | 'absent'> {
    return Promise.resolve(this.isChanged ? 'applied' : 'absent');
  }

  propose(aim: 'gain' | 'no harm' = 'gain'): Promise<Trial> {
    return this.runner.propose({
      change: { service: 'orders', kind: 'world', subject: 'It', author: 'ann', origin: 'person' },
      scope: 'world',
      about: {
        category: 'indexes',
        recommendation: 'r',
        database: 'main',
        question: { affected: ['one'], controls: [], aim },
        texts: { one: 'SELECT 1' },
        predicted: { effect: 0.5, low: 0.3, high: 0.8, savedMsPerHour: 1, learntFrom: 0 },
      },
    });
  }

  async second(runner: TrialRunner = this.runner): Promise<void> {
    this.#second++;
    const { calls, totalMs, buffers } = this.#use;
    const mean = (this.isChanged ? this.#effect : 1) * (1 + 0.05 * Math.sin(this.#second * 3));
    const more = this.callsPerSecond;
    this.#use = { calls: calls + more, totalMs: totalMs + more * mean, buffers: buffers + more * 10 };
    this.clock.advance(1_000);
    await runner.tick();
    // What is carried out is not waited for by the tick.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  /** @returns the trial at its end, and the seconds it took */
  async end(id: string, limit = 500): Promise<{ readonly trial: Trial; readonly seconds: number }> {
    for (let seconds = 0; seconds < limit; seconds++) {
      const trial = await this.journal.read(id);
      if (trial !== null && ['kept', 'reverted', 'refused'].includes(trial.state)) return { trial, seconds };
      await this.second();
    }
    throw new Error(`It did not end: ${JSON.stringify(await this.journal.read(id))} ${this.trouble.join()}`);
  }
}

test('a change that helps is kept after optimization.trialMinMs at the earliest, and baselineMs before it', async () => {
  const world = new World(0.5);
  const { trial, seconds } = await world.end((await world.propose()).id);
  assert.deepEqual([trial.state, world.isChanged], ['kept', true]);
  assert.ok(seconds >= 30 && seconds < 40, `${seconds} s`);
  const longer = new World(0.5, { 'optimization.trialMinMs': 40_000, 'optimization.baselineMs': 20_000 });
  const other = await longer.end((await longer.propose()).id);
  assert.ok(other.seconds >= 60 && other.seconds < 70, `${other.seconds} s`);
  assert.ok(Math.abs((aboutOf(trial)?.judgement?.effect ?? 0) - 0.5) < 0.05);
});

test('harm is taken back at once; what makes no difference, or is not clear by optimization.trialMaxMs, in the end', async () => {
  const worse = new World(2);
  const harmed = await worse.end((await worse.propose()).id);
  assert.deepEqual([harmed.trial.state, worse.isChanged], ['reverted', false]);
  assert.ok(harmed.seconds < 25, `${harmed.seconds} s`);
  const same = new World(1, { 'optimization.trialMaxMs': 40_000 });
  const { trial, seconds } = await same.end((await same.propose()).id);
  assert.deepEqual([trial.state, same.isChanged], ['reverted', false]);
  assert.ok(seconds <= 60, `${seconds} s`);
});

test('what is to be no harm is kept when nothing is slower for it, and taken back at once when something is', async () => {
  const same = new World(1);
  const { trial } = await same.end((await same.propose('no harm')).id);
  assert.deepEqual([trial.state, same.isChanged], ['kept', true], trial.reason);
  assert.match(trial.reason, /Nothing is slower for it/);
  const worse = new World(2);
  const harmed = await worse.end((await worse.propose('no harm')).id);
  assert.deepEqual([harmed.trial.state, worse.isChanged], ['reverted', false]);
});

test('statements that are called too rarely for blocks of optimization.blockCalls are not tried on', async () => {
  const world = new World(0.5, { 'optimization.blockCalls': 200 });
  const { trial } = await world.end((await world.propose()).id);
  assert.deepEqual([trial.state, world.isChanged], ['refused', false]);
  assert.match(trial.reason, /^enough traffic: /);
});

test('optimization.sampleMs says how often the statements are read', async () => {
  const counts = [];
  for (const sampleMs of [1_000, 5_000]) {
    const world = new World(0.5, { 'optimization.sampleMs': sampleMs, 'optimization.baselineMs': 60_000 });
    const { id } = await world.propose();
    for (let second = 0; second < 31; second++) await world.second();
    counts.push((await world.journal.notes(id, ['before'])).length);
  }
  assert.deepEqual(counts, [30, 6]);
});

test('errors of the service take it back at once, whatever the statements say', async () => {
  const world = new World(0.5);
  const usual: ServiceVitals = {
    durationMs: 1_000,
    requests: 100,
    errorRatio: 0,
    p99Ms: 20,
    active: 1,
    cpuBusy: 0.2,
    rssBytes: 1e8,
    processes: 1,
    routes: {},
  };
  world.vitals = usual;
  const { id } = await world.propose();
  while ((await world.journal.read(id))?.state !== 'watching') await world.second();
  world.vitals = { ...usual, errorRatio: 0.3 };
  const { trial, seconds } = await world.end(id);
  assert.deepEqual([trial.state, world.isChanged], ['reverted', false]);
  assert.match(trial.reason, /Errors rose from 0\.0 %/);
  const [errors] = aboutOf(trial)?.guards ?? [];
  assert.deepEqual([errors?.metric, errors?.before, errors?.after, errors?.limit], ['errors', 0, 0.3, 0.02]);
  assert.ok(seconds < 12, `${seconds} s`);
});

test('another process goes on where one was killed; two trials of a scope are never open', async () => {
  const world = new World(0.5);
  const { id } = await world.propose();
  await assert.rejects(world.propose(), { code: 'AP_TRIAL_SCOPE_TAKEN' });
  for (let second = 0; second < 5; second++) await world.second();
  let next = world.makeRunner();
  for (let second = 0; second < 15; second++) await world.second(next);
  assert.equal((await world.journal.read(id))?.state, 'watching');
  next = world.makeRunner();
  for (let second = 0; second < 30; second++) await world.second(next);
  assert.equal((await world.journal.read(id))?.state, 'kept');
  assert.deepEqual(world.trouble, []);
});

test('a person ends a trial at any time; what was kept can be taken back, what was taken back can not', async () => {
  const world = new World(0.5);
  const early = await world.propose();
  await world.runner.revert(early, 'Not now.');
  assert.equal((await world.journal.read(early.id))?.state, 'reverted');
  const { trial } = await world.end((await world.propose()).id);
  assert.equal(trial.state, 'kept');
  await world.runner.revert(trial, 'After all.');
  const now = await world.journal.read(trial.id);
  assert.deepEqual([now?.state, now?.reason, world.isChanged], ['reverted', 'After all.', false]);
  if (now !== null) await assert.rejects(world.runner.revert(now, 'Again.'), { code: 'AP_TRIAL_ENDED' });
});

test('what can not be measured any more is told once, and taken back when its time is over', async () => {
  const world = new World(0.5);
  const { id } = await world.propose();
  while ((await world.journal.read(id))?.state !== 'watching') await world.second();
  world.failure = 'pg_stat_statements is gone';
  const { trial, seconds } = await world.end(id);
  assert.deepEqual([trial.state, world.isChanged], ['reverted', false]);
  assert.match(trial.reason, /^It could not be measured for 6\d s, .* pg_stat_statements is gone$/);
  assert.ok(seconds < 70, `${seconds} s`);
  assert.deepEqual(world.trouble, ["The trial of It can't go on now: pg_stat_statements is gone"]);
  const waiting = await world.propose();
  assert.equal((await world.end(waiting.id)).trial.state, 'refused');
});

test('a journal that is away when a trial is to be taken back does not keep it open', async () => {
  const world = new World(2);
  const { id } = await world.propose();
  while ((await world.journal.read(id))?.state !== 'watching') await world.second();
  const write = world.journal.write.bind(world.journal);
  let refusals = 0;
  world.journal.write = (trial, from) =>
    trial.state === 'reverting' && refusals++ < 3
      ? Promise.reject(new Error('the journal is away'))
      : write(trial, from);
  assert.equal((await world.end(id)).trial.state, 'reverted');
  assert.equal(refusals, 4);
});

test('a person who ends a trial while its change is being begun does not leave it behind', async () => {
  const world = new World(0.5);
  const early = await world.propose();
  while ((await world.journal.read(early.id))?.state !== 'watching') await world.second();
  // As it was read before the change was made.
  await world.runner.revert(early, 'Not now.');
  assert.deepEqual([(await world.journal.read(early.id))?.state, world.isChanged], ['reverted', false]);
});
