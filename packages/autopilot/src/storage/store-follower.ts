import type { Clock } from '../kernel/clock.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';

/** What a {@link StoreFollower} is made with. */
export interface StoreFollowerOptions {
  /** Calls back soon after another process has changed something, as far as that can be told. */
  readonly watch: (changed: () => void) => Disposable;
  /** Reads what there is now. Rejects while the store is away. */
  readonly read: () => Promise<void>;
  readonly clock: Clock;
  /** Told once for each time the store stays away, with the reason in words. */
  readonly onTrouble: (reason: string) => void;
}

const POLL_MS = 5_000;
/** While it is away, so that a schema that is just being made, or a server that restarts, costs no 5 s. */
const RETRY_MS = 500;
/** Trouble is told when it has lasted so long: a control plane starts faster than it migrates. */
const PATIENCE_MS = 5_000;

/** Follows something in the store: read on a notice, and every 5 s in case a notice was lost. */
export class StoreFollower {
  readonly #options: StoreFollowerOptions;
  #listening: Disposable | null = null;
  #timer: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #refreshing: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #trouble: string | null = null;
  #troubleSinceMs = 0;
  #told = false;

  constructor(options: StoreFollowerOptions) {
    this.#options = options;
  }

  /** Why the last reading failed; null: it did not. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Reads what there is, and follows it from now on. Resolves also when the store is away. */
  async start(): Promise<void> {
    this.#listening = this.#options.watch(() => void this.refresh());
    this.#timer = setInterval(() => void this.refresh(), POLL_MS).unref();
    await this.refresh();
  }

  /** Resolves when a reading under way has ended; none follows. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#listening?.[Symbol.dispose]();
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#refreshing;
  }

  /** Reads now. Calls that come meanwhile are one more reading after this one. */
  refresh(): Promise<void> {
    if (this.#refreshing !== null) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#options.read();
        this.#trouble = null;
        this.#told = false;
      } catch (error) {
        this.#fail(messageOf(error));
      }
    } while (this.#again);
  }

  #fail(trouble: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#trouble === null) this.#troubleSinceMs = nowMs;
    this.#trouble = trouble;
    if (!this.#told && nowMs - this.#troubleSinceMs >= PATIENCE_MS) {
      this.#told = true;
      this.#options.onTrouble(trouble);
    }
    if (this.#stopped || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.refresh();
    }, RETRY_MS).unref();
  }
}

/**
 * Asks the store, and says of one that is away what it means to whoever asked.
 * @throws AutopilotError with that code in place of what a store says of itself
 */
export async function askStore<T>(code: string, meaning: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AutopilotError) || !error.code.startsWith('AP_STORE_')) throw error;
    throw new AutopilotError(code, `${error.message} ${meaning}`, {
      cause: error,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    });
  }
}
