import { randomUUID } from 'node:crypto';
import type { AuditEntry } from '../contract/access.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { AccessStore } from '../storage/ports.ts';

/** What an {@link AuditTrail} is made with. */
export interface AuditTrailOptions {
  readonly store: AccessStore;
  readonly clock: Clock;
  readonly onTrouble: (message: string) => void;
}

/** A call that has ended, before it has a place in the log. */
export type AuditedCall = Omit<AuditEntry, 'id' | 'at' | 'skipped'>;

/** Entries that wait for the store; beyond it the oldest are lost, counted and told. */
const MAX_WAITING = 5_000;
const MAX_BATCH = 500;
/** So long an answer waits for its entry: who has been told that something was done finds it in the log. */
const PATIENCE_MS = 1_000;
const RETRY_MS = 2_000;
/** Calls without the right are written one by one up to this many a minute: strangers can't push out what administrators did. */
const REFUSALS_A_MINUTE = 30;
const MINUTE_MS = 60_000;
const MAX_TEXT_LENGTH = 400;

/** Writes the audit log: in order, each entry once, and again when the store was away. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  #waiting: AuditEntry[] = [];
  #writing: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #isAway = false;
  #lost = 0;
  #minute = { number: Number.NaN, refusals: 0 };
  #skipped = 0;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
  }

  /** Resolves when the call is in the log, or after a second: it is then written when the store is back. Never rejects. */
  async record(call: AuditedCall): Promise<void> {
    const now = this.#options.clock.now();
    if (call.status === 401 || (call.status === 403 && call.code === 'AP_FORBIDDEN')) {
      const minute = Math.floor(now / MINUTE_MS);
      if (minute !== this.#minute.number) this.#minute = { number: minute, refusals: 0 };
      if (++this.#minute.refusals > REFUSALS_A_MINUTE) {
        this.#skipped++;
        return;
      }
    }
    const { actor, target } = call;
    this.#waiting.push({
      ...call,
      actor: actor?.replaceAll(/\p{Cc}/gu, ' ').slice(0, MAX_TEXT_LENGTH) ?? null,
      target: target.slice(0, MAX_TEXT_LENGTH),
      id: randomUUID(),
      at: new Date(now).toISOString(),
      skipped: this.#skipped,
    });
    this.#skipped = 0;
    if (this.#waiting.length > MAX_WAITING) {
      this.#lost += this.#waiting.length - MAX_WAITING;
      this.#waiting = this.#waiting.slice(-MAX_WAITING);
    }
    // While the store is known to be away nobody waits for it.
    const written = this.#write();
    if (!this.#isAway) await atMost(PATIENCE_MS, written);
  }

  /** Writes what waits, if the store takes it, and no more. */
  async close(): Promise<void> {
    await this.#write();
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const { store, onTrouble } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      try {
        await store.record(batch);
      } catch (error) {
        if (!this.#isAway) onTrouble(`The audit log can't be written now; entries wait: ${messageOf(error)}`);
        this.#isAway = true;
        this.#retry ??= setTimeout(() => {
          this.#retry = null;
          void this.#write();
        }, RETRY_MS).unref();
        return;
      }
      const written = new Set(batch);
      this.#waiting = this.#waiting.filter((entry) => !written.has(entry));
      this.#isAway = false;
      if (this.#lost > 0) onTrouble(`${this.#lost} entries of the audit log were lost: the store was away too long.`);
      this.#lost = 0;
    }
  }
}

async function atMost(limitMs: number, work: Promise<void>): Promise<void> {
  let limit: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      limit = setTimeout(resolve, limitMs);
    }),
  ]);
  clearTimeout(limit);
}
