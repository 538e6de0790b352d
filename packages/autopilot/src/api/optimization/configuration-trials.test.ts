/** Trials of settings, with a made up clock and traffic: everything else is real. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigKeeper } from '../../config/config-keeper.ts';
import { LiveSettings } from '../../config/live-settings.ts';
import type { SettingValue } from '../../contract/configuration.ts';
import { FakeClock } from '../../kernel/clock.ts';
import { ExponentialHistogram } from '../../kernel/histogram.ts';
import { QueryEngine } from '../../query/query-engine.ts';
import { MemoryConfigStore } from '../../storage/memory/memory-config-store.ts';
import { MemoryJournal } from '../../storage/memory/memory-journal.ts';
import { MemoryMetricStore } from '../../storage/memory/memory-metric-store.ts';
import type { Trial } from '../../storage/ports.ts';
import { ConfigurationActuator } from '../../tune/configuration-actuator.ts';
import { ConfigurationDesk } from '../../tune/configuration-desk.ts';
import { ConfigurationTrialActuator } from '../../tune/configuration-trial-actuator.ts';
import { Orders } from '../../tune/orders.ts';
import { aboutOf } from '../../tune/trial-about.ts';
import { TrialRunner } from '../../tune/trial-runner.ts';
import { patchOf } from '../config/content-patch.ts';
import { type AdvisedSettings, ConfigurationTrials } from './configuration-trials.ts';
import { routeUses } from './route-uses.ts';

const T0 = 1_699_999_200_000;

class World {
  readonly clock = new FakeClock(T0);
  readonly journal = new MemoryJournal();
  readonly keeper: ConfigKeeper;
  readonly trouble: string[] = [];
  readonly trials: ConfigurationTrials;
  readonly actuator: ConfigurationTrialActuator;
  readonly #orders: Orders;
  readonly #engine: QueryEngine;
  readonly #store: MemoryMetricStore;
  readonly #instances: readonly string[];
  /** Mean time of a request by what `compression.minBytes` is where it is answered. */
  readonly #meanMs: (minBytes: SettingValue | undefined) => number;
  runner: TrialRunner;
  #second = 0;
  readonly #settings = new LiveSettings();

  constructor(instances: readonly string[], meanMs: (minBytes: SettingValue | undefined) => number) {
    this.#instances = instances;
    this.#meanMs = meanMs;
    const onTrouble = (message: string): void => void this.trouble.push(message);
    this.keeper = new ConfigKeeper({
      store: new MemoryConfigStore(),
      file: () => ({}),
      lastGood: () => null,
      onChange: () => {},
      onTrouble,
    });
    const byHand = new ConfigurationActuator(this.keeper);
    this.actuator = new ConfigurationTrialActuator(this.keeper);
    const { journal, clock } = this;
    this.#orders = new Orders({ journal, actuators: [byHand, this.actuator], guards: [], onTrouble });
    this.#store = new MemoryMetricStore({ clock });
    this.#engine = new QueryEngine(this.#store);
    this.runner = this.makeRunner();
    this.trials = new ConfigurationTrials({
      configuration: new ConfigurationDesk({
        keeper: this.keeper,
        orders: this.#orders,
        actuator: byHand,
        instances: {
          environments: () => [],
          check: () => Promise.resolve([]),
          settled: () => Promise.resolve([]),
        },
        file: () => ({}),
        facts: () => Promise.resolve({ connections: null, machineBytes: null, instances: instances.length, pools: 1 }),
      }),
      journal,
      runner: { propose: (draft) => this.runner.propose(draft) },
      engine: this.#engine,
      clock,
      instances: () => instances,
      settingsFor: () => this.#settings.current,
      stopped: () => null,
      busyRatio: () => Promise.resolve(null),
      onTrouble,
    });
  }

  makeRunner(): TrialRunner {
    return new TrialRunner({
      journal: this.journal,
      orders: this.#orders,
      actuators: [this.actuator],
      clock: this.clock,
      counters: () => Promise.reject(new Error('No database is asked.')),
      routes: (service, question, lengthMs) => routeUses(this.#engine, service, question, this.clock.now(), lengthMs),
      vitals: () => Promise.resolve(null),
      times: () => ({ sampleMs: 1_000, baselineMs: 20_000, minMs: 40_000, maxMs: 160_000 }),
      rules: () => ({ blockMs: 1_000, blockCalls: 10, leastBlocks: 12, alpha: 0.01, leastEffect: 0.05 }),
      leads: () => true,
      onEnd: () => {},
      onTrouble: (message) => void this.trouble.push(message),
    });
  }

  minBytes(instance: string): SettingValue | undefined {
    const { instances, fleet } = this.keeper.content('orders');
    return instances[instance]?.['compression.minBytes'] ?? fleet['compression.minBytes'];
  }

  async second(): Promise<void> {
    const at = this.#second++;
    for (const instance of this.#instances) {
      const durations = new ExponentialHistogram();
      // The machine is slower and faster, for all alike; and no two requests are the same.
      const day = 1 + 0.1 * Math.sin(at / 15);
      for (let request = 0; request < 20; request++) {
        durations.record(this.#meanMs(this.minBytes(instance)) * day * (1 + 0.2 * Math.sin(at * 7 + request * 3)));
      }
      const route = {
        family: 'route',
        key: 'GET /list',
        database: null,
        route: null,
        cells: { requests: 20, durationMs: durations.encode() },
      } as const;
      const window = { start: T0 + at * 1_000, durationMs: 1_000, series: [route], overflow: {} };
      await this.#store.append({ service: 'orders', instance, release: '1' }, [window]);
    }
    this.clock.advance(1_000);
    await this.runner.tick();
    await this.trials.goOn('orders');
    // What is carried out is not waited for by the tick.
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  }

  async begin(instance: string | null = null, advised?: AdvisedSettings): Promise<Trial> {
    for (let at = 0; at < 5; at++) await this.second();
    const revise = patchOf({ compression: { minBytes: 4_096 } }, instance);
    const proposal = { service: 'orders', ifVersion: null, author: 'ann', note: '', cause: 'trial', revise } as const;
    return await this.trials.begin(proposal, instance, advised);
  }

  async end(id: string): Promise<Trial> {
    for (let at = 0; at < 1_000; at++) {
      const trial = await this.journal.read(id);
      if (trial !== null && ['kept', 'reverted', 'refused'].includes(trial.state)) return trial;
      await this.second();
    }
    throw new Error(`It did not end: ${JSON.stringify(await this.journal.read(id))} ${this.trouble.join()}`);
  }

  async steps(id: string): Promise<readonly string[]> {
    return (await this.journal.notes(id, ['step'])).map(({ detail }) => (typeof detail === 'string' ? detail : ''));
  }
}

const halved = (minBytes: SettingValue | undefined): number => (minBytes === 4_096 ? 5 : 10);

test('settings that apply at once are tried on, off, on, off, on, and stay when routes take less time with them', async () => {
  const world = new World(['a'], halved);
  const { id } = await world.begin();
  const trial = await world.end(id);
  assert.equal(trial.state, 'kept', `${trial.reason} ${world.trouble.join()}`);
  assert.equal(world.minBytes('a'), 4_096);
  const steps = await world.steps(id);
  const [offs, ons] = ['It is off', 'It is on'].map((start) => steps.filter((text) => text.startsWith(start)).length);
  assert.ok((offs ?? 0) >= 2 && offs === ons, steps.join('\n'));
  const effect = aboutOf(trial)?.judgement?.effect ?? 0;
  assert.ok(Math.abs(effect - 0.5) < 0.05, `${effect}`);
});

test('settings that make routes slower, or do nothing, are taken back', async () => {
  const slower = new World(['a'], (minBytes) => (minBytes === 4_096 ? 20 : 10));
  const bad = await slower.end((await slower.begin()).id);
  assert.deepEqual([bad.state, slower.minBytes('a')], ['reverted', undefined]);
  assert.match(bad.reason, /more/);
  const same = new World(['a'], () => 10);
  const nothing = await same.end((await same.begin()).id);
  assert.deepEqual([nothing.state, same.minBytes('a')], ['reverted', undefined]);
});

test('on one instance beside others settings are judged against those, and are not flipped', async () => {
  const world = new World(['a', 'b'], halved);
  const { id } = await world.begin('a');
  const trial = await world.end(id);
  assert.equal(trial.state, 'kept', trial.reason);
  assert.deepEqual([world.minBytes('a'), world.minBytes('b')], [4_096, undefined]);
  assert.deepEqual(
    (await world.steps(id)).filter((text) => text.startsWith('It is ')),
    [],
  );
  const effect = aboutOf(trial)?.judgement?.effect ?? 0;
  assert.ok(Math.abs(effect - 0.5) < 0.05, `${effect}`);
});

test('killed between the journal and a flip, the next one brings the setting to what is written', async () => {
  const world = new World(['a'], halved);
  const { id } = await world.begin();
  while (!(await world.steps(id)).some((text) => text.startsWith('It is off'))) await world.second();
  assert.equal(world.minBytes('a'), undefined);
  // As if it had been killed before the setting was taken away.
  const open = await world.journal.read(id);
  assert.ok(open !== null);
  await world.actuator.flip(open, true);
  assert.equal(world.minBytes('a'), 4_096);
  world.runner = world.makeRunner();
  await world.second();
  assert.equal(world.minBytes('a'), undefined);
  assert.equal((await world.end(id)).state, 'kept');
});

test('what somebody changes meanwhile is left as it is', async () => {
  const world = new World(['a'], halved);
  const { id } = await world.begin();
  while ((await world.journal.read(id))?.state !== 'watching') await world.second();
  const newest = await world.keeper.newest('orders');
  const content = patchOf(
    { compression: { minBytes: 9_000 } },
    null,
  )(newest?.content ?? world.keeper.content('orders'));
  const draft = { author: 'bob', note: '', cause: 'person', restored: null, trial: 'by hand', content } as const;
  await world.keeper.commit('orders', newest?.version ?? 0, draft);
  const trial = await world.journal.read(id);
  if (trial !== null) await world.runner.revert(trial, 'Not now.');
  assert.equal(world.minBytes('a'), 9_000);
});

test('a number is searched from the value of now outwards, by trials one after the other, until none is better', async () => {
  const world = new World(['a'], (minBytes) => 10 + 6 * Math.log2(Number(minBytes ?? 1_024) / 4_096) ** 2);
  for (let at = 0; at < 5; at++) await world.second();
  await assert.rejects(
    world.trials.search('orders', 'compression.effort', 'ann', ''),
    /no number that the tuner may move/,
  );
  let trial = await world.trials.search('orders', 'compression.minBytes', 'ann', '');
  const tried: (readonly [unknown, string])[] = [];
  for (;;) {
    const ended = await world.end(trial.id);
    tried.push([aboutOf(ended)?.search?.value, ended.state]);
    for (let at = 0; at < 3; at++) await world.second();
    const [next] = await world.journal.open('orders');
    if (next === undefined) break;
    assert.deepEqual([next.author, next.origin], ['ann', 'autopilot']);
    trial = next;
  }
  assert.deepEqual(tried.slice(0, 3), [
    [2_048, 'kept'],
    [4_096, 'kept'],
    [8_192, 'reverted'],
  ]);
  assert.equal(world.minBytes('a'), 4_096);
  assert.match(
    (await world.steps(trial.id)).at(-1) ?? '',
    /The search of compression\.minBytes is over after \d+ trials: 4096 is/,
  );
  assert.deepEqual(world.trouble, []);
});

test('what somebody takes back by hand ends the search', async () => {
  const world = new World(['a'], halved);
  for (let at = 0; at < 5; at++) await world.second();
  const trial = await world.trials.search('orders', 'compression.minBytes', 'ann', '');
  while ((await world.journal.read(trial.id))?.state !== 'watching') await world.second();
  const now = await world.journal.read(trial.id);
  if (now !== null) await world.runner.revert(now, 'Not now.');
  for (let at = 0; at < 20; at++) await world.second();
  assert.deepEqual(await world.journal.open('orders'), []);
});

test('settings that change nothing, or take a restart, and services that nobody asks are not tried; nor two at once', async () => {
  const world = new World(['a'], halved);
  const none = { service: 'orders', ifVersion: null, author: 'ann', note: '', cause: 'trial' } as const;
  const revise = patchOf({ compression: { minBytes: 4_096 } }, null);
  await assert.rejects(world.trials.begin({ ...none, revise }, null), /no request was heard of/);
  await assert.rejects(world.trials.begin({ ...none, revise: (content) => content }, null), /change nothing/);
  await world.begin();
  await assert.rejects(world.begin(), { code: 'AP_TRIAL_SCOPE_TAKEN' });
});

test('settings that were recommended for something else than time are kept when no route is slower, and taken back when one is', async () => {
  const predicted = { effect: 1, low: 0.9, high: 1.1, savedMsPerHour: 0, learntFrom: 0 };
  const advised = {
    recommendation: 'r',
    database: 'main',
    predicted,
    subject: 'It',
    origin: 'person',
    aim: 'no harm',
  } as const;
  const same = new World(['a'], () => 10);
  const kept = await same.end((await same.begin(null, advised)).id);
  assert.deepEqual([kept.state, kept.subject, same.minBytes('a')], ['kept', 'It', 4_096], kept.reason);
  assert.deepEqual([aboutOf(kept)?.category, aboutOf(kept)?.recommendation], ['application', 'r']);
  const slower = new World(['a'], (minBytes) => (minBytes === 4_096 ? 20 : 10));
  const reverted = await slower.end((await slower.begin(null, advised)).id);
  assert.deepEqual([reverted.state, slower.minBytes('a')], ['reverted', undefined], reverted.reason);
});
