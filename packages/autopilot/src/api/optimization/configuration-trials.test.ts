/** Trials of settings, with a made up clock and traffic: everything else is real. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigKeeper } from '../../config/config-keeper.ts';
import { emptyContent } from '../../config/layers.ts';
import { LiveSettings } from '../../config/live-settings.ts';
import type { SettingValue } from '../../contract/configuration.ts';
import { FakeClock } from '../../kernel/clock.ts';
import { ExponentialHistogram } from '../../kernel/histogram.ts';
import { QueryEngine } from '../../query/query-engine.ts';
import { MemoryConfigStore } from '../../storage/memory/memory-config-store.ts';
import { MemoryJournal } from '../../storage/memory/memory-journal.ts';
import { MemoryMetricStore } from '../../storage/memory/memory-metric-store.ts';
import type { ConfigStore, Journal, Trial } from '../../storage/ports.ts';
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

/** What is kept outlives a process; what the process does with it ends with it. */
class Life {
  /** Writes that count, until it ends; the last one is done, or is not. */
  left = Number.POSITIVE_INFINITY;
  readonly dying: 'before it is written' | 'after it is written';
  isOver = false;

  constructor(left = Number.POSITIVE_INFINITY, dying: Life['dying'] = 'before it is written') {
    this.left = left;
    this.dying = dying;
  }

  /** The same, as long as this life lasts. */
  over<Kept extends object>(kept: Kept, counts: (name: string, args: readonly unknown[]) => boolean): Kept {
    return new Proxy(kept, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: readonly unknown[]): unknown => {
          if (this.isOver) return Promise.reject(new Error('killed'));
          if (counts(String(name), args) && --this.left < 0) {
            this.isOver = true;
            const done = this.dying === 'after it is written' ? Reflect.apply(member, target, args) : null;
            return Promise.resolve(done).then(() => Promise.reject(new Error('killed')));
          }
          return Reflect.apply(member, target, args);
        };
      },
    });
  }
}

class World {
  readonly clock = new FakeClock(T0);
  readonly trouble: string[] = [];
  instances: readonly string[];
  journal!: Journal; // boot() sets these
  keeper!: ConfigKeeper;
  trials!: ConfigurationTrials;
  actuator!: ConfigurationTrialActuator;
  runner!: TrialRunner;
  life = new Life();
  #orders!: Orders;
  readonly #journal = new MemoryJournal();
  readonly #versions = new MemoryConfigStore();
  readonly #store = new MemoryMetricStore({ clock: this.clock });
  readonly #engine = new QueryEngine(this.#store);
  /** Mean time of a request by what `compression.minBytes` is where it is answered. */
  readonly #meanMs: (minBytes: SettingValue | undefined) => number;
  readonly #settings = new LiveSettings();
  #second = 0;

  constructor(instances: readonly string[], meanMs: (minBytes: SettingValue | undefined) => number) {
    this.instances = instances;
    this.#meanMs = meanMs;
    this.boot(new Life());
  }

