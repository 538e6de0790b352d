import type { LiveSettings } from '../../config/live-settings.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DatabaseHistory } from '../../storage/database-history.ts';
import { MemoryDatabaseHistory } from '../../storage/memory/memory-database-history.ts';
import type { Journal } from '../../storage/ports.ts';
import { PostgresDatabaseHistory } from '../../storage/postgres/postgres-database-history.ts';
import { MaintenanceActuator } from '../../tune/maintenance-actuator.ts';
import { maintenanceGuard } from '../../tune/maintenance-guards.ts';
import type { Guard, Orders } from '../../tune/orders.ts';
import { DatabaseWatch, WatchedDatabases } from './database-watch.ts';
import { IndexAdviceDesk } from './index-advice-desk.ts';
import { MaintenanceDesk } from './maintenance-desk.ts';

/** What a {@link DatabaseOffice} is put together from. */
export interface DatabaseOfficeOptions {
  /** Of watched databases by their names; never told. */
  readonly urls: Readonly<Record<string, string>>;
  /** With the right to change them; where one is missing, the one to read. */
  readonly applyUrls: Readonly<Record<string, string>>;
  /** Where history is kept; null: as long as this process lives. */
  readonly historyUrl: string | null;
  readonly clock: Clock;
  readonly settings: Pick<LiveSettings, 'current'>;
  readonly journal: Journal;
  /** Asked at each use: they are put together with what is here. */
  readonly orders: () => Orders;
  readonly ownService: () => string;
  /** Nothing that nobody asked for may be done now. */
  readonly isStopped: () => boolean;
  readonly onTrouble: (message: string) => void;
  /** Whether what must happen once in a fleet may be done here, now. */
  readonly mayAct: () => boolean;
}

const TURN_MS = 1_000;

/** Everything about watched databases in a control plane, put together. */
export class DatabaseOffice {
  readonly watched: WatchedDatabases;
  readonly advice: IndexAdviceDesk;
  readonly maintenance: MaintenanceDesk;
  /** For the orders. */
  readonly actuator: MaintenanceActuator;
  readonly guard: Guard;
  readonly #options: DatabaseOfficeOptions;
  readonly #history: DatabaseHistory;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: DatabaseOfficeOptions) {
    this.#options = options;
    const { urls, applyUrls, historyUrl, clock } = options;
    this.#history = historyUrl === null ? new MemoryDatabaseHistory() : new PostgresDatabaseHistory(historyUrl);
    this.advice = new IndexAdviceDesk(clock, this.#history, options.onTrouble);
    const settings = (): LiveSettings['current']['observe'] => options.settings.current.observe;
    this.watched = new WatchedDatabases(
      Object.entries(urls).map(
        ([name, url]) => new DatabaseWatch({ name, url, clock, machine: null, history: this.#history, settings }),
      ),
    );
    const { journal, orders, ownService, isStopped, onTrouble } = options;
    this.actuator = new MaintenanceActuator((name) => applyUrls[name] ?? urls[this.watched.find(name).name] ?? '');
    this.maintenance = new MaintenanceDesk({
      watched: this.watched,
      actuator: this.actuator,
      orders,
      journal,
      clock,
      settings: options.settings,
      ownService,
      isStopped,
      onTrouble,
    });
    this.guard = maintenanceGuard((change) => this.maintenance.refusal(change));
  }

  /** ms: what is called slow where the caller does not say. */
  readonly slowMs = (): number => this.#options.settings.current.observe.slowMs;

  /** Reads what is to be read regularly, from now on. */
  start(): void {
    if (this.watched.all.length === 0) return;
    this.#timer = setInterval(() => {
      if (!this.#options.mayAct()) return;
      for (const { collector } of this.watched.all) void collector.turn();
      void this.maintenance.turn();
    }, TURN_MS);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.all([this.advice.close(), this.maintenance.close()]);
    await this.watched.close();
    await this.#history.close();
  }
}
