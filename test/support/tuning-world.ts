import pg from 'pg';
import { DatabaseOffice } from '../../packages/autopilot/src/api/database/database-office.ts';
import type { TuningSources } from '../../packages/autopilot/src/api/optimization/tuning-answers.ts';
import { TuningOffice } from '../../packages/autopilot/src/api/optimization/tuning-office.ts';
import { ConfigKeeper } from '../../packages/autopilot/src/config/config-keeper.ts';
import { settingsOf } from '../../packages/autopilot/src/config/registry.ts';
import type { SettingValues } from '../../packages/autopilot/src/contract/configuration.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { Pager } from '../../packages/autopilot/src/page/page.ts';
import { QueryEngine } from '../../packages/autopilot/src/query/query-engine.ts';
import { MemoryConfigStore } from '../../packages/autopilot/src/storage/memory/memory-config-store.ts';
import { MemoryJournal } from '../../packages/autopilot/src/storage/memory/memory-journal.ts';
import { MemoryMetricStore } from '../../packages/autopilot/src/storage/memory/memory-metric-store.ts';
import type { Journal, Trial } from '../../packages/autopilot/src/storage/ports.ts';
import { ConfigurationActuator } from '../../packages/autopilot/src/tune/configuration-actuator.ts';
import { ConfigurationDesk } from '../../packages/autopilot/src/tune/configuration-desk.ts';
import { ConfigurationTrialActuator } from '../../packages/autopilot/src/tune/configuration-trial-actuator.ts';
import { Orders } from '../../packages/autopilot/src/tune/orders.ts';

/** Tuning of one database with a clock that moves only when told. */
export interface TuningWorld extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly journal: Journal;
  readonly orders: Orders;
  readonly sources: TuningSources;
  readonly metrics: MemoryMetricStore;
  readonly trouble: string[];
  /** What trials have made of the configuration. */
  configured(): SettingValues;
  /** A statement on the database, as its owner. */
  run(sql: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  /** Takes a trial to its end: `work` is done for every second that goes by. */
  finish(trial: string, work: () => Promise<void>): Promise<Trial>;
}

/** Seconds that a trial may take here. */
const MOST_SECONDS = 400;

export async function tuningWorld(
  url: string,
  {
    settings = {},
    readUrl = url,
    journal = new MemoryJournal(),
  }: { settings?: SettingValues; readUrl?: string; journal?: Journal } = {},
): Promise<TuningWorld> {
  const clock = new FakeClock(Date.now());
  const trouble: string[] = [];
  const metrics = new MemoryMetricStore({ clock });
  const current = settingsOf({
    'optimization.indexes': 'ask',
    'optimization.sampleMs': 1_000,
    'optimization.blockCalls': 10,
    'optimization.baselineMs': 8_000,
    'optimization.trialMinMs': 12_000,
    'optimization.trialMaxMs': 60_000,
    ...settings,
  });
  const onTrouble = (message: string): void => {
    trouble.push(message);
  };
  const office = new DatabaseOffice({
    urls: { main: readUrl },
    applyUrls: {},
    historyUrl: null,
    clock,
    settings: { current },
    journal,
    orders: () => orders,
    ownService: () => 'orders',
    isStopped: () => false,
    mayAct: () => true,
    onTrouble,
  });
  const tuning = new TuningOffice({
    journal,
    engine: new QueryEngine(metrics),
    watched: office.watched,
    indexes: office.advice,
    readUrls: { main: readUrl },
    applyUrls: {},
    clock,
    settingsFor: () => current,
    services: () => ['orders'],
    processes: () => 1,
    health: () => Promise.resolve({ components: [] }),
    statementTexts: () => Promise.resolve([]),
    stopped: () => null,
    leads: () => true,
    onTrouble,
  });
  const keeper = new ConfigKeeper({
    store: new MemoryConfigStore(),
    file: () => ({}),
    lastGood: () => null,
    onChange: () => {},
    onTrouble,
  });
  const actuator = new ConfigurationTrialActuator(keeper);
  const orders = new Orders({ journal, actuators: [...tuning.actuators, actuator], guards: [], onTrouble });
  const configuration = new ConfigurationDesk({
    keeper,
    orders,
    actuator: new ConfigurationActuator(keeper),
    instances: { environments: () => [], check: () => Promise.resolve([]), settled: () => Promise.resolve([]) },
    file: () => ({}),
    facts: () => Promise.resolve({ connections: null, machineBytes: null, instances: 1, pools: 1 }),
  });
  const tried = { desk: configuration, actuator, instances: () => ['one'] };
  const sources = tuning.sources(
    orders,
    tried,
    new Pager({ key: Buffer.alloc(32) }),
    (named) => named ?? 'orders',
    (_service, id) => (id === 'u1' ? 'Ann' : null),
  );
  const client = new pg.Client({ connectionString: url, application_name: 'tuning-world' });
  await client.connect();
  return {
    clock,
    journal,
    orders,
    sources,
    metrics,
    configured: () => keeper.content('orders').fleet,
    trouble,
    run: (sql, values = []) => (values.length === 0 ? client.query(sql) : client.query(sql, [...values])),
    finish: async (id, work) => {
      for (let second = 0; second < MOST_SECONDS; second++) {
        const trial = await journal.read(id);
        if (trial === null) throw new Error(`There is no trial ${id}.`);
        if (['kept', 'reverted', 'refused'].includes(trial.state)) return trial;
        await work();
        clock.advance(1_000);
        await sources.runner.tick();
        // What is built takes real time.
        if (trial.state === 'applying' || trial.state === 'proposed')
          await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`The trial did not end: ${JSON.stringify(await journal.read(id))}`);
    },
    async [Symbol.asyncDispose]() {
      await tuning.stop();
      await office.close();
      await client.end();
    },
  };
}
