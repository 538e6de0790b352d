import type { AuditEntry } from '../../contract/access.ts';
import { type Clock, type EpochMs, systemClock } from '../../kernel/clock.ts';
import { tooManyTokens } from '../access-refusals.ts';
import {
  type AccessStore,
  AUDIT_KEPT_DAYS,
  ENDED_TOKENS_KEPT_DAYS,
  type ListPart,
  MAX_LIVE_TOKENS,
  type NumberedAuditEntry,
  type StoredToken,
  type StoredTokenDraft,
} from '../ports.ts';
import { partOf } from './list-part.ts';

/** Fewer than a database keeps: they are in the memory of the control plane. */
const ENTRIES = 2000;
const DAY_MS = 86_400_000;

/** Tokens and the audit log of a control plane without a database: they end with it. */
export class MemoryAccessStore implements AccessStore {
  readonly durable = false;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, StoredToken>();
  #entries: NumberedAuditEntry[] = [];
  #tokenNumber = 0;
  #entryNumber = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  liveTokens(): Promise<readonly StoredToken[]> {
    const now = this.#clock.now();
    return Promise.resolve([...this.#tokens.values()].filter((token) => isLive(token, now)));
  }

  tokens(part: ListPart): Promise<readonly StoredToken[]> {
    return Promise.resolve(partOf([...this.#tokens.values()], part));
  }

  async addToken(draft: StoredTokenDraft): Promise<StoredToken> {
    if ((await this.liveTokens()).length >= MAX_LIVE_TOKENS) throw tooManyTokens();
    const token: StoredToken = {
      ...draft,
      number: ++this.#tokenNumber,
      createdAt: this.#clock.now(),
      lastUsedAt: null,
      revokedAt: null,
      revokedBy: null,
    };
    this.#tokens.set(token.id, token);
    return token;
  }

  revokeToken(id: string, by: string): Promise<StoredToken | null> {
    const token = this.#tokens.get(id);
    if (token === undefined) return Promise.resolve(null);
    const revoked = token.revokedAt === null ? { ...token, revokedAt: this.#clock.now(), revokedBy: by } : token;
    this.#tokens.set(id, revoked);
    return Promise.resolve(revoked);
  }

  noteUses(uses: ReadonlyMap<string, EpochMs>): Promise<void> {
    for (const [id, at] of uses) {
      const token = this.#tokens.get(id);
      if (token !== undefined) this.#tokens.set(id, { ...token, lastUsedAt: Math.max(at, token.lastUsedAt ?? 0) });
    }
    return Promise.resolve();
  }

  record(entries: readonly AuditEntry[]): Promise<void> {
    const known = new Set(this.#entries.map(({ id }) => id));
    for (const entry of entries) {
      if (known.has(entry.id)) continue;
      known.add(entry.id);
      this.#entries.push({ ...entry, number: ++this.#entryNumber });
    }
    this.#entries = this.#entries.slice(-ENTRIES);
    return Promise.resolve();
  }

  audit(
    part: ListPart,
    { actor, operation }: { readonly actor?: string; readonly operation?: string },
  ): Promise<readonly NumberedAuditEntry[]> {
    const found = this.#entries.filter(
      (entry) =>
        (actor === undefined || entry.actor === actor) && (operation === undefined || entry.operation === operation),
    );
    return Promise.resolve(partOf(found, part));
  }

  prune(): Promise<void> {
    const now = this.#clock.now();
    this.#entries = this.#entries.filter(({ at }) => Date.parse(at) > now - AUDIT_KEPT_DAYS * DAY_MS);
    for (const [id, { revokedAt, expiresAt }] of this.#tokens) {
      if ((revokedAt ?? expiresAt ?? now) < now - ENDED_TOKENS_KEPT_DAYS * DAY_MS) this.#tokens.delete(id);
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function isLive({ revokedAt, expiresAt }: StoredToken, now: EpochMs): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}
