import { availableParallelism } from 'node:os';
import { overviewOf, unique } from '../../advise/database-overview.ts';
import type { IndexAdvisorOptions } from '../../advise/index-advisor.ts';
import type { ObservedWorkload } from '../../advise/observed-workload.ts';
import type { ShadowKeeper } from '../../advise/shadow-keeper.ts';
import type { WhatIfAnswer, WhatIfQuestion } from '../../advise/what-if.ts';
import type { DatabaseMachine, DatabaseServer } from '../../contract/database.ts';
import type { IndexAdvice } from '../../contract/index-advice.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { type CollectorSettings, DatabaseCollector } from '../../observe/database-collector.ts';
import { type DiskRoom, readDiskRoom } from '../../postgres/disk-room.ts';
import { ObservedDatabase } from '../../postgres/observed-database.ts';
import { readServer } from '../../postgres/read-server.ts';
import { readStatements, type StatementsReading } from '../../postgres/read-statements.ts';
import type { Reading } from '../../postgres/reading.ts';
import { ServerShape } from '../../postgres/server-shape.ts';
import type { DatabaseHistory } from '../../storage/database-history.ts';

/** What one look at everything found. */
export type Look = Awaited<ReturnType<typeof overviewOf>>;

/** How old an answer may be, and how often it is read without being asked; settings decide. */
export interface WatchSettings extends CollectorSettings {
  readonly overviewMs: number;
  readonly statementsMs: number;
}

/** What {@link DatabaseWatch} is made with. */
export interface DatabaseWatchOptions {
  readonly name: string;
  /** `postgres://...`, never told. */
  readonly url: string;
  readonly clock: Clock;
  readonly machine: DatabaseMachine | null;
  readonly history: DatabaseHistory;
  /** Asked at each use. */
  readonly settings: () => WatchSettings;
}

/** Statements of the server as they were read last. */
export type StatementsLook = Reading<StatementsReading> & { readonly server: DatabaseServer };

/**
 * One database that is watched. However many ask, it is read no more often than the settings allow, and never twice at once:
 * what a reading costs does not depend on who looks.
 */
export class DatabaseWatch {
  readonly name: string;
  /** What is read without being asked. */
  readonly collector: DatabaseCollector;
  /** What was read so. */
  readonly history: DatabaseHistory;
  readonly #options: DatabaseWatchOptions;
  readonly #kept = new Map<string, { readonly atMs: number; readonly answer: Promise<unknown> }>();
  #database: ObservedDatabase | null = null;
  #others: () => readonly DatabaseWatch[] = () => [];
  /** Its shadow; loaded at the first use. */
  #shadows: Promise<ShadowKeeper> | null = null;
  /** The collector's own, so that it waits for nobody and is not counted among what was asked. */
  #collected: ObservedDatabase | null = null;

  constructor(options: DatabaseWatchOptions) {
    this.name = options.name;
    this.history = options.history;
    this.#options = options;
    this.collector = new DatabaseCollector({
      name: options.name,
      database: () => (this.#collected ??= new ObservedDatabase(options.url, { maxConnections: 1 })),
      history: options.history,
      clock: options.clock,
      settings: options.settings,
    });
  }

  /** For what is asked once, like a plan; connects at the first use. */
  get database(): ObservedDatabase {
    this.#database ??= new ObservedDatabase(this.#options.url);
    return this.#database;
  }

  /** Processors of the server; null: it is on another machine, and nobody said. */
  get processors(): number | null {
    const { machine, url } = this.#options;
    return machine?.cores ?? (isOnThisMachine(url) ? availableParallelism() : null);
  }

  /** The disk with its data; null: it can't be seen from here. */
  disk(): Promise<DiskRoom | null> {
    const { url, settings } = this.#options;
    if (!isOnThisMachine(url)) return Promise.resolve(null);
    return this.#once('disk', settings().overviewMs, () => readDiskRoom(this.database));
  }

  get cost(): { readonly readings: number; readonly durationMs: number } {
    const { statements, durationMs } = this.#database?.cost ?? { statements: 0, durationMs: 0 };
    return { readings: statements, durationMs: Math.round(durationMs) };
  }

  /** @throws AutopilotError AP_DATABASE_UNREACHABLE, AP_DATABASE_REFUSED */
  look(): Promise<Look> {
    const { clock, machine, settings } = this.#options;
    return this.#once('look', settings().overviewMs, () =>
      overviewOf(this.database, {
        now: clock.now(),
        machine,
        others: this.#others().map(({ database }) => database),
      }),
    );
  }

