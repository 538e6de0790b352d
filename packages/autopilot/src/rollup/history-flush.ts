import { setTimeout as sleep } from 'node:timers/promises';
import type { Origin, StatementText, Window } from '../contract/series.ts';
import { UnsentTexts } from '../contract/unsent-texts.ts';
import type { Clock } from '../kernel/clock.ts';
import { AutopilotError, messageOf, toldOf } from '../kernel/errors.ts';
import type { Appended } from '../storage/ports.ts';
import { HistoryBacklog } from './history-backlog.ts';
import { WindowMerge } from './window-merge.ts';

/** Who writes history: an AgentStore. */
export interface HistoryWriter {
  append(origin: Origin, windows: readonly Window[]): Promise<Appended>;
  appendTexts(service: string, texts: readonly StatementText[]): Promise<void>;
  close(): Promise<void>;
}

/** What a {@link HistoryFlush} is made of. */
export interface HistoryFlushOptions {
  readonly origin: Origin;
  readonly clock: Clock;
  /** Whether it is known where history is kept; asked once a second until it is. */
  readonly isKnown: () => boolean;
  /** Called with the first windows, once it is known; called again when it failed. */
  readonly open: () => Promise<HistoryWriter>;
  /** The text behind a series of the family `statement`; null when it is not known any more. */
  readonly statementText: (database: string, id: string) => StatementText | null;
  readonly backlog?: HistoryBacklog;
  /** Waited for before each write, so that the instances of a fleet don't all write at once; default up to 1.5 s. */
  readonly delayMs?: number;
}

/** How writing history is doing, as the agent's status says it. */
export interface HistoryStatus {
  readonly state: 'off' | 'well' | 'away';
  readonly reason: string | null;
  readonly waitingWindows: number;
  readonly mergedWindows: number;
  readonly lostWindows: number;
}

/** Windows begin anew at multiples of this. */
const BLOCK_MS = 10_000;
/** Windows handed over in one call, so that catching up is no burden for the store. */
const BATCH_BYTES = 1024 * 1024;
const LONGEST_DELAY_MS = 1_500;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;
/** Before it is known where history is kept, windows wait this long for it. */
const UNKNOWN_KEPT_MS = 60_000;
/** How long a reason for refused windows is shown after the last one. */
const REFUSAL_SHOWN_MS = 60_000;
/** The store removes texts of which nothing is kept any more: they are sent again after a day, in case it has. */
const TEXTS_VALID_MS = 86_400_000;

/**
 * Writes what an agent measured to the store: one window of ten seconds after each ten, in one call. Nothing here waits on the path
 * of a request, throws, or keeps the process alive; while the store is away, windows wait in a HistoryBacklog, and the store is
 * tried again after 1, 2, 4, 8 and then every 10 s.
 *
 * A window that was offered is offered again unchanged until the store has answered: it may have been taken.
 */
export class HistoryFlush {
  readonly #options: HistoryFlushOptions;
  readonly #backlog: HistoryBacklog;
  readonly #texts: UnsentTexts;
  readonly #delayMs: number;
  readonly #startedAtMs: number;
  #incoming: Window[] = [];
  #merge = new WindowMerge();
  #mergeSinceMs = 0;
  #working: Promise<void> | null = null;
  #sending: Promise<void> | null = null;
  #writer: HistoryWriter | null = null;
  #delay: NodeJS.Timeout | null = null;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #retries = 0;
  #trouble: string | null = null;
  #refusal: { readonly reason: string; readonly atMs: number } | null = null;
  #refusedWindows = 0;
  #closed = false;

  constructor(options: HistoryFlushOptions) {
    this.#options = options;
    this.#backlog = options.backlog ?? new HistoryBacklog();
    this.#texts = new UnsentTexts(options.statementText, TEXTS_VALID_MS);
    this.#delayMs = options.delayMs ?? Math.random() * LONGEST_DELAY_MS;
    this.#startedAtMs = options.clock.monotonicMs();
  }

  get status(): HistoryStatus {
    const { clock, isKnown } = this.#options;
    const refusal = this.#refusal;
    const refused = refusal !== null && clock.monotonicMs() - refusal.atMs < REFUSAL_SHOWN_MS ? refusal.reason : null;
    return {
      state: this.#trouble !== null ? 'away' : isKnown() ? 'well' : 'off',
      reason: this.#trouble ?? refused,
      waitingWindows: this.#backlog.size,
      mergedWindows: this.#backlog.mergedWindows,
      lostWindows: this.#backlog.lostWindows + this.#refusedWindows,
    };
  }

