import type { LiveSettings } from '../../config/live-settings.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DatabaseHistory } from '../../storage/database-history.ts';
import { MemoryDatabaseHistory } from '../../storage/memory/memory-database-history.ts';
import { PostgresDatabaseHistory } from '../../storage/postgres/postgres-database-history.ts';
import { DatabaseWatch, WatchedDatabases } from './database-watch.ts';
import { IndexAdviceDesk } from './index-advice-desk.ts';

/** What a {@link DatabaseOffice} is put together from. */
export interface DatabaseOfficeOptions {
  /** Of watched databases by their names; never told. */
  readonly urls: Readonly<Record<string, string>>;
  /** Where history is kept; null: as long as this process lives. */
  readonly historyUrl: string | null;
  readonly clock: Clock;
  readonly settings: Pick<LiveSettings, 'current'>;
  /** Whether what must happen once in a fleet may be done here, now. */
  readonly mayAct: () => boolean;
}

const TURN_MS = 1_000;

/** Everything about watched databases in a control plane, put together. */
export class DatabaseOffice {
  readonly watched: WatchedDatabases;
  readonly advice: IndexAdviceDesk;
  readonly #options: DatabaseOfficeOptions;
  readonly #history: DatabaseHistory;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: DatabaseOfficeOptions) {
    this.#options = options;
    const { urls, historyUrl, clock } = options;
    this.#history = historyUrl === null ? new MemoryDatabaseHistory() : new PostgresDatabaseHistory(historyUrl);
    this.advice = new IndexAdviceDesk(clock);
    const settings = (): LiveSettings['current']['observe'] => options.settings.current.observe;
    this.watched = new WatchedDatabases(
      Object.entries(urls).map(
        ([name, url]) => new DatabaseWatch({ name, url, clock, machine: null, history: this.#history, settings }),
      ),
    );
  }

  /** ms: what is called slow where the caller does not say. */
  readonly slowMs = (): number => this.#options.settings.current.observe.slowMs;

  /** Reads what is to be read regularly, from now on. */
  start(): void {
    if (this.watched.all.length === 0) return;
    this.#timer = setInterval(() => {
      if (!this.#options.mayAct()) return;
      for (const { collector } of this.watched.all) void collector.turn();
    }, TURN_MS);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.all([this.advice.close(), this.watched.close()]);
    await this.#history.close();
  }
}
