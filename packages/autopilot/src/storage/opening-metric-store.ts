import type { Origin, StatementText, Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import type { Appended, Compacted, Extent, MetricStore, SeriesQuery, Slice, StatementName } from './ports.ts';
import type { StoredRelease } from './stored-origins.ts';

/** A store that has to be migrated before it is used: a PostgresMetricStore. */
export interface MigratableStore extends MetricStore {
  migrate(): Promise<unknown>;
  statementTexts(service: string, names: readonly StatementName[]): Promise<readonly StatementText[]>;
  storedReleases(): Promise<readonly StoredRelease[]>;
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/**
 * A store that may be away when this process starts: it is migrated in the background, tried again after 0.5, 1, 2, 4, 8 and then
 * every 10 s, and until then every question fails with what stands in the way.
 *
 * A schema of a later release is read as it is: old and new run side by side.
 */
export class OpeningMetricStore implements MetricStore {
  readonly #store: MigratableStore;
  readonly #onTrouble: (error: unknown) => void;
  #isOpen = false;
  #failure: unknown = null;
  #retries = 0;
  #timer: NodeJS.Timeout | null = null;
  #opening: Promise<void> | null = null;
  #isClosed = false;

  /** `onTrouble`: told once of each thing that stands in the way. */
  constructor(store: MigratableStore, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#onTrouble = onTrouble;
  }

  /** Begins to open it; does not wait. */
  open(): void {
    this.#opening = this.#open();
  }

  /** What stands in the way, or limits it; null: nothing. */
  get trouble(): string | null {
    if (this.#failure !== null) return messageOf(this.#failure);
    return this.#isOpen ? null : 'The store has not answered yet.';
  }

  append(origin: Origin, windows: readonly Window[]): Promise<Appended> {
    return this.#opened().append(origin, windows);
  }

  async *read(query: SeriesQuery): AsyncIterable<Slice> {
    yield* this.#opened().read(query);
  }

  async compact(now: EpochMs): Promise<Compacted> {
    return await this.#opened().compact(now);
  }

  async extent(service: string, now: EpochMs): Promise<Extent> {
    return await this.#opened().extent(service, now);
  }

  async statementTexts(service: string, names: readonly StatementName[]): Promise<readonly StatementText[]> {
    return await this.#opened().statementTexts(service, names);
  }

  async storedReleases(): Promise<readonly StoredRelease[]> {
    return await this.#opened().storedReleases();
  }

  /** Ends attempts to open it, and closes it when what runs has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#opening;
    await this.#store.close();
  }

  async #open(): Promise<void> {
    try {
      await this.#store.migrate();
      this.#isOpen = true;
      this.#failure = null;
    } catch (error) {
      if (messageOf(error) !== messageOf(this.#failure)) this.#onTrouble(error);
      this.#failure = error;
      this.#isOpen = error instanceof AutopilotError && error.code === 'AP_STORE_SCHEMA_NEWER';
      if (this.#isOpen || this.#isClosed) return;
      this.#timer = setTimeout(() => this.open(), Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#retries++));
    }
  }

  #opened(): MigratableStore {
    if (this.#isOpen) return this.#store;
    throw this.#failure instanceof Error
      ? this.#failure
      : new AutopilotError('AP_STORE_UNAVAILABLE', 'The store has not answered yet.', { remedy: 'It is tried again.' });
  }
}