  /** Tells which others are watched: some may be its standbys. */
  knowOthers(others: () => readonly DatabaseWatch[]): void {
    this.#others = others;
  }

  /** As {@link look}, and not from what is kept. */
  lookAgain(): Promise<Look> {
    this.#kept.delete('look');
    return this.look();
  }

  /** Statements that the server counts. Throws as {@link look}. */
  statements(): Promise<StatementsLook> {
    return this.#once('statements', this.#options.settings().statementsMs, async () => {
      const shape = await ServerShape.read(this.database);
      const { value: server, gaps } = await readServer(this.database);
      const read = await readStatements(this.database, shape, server);
      const rights = gaps.filter(({ reading }) => reading !== 'settings for superusers');
      return { value: read.value, gaps: unique([...rights, ...read.gaps]), server };
    });
  }

  /** The server alone, for the list of databases. Throws as {@link look}. */
  server(): Promise<Reading<DatabaseServer>> {
    return this.#once('server', this.#options.settings().overviewMs, () => readServer(this.database));
  }

  /** Which indexes a workload wants; the advisor is loaded at the first use. Throws as it does. */
  async adviseIndexes(options: Omit<IndexAdvisorOptions, 'url' | 'shadows'>): Promise<IndexAdvice> {
    const { adviseIndexes } = await import('../../advise/index-advisor.ts');
    return adviseIndexes({ ...options, url: this.#options.url, shadows: await this.#keeper() });
  }

  /** How a workload would be planned after a change; loaded at the first use. Throws as it does. */
  async whatIf(workload: ObservedWorkload, questions: readonly WhatIfQuestion[]): Promise<readonly WhatIfAnswer[]> {
    if (questions.length === 0) return [];
    const { askWhatIf } = await import('../../advise/what-if.ts');
    return askWhatIf(this.#options.url, workload, questions, await this.#keeper());
  }

  async close(): Promise<void> {
    await this.collector.close();
    await Promise.all([
      this.#database?.close(),
      this.#collected?.close(),
      this.#shadows?.then((shadows) => shadows.close()),
    ]);
  }

  #keeper(): Promise<ShadowKeeper> {
    this.#shadows ??= import('../../advise/shadow-keeper.ts').then(({ ShadowKeeper }) => new ShadowKeeper());
    return this.#shadows;
  }

  #once<T>(what: string, ageMs: number, read: () => Promise<T>): Promise<T> {
    const now = this.#options.clock.monotonicMs();
    const known = this.#kept.get(what);
    // What is kept under a name was read by the one function of that name.
    if (known !== undefined && now - known.atMs < ageMs) return known.answer as Promise<T>;
    const answer = read();
    const entry = { atMs: now, answer };
    this.#kept.set(what, entry);
    answer.catch(() => {
      if (this.#kept.get(what) === entry) this.#kept.delete(what);
    });
    return answer;
  }
}

/** The databases that are watched, the first of which is meant where none is named. */
export class WatchedDatabases {
  readonly #watches: readonly DatabaseWatch[];

  constructor(watches: readonly DatabaseWatch[]) {
    this.#watches = watches;
    for (const watch of watches) watch.knowOthers(() => watches.filter((one) => one !== watch));
  }

  get all(): readonly DatabaseWatch[] {
    return this.#watches;
  }

  /** @throws AutopilotError AP_DATABASE_UNKNOWN */
  find(name: string | undefined): DatabaseWatch {
    const found = name === undefined ? this.#watches[0] : this.#watches.find((one) => one.name === name);
    if (found !== undefined) return found;
    const names = this.#watches.map((one) => one.name);
    const nearest = name === undefined ? null : nearestName(name, names);
    throw new AutopilotError(
      'AP_DATABASE_UNKNOWN',
      name === undefined ? 'No database is watched.' : `No database ${JSON.stringify(name)} is watched.`,
      {
        remedy:
          names.length === 0
            ? 'Set DATABASE_URL (or AUTOPILOT_DATABASE_URL) for the control plane; an application that instruments its pool does it by itself.'
            : nearest === null
              ? `Those watched: ${names.join(', ')}.`
              : `"${nearest}" was probably meant.`,
      },
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#watches.map((one) => one.close()));
  }
}

/** Reached over loopback or a socket; a tunnel looks the same. */
function isOnThisMachine(url: string): boolean {
  const host = URL.parse(url)?.hostname;
  return host !== undefined && (host === '' || host === 'localhost' || host === '[::1]' || host.startsWith('127.'));
}