  /** A control plane begins; the one before it has ended by then. */
  boot(life: Life): void {
    this.life = life;
    const onTrouble = (message: string): void => void (life.isOver || this.trouble.push(message));
    const { clock } = this;
    const states = new Map<unknown, unknown>();
    this.journal = life.over<Journal>(this.#journal, (name, [first, kind]) => {
      if (name === 'note') return kind === 'step';
      if (name !== 'write') return false;
      // What is judged is written again and again: its steps are those between states.
      const { id, state, about } = first as Trial; // as write() is called
      const step = `${state} ${aboutOf({ about } as Trial)?.canary?.promotedAt ?? ''}`;
      const isNew = states.get(id) !== step;
      states.set(id, step);
      return isNew;
    });
    const { journal } = this;
    this.keeper = new ConfigKeeper({
      store: life.over<ConfigStore>(this.#versions, (name) => name === 'append'),
      file: () => ({}),
      lastGood: () => null,
      onChange: () => {},
      onTrouble,
    });
    const byHand = new ConfigurationActuator(this.keeper);
    this.actuator = new ConfigurationTrialActuator(this.keeper);
    this.#orders = new Orders({ journal, actuators: [byHand, this.actuator], guards: [], onTrouble });
    this.runner = new TrialRunner({
      journal,
      orders: this.#orders,
      actuators: [this.actuator],
      clock,
      counters: () => Promise.reject(new Error('No database is asked.')),
      routes: (service, question, lengthMs) => routeUses(this.#engine, service, question, clock.now(), lengthMs),
      vitals: () => Promise.resolve(null),
      instances: () => this.instances,
      times: () => ({ sampleMs: 1_000, baselineMs: 20_000, minMs: 40_000, maxMs: 160_000 }),
      rules: () => ({ blockMs: 1_000, blockCalls: 10, leastBlocks: 12, alpha: 0.01, leastEffect: 0.05 }),
      leads: () => !life.isOver,
      onEnd: () => {},
      onTrouble,
    });
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
        facts: () =>
          Promise.resolve({ connections: null, machineBytes: null, instances: this.instances.length, pools: 1 }),
      }),
      journal,
      runner: this.runner,
      engine: this.#engine,
      clock,
      instances: () => this.instances,
      settingsFor: () => this.#settings.current,
      stopped: () => null,
      standing: () => Promise.resolve({ busyRatio: null, ioRatio: null, incident: null }),
      onTrouble,
    });
  }

  /** As after a kill: another one begins, and heals what was left. */
  async next(): Promise<void> {
    this.boot(new Life());
    await this.#orders.heal(0);
  }

  async revert(id: string): Promise<void> {
    const trial = await this.journal.read(id);
    if (trial !== null) await this.runner.revert(trial, 'Not now.');
  }

  /** What all instances have, and those that have a value of their own. */
  settings(): readonly [fleet: SettingValue | undefined, own: readonly string[]] {
    const { instances, fleet } = this.keeper.content('orders');
    return [fleet['compression.minBytes'], Object.keys(instances)];
  }

  minBytes(instance: string): SettingValue | undefined {
    const { instances, fleet } = this.keeper.content('orders');
    return instances[instance]?.['compression.minBytes'] ?? fleet['compression.minBytes'];
  }

  async second(): Promise<void> {
    const at = this.#second++;
    for (const instance of this.instances) {
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

test('what is meant for all is tried on one instance first, compared with the others at the same time, and then given to all', async () => {
  const world = new World(['a', 'b', 'c'], halved);
  const { id } = await world.begin();
  while ((await world.journal.read(id))?.state !== 'watching') await world.second();
  for (let at = 0; at < 3; at++) await world.second();
  const [fleet, [one = '', ...others]] = world.settings();
  assert.deepEqual([fleet, others], [undefined, []]);
  assert.equal(world.minBytes(one), 4_096);
  const trial = await world.end(id);
  assert.equal(trial.state, 'kept', trial.reason);
  assert.deepEqual(world.settings(), [4_096, []]);
  const about = aboutOf(trial);
  assert.deepEqual([about?.canary?.instance, about?.canary?.others, about?.question.canary], [one, 2, one]);
  assert.ok(Math.abs((about?.judgement?.effect ?? 0) - 0.5) < 0.05);
  const steps = (await world.steps(id)).join('\n');
  assert.match(
    steps,
    new RegExp(`${one} tries it first, compared with the 2 others.*${one} keeps it; all others`, 's'),
  );
  await world.revert(id);
  assert.deepEqual(world.settings(), [undefined, []]);
});

test('what harms the instance that tries it first never gets to the others', async () => {
  const world = new World(['a', 'b'], (minBytes) => (minBytes === 4_096 ? 20 : 10));
  const trial = await world.end((await world.begin()).id);
  assert.deepEqual([trial.state, ...world.settings()], ['reverted', undefined, []], trial.reason);
});

test('what somebody sets for all while one instance tries it stays, whether it is the same or not', async () => {
  for (const value of [9_000, 4_096]) {
    const world = new World(['a', 'b'], halved);
    const { id } = await world.begin();
    while ((await world.journal.read(id))?.state !== 'watching') await world.second();
    for (let at = 0; at < 20; at++) await world.second();
    const newest = await world.keeper.newest('orders');
    const content = patchOf({ compression: { minBytes: value } }, null)(newest?.content ?? emptyContent);
    const draft = { author: 'bob', note: '', cause: 'person', restored: null, trial: 'by hand', content } as const;
    await world.keeper.commit('orders', newest?.version ?? 0, draft);
    const trial = await world.end(id);
    assert.deepEqual([trial.state, ...world.settings()], ['reverted', value, []], trial.reason);
  }
});

test('an instance that is gone, or alone, can not be compared: what it tries is taken back', async () => {
  for (const [left, words] of [
    [['b', 'c'], /^a, which tries it, is gone/],
    [['a'], /^All instances but a are gone/],
  ] as const) {
    const world = new World(['a', 'b', 'c'], halved);
    const { id } = await world.begin();
    while ((await world.journal.read(id))?.state !== 'watching') await world.second();
    world.instances = left;
    const trial = await world.end(id);
    assert.deepEqual([trial.state, ...world.settings()], ['reverted', undefined, []]);
    assert.match(trial.reason, words);
  }
});

test('killed at any step of a trial on one instance, before it is written or after, the next one brings it to a true end', async () => {
  const ends = new Set<string>();
  for (const [meanMs, wanted] of [
    [halved, 'kept'],
    [(minBytes: SettingValue | undefined): number => (minBytes === 4_096 ? 20 : 10), 'reverted'],
  ] as const) {
    for (const dying of ['before it is written', 'after it is written'] as const) {
      for (let writes = 0; ; writes++) {
        const world = new World(['a', 'b'], meanMs);
        for (let at = 0; at < 5; at++) await world.second();
        world.boot(new Life(writes, dying));
        const { id } = await world.begin().catch(() => ({ id: null }));
        for (let at = 0; at < 300 && !world.life.isOver; at++) {
          const state = id === null ? null : (await world.journal.read(id).catch(() => null))?.state;
          if (state === 'kept' || state === 'reverted') break;
          await world.second().catch(() => {});
        }
        const wasKilled = world.life.isOver;
        await world.next();
        const [open] = await world.journal.open('orders');
        if (open !== undefined) await world.end(open.id);
        await world.keeper.newest('orders');
        const [trial] = await world.journal.history('orders', 1, { tried: true });
        const found = [trial?.state, ...world.settings()];
        const told = `${dying}, after ${writes} writes: ${JSON.stringify(found)} ${trial?.reason ?? ''}`;
        if (trial?.state === 'kept') assert.deepEqual(found, ['kept', 4_096, []], told);
        else assert.deepEqual(found.slice(1), [undefined, []], told);
        assert.deepEqual(await world.journal.open('orders'), [], told);
        ends.add(`${wanted} ${trial?.state ?? 'none'}`);
        if (!wasKilled) {
          assert.equal(trial?.state, wanted, told);
          break;
        }
      }
    }
  }
  assert.ok(ends.has('kept kept') && ends.has('kept reverted') && !ends.has('reverted kept'), [...ends].join());
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
  world.boot(new Life());
  await world.keeper.newest('orders');
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