  /** Takes closed windows; to be called once a second, also with none. */
  take(windows: readonly Window[]): void {
    if (this.#closed) return;
    const { clock, isKnown } = this.#options;
    if (!isKnown() && clock.monotonicMs() - this.#startedAtMs > UNKNOWN_KEPT_MS) {
      this.#incoming = [];
      this.#merge = new WindowMerge();
      this.#backlog.clear(false);
      return;
    }
    this.#incoming.push(...windows);
    void this.#work(false);
    if (this.#backlog.size > 0) this.#sendLater();
  }

  /** Writes everything that is left, for `waitMs` at most; what has not been taken by then is lost, and counted. */
  async close(waitMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#delay !== null) clearTimeout(this.#delay);
    const limit = new AbortController();
    const late = sleep(waitMs, undefined, { signal: limit.signal }).catch(() => {});
    await Promise.race([this.#finish(), late]);
    limit.abort();
    this.#backlog.clear(true);
    // A connection that hangs is given up: it does not keep the process alive for longer than its own limit.
    const closing = this.#writer?.close().catch(() => {});
    await Promise.race([closing, sleep(100, undefined, { ref: false })]);
  }

  async #finish(): Promise<void> {
    await this.#working;
    await this.#work(true);
    await this.#sending;
    if (this.#options.isKnown() && this.#backlog.size > 0) await this.#send();
  }

  /** Merges what came in; `isLast` closes the window that is open. One call at a time; never rejects. */
  async #work(isLast: boolean): Promise<void> {
    if (this.#working !== null) return;
    this.#working = this.#mergeIncoming(isLast).catch((error: unknown) => {
      this.#trouble = messageOf(error);
    });
    await this.#working;
    this.#working = null;
  }

  async #mergeIncoming(isLast: boolean): Promise<void> {
    const { clock } = this.#options;
    for (let window = this.#incoming.shift(); window !== undefined; window = this.#incoming.shift()) {
      if (!this.#merge.empty && blockOf(window.start) !== blockOf(this.#merge.start)) await this.#closeWindow();
      if (this.#merge.empty) this.#mergeSinceMs = clock.monotonicMs();
      await this.#merge.addInTurns(window);
    }
    if (this.#merge.empty) return;
    const now = clock.now();
    // By the monotonic clock where the other one was set back: nothing may be held for longer than ten seconds.
    const isOver =
      now >= (blockOf(this.#merge.start) + 1) * BLOCK_MS || clock.monotonicMs() - this.#mergeSinceMs >= BLOCK_MS;
    if (isOver || isLast) await this.#closeWindow();
  }

  async #closeWindow(): Promise<void> {
    const window = this.#merge.window();
    this.#merge = new WindowMerge();
    await this.#backlog.push(window, this.#options.clock.monotonicMs());
    this.#sendLater();
  }

  #sendLater(): void {
    const { clock, isKnown } = this.#options;
    const isDue = clock.monotonicMs() >= this.#retryAtMs;
    if (this.#closed || this.#delay !== null || this.#sending !== null || !isDue || !isKnown()) return;
    this.#delay = setTimeout(() => {
      this.#delay = null;
      void this.#send();
    }, this.#delayMs);
    this.#delay.unref();
  }

  /** Offers what waits until nothing is left, or something fails. One call at a time; never rejects. */
  async #send(): Promise<void> {
    if (this.#sending !== null) return;
    this.#sending = this.#offerAll();
    await this.#sending;
    this.#sending = null;
  }

  async #offerAll(): Promise<void> {
    const { origin, open } = this.#options;
    try {
      this.#writer ??= await open();
      while (this.#backlog.size > 0) {
        const windows = this.#backlog.offer(BATCH_BYTES);
        this.#judge(await this.#writer.append(origin, windows));
        this.#backlog.drop();
        this.#trouble = null;
        this.#retries = 0;
        await this.#sendTexts(this.#writer, windows);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #judge({ refused, invalid, reasons }: Appended): void {
    this.#refusedWindows += refused;
    const told = [...(reasons ?? [])];
    if (invalid > 0) told.push(`${invalid} series or cells could not be read by the store; the rest was taken.`);
    if (told.length > 0) this.#refusal = { reason: told.join(' '), atMs: this.#options.clock.monotonicMs() };
  }

  /** Windows matter more: what fails here is told, and tried again with the next ones. */
  async #sendTexts(writer: HistoryWriter, windows: readonly Window[]): Promise<void> {
    const texts = this.#texts.of(windows);
    if (texts.length === 0) return;
    try {
      await writer.appendTexts(this.#options.origin.service, texts);
      this.#texts.sent(texts);
    } catch (error) {
      this.#refusal = { reason: toldOf(error), atMs: this.#options.clock.monotonicMs() };
    }
  }

  #failed(error: unknown): void {
    this.#trouble = toldOf(error);
    const pauseMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#retries) * (0.8 + Math.random() * 0.2);
    this.#retries++;
    this.#retryAtMs = this.#options.clock.monotonicMs() + pauseMs;
    if (!isAboutTheData(error)) return;
    // What the store can't take at all must not stand in the way of everything else.
    if (this.#backlog.offer(BATCH_BYTES).length > 1) this.#backlog.offerLess();
    else this.#backlog.drop(true);
  }
}

function blockOf(start: number): number {
  return Math.floor(start / BLOCK_MS);
}

/** Whether it would fail for ever: data exceptions, integrity violations and program limits of PostgreSQL (appendix A), or our own. */
function isAboutTheData(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  // What has a code of its own passes: also 23514, of a row whose partition was made while it was on its way.
  const cause: unknown = error instanceof AutopilotError && error.code === 'AP_STORE_FAILED' ? error.cause : null;
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return false;
  return typeof cause.code === 'string' && /^(?:22|23|54)...$/.test(cause.code);
}
