import { randomBytes } from 'node:crypto';
import type { AccessToken, AccessTokenDraft, AccessTokenState, CreatedAccessToken } from '../contract/access.ts';
import { hasScope, type Scope, scopes } from '../contract/principal.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { AutopilotError } from '../kernel/errors.ts';
import type { AccessStore, ListPart, StoredToken } from '../storage/ports.ts';
import { askStore, StoreFollower } from '../storage/store-follower.ts';
import { makeToken, type TokenVerifier, tokenDigest } from './token.ts';

/** What a {@link TokenKeeper} is made with. */
export interface TokenKeeperOptions {
  readonly store: AccessStore;
  /** Is kept told which tokens there are. */
  readonly verifier: TokenVerifier;
  readonly clock: Clock;
  /** Called soon after another process has changed something, as far as that can be told. */
  readonly watch: (changed: () => void) => Disposable;
  /** Other tokens open something now than before. */
  readonly onChange: () => void;
  readonly onTrouble: (message: string) => void;
}

const NOTE_USES_MS = 60_000;
const PRUNE_MS = 600_000;
const DEFAULT_LIFE_MS = 90 * 86_400_000;
const ID_BYTES = 9;

/**
 * The tokens of the fleet, as this control plane knows them: heard of by LISTEN, and asked for every 5 s. While the
 * store is away the last ones go on to open what they opened, until they expire; none can be made or revoked.
 */
export class TokenKeeper {
  readonly #options: TokenKeeperOptions;
  readonly #uses = new Map<string, EpochMs>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #follower: StoreFollower;
  #known: string;

  constructor(options: TokenKeeperOptions) {
    this.#options = options;
    this.#known = JSON.stringify(options.verifier.digests);
    this.#follower = new StoreFollower({
      watch: options.watch,
      clock: options.clock,
      read: () => this.#read(),
      onTrouble: (reason) => options.onTrouble(`Tokens can't be read; those known go on: ${reason}`),
    });
  }

  /** Reads what there is, and follows it from now on. Resolves also when the store is away. */
  async start(): Promise<void> {
    this.#timers.push(
      setInterval(() => void this.#noteUses(), NOTE_USES_MS).unref(),
      setInterval(() => void this.#prune(), PRUNE_MS).unref(),
    );
    await this.#follower.start();
  }

  /** Follows nothing any more, and writes what is left of last uses. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#follower.stop();
    await this.#noteUses();
  }

  /** What the reader of a list should know. */
  get notes(): readonly string[] {
    return this.#options.store.durable
      ? []
      : ['There is no database: tokens that are made here, and this log, end with the control plane.'];
  }

  /** Asks the store now. Calls that come meanwhile are one more asking after this one. */
  refresh(): Promise<void> {
    return this.#follower.refresh();
  }

  /** @throws AutopilotError AP_ACCESS_STORE_UNAVAILABLE */
  async list(part: ListPart): Promise<readonly { readonly number: number; readonly token: AccessToken }[]> {
    const stored = await this.asked((store) => store.tokens(part));
    return stored.map((token) => ({ number: token.number, token: this.#shown(token) }));
  }

  /** @throws AutopilotError AP_BODY_INVALID, AP_ACCESS_TOKENS_FULL, AP_ACCESS_STORE_UNAVAILABLE */
  async create({ name, scope, expiresAt }: AccessTokenDraft, createdBy: string): Promise<CreatedAccessToken> {
    const now = this.#options.clock.now();
    const until = expiresAt === undefined ? now + DEFAULT_LIFE_MS : expiresAt === null ? null : Date.parse(expiresAt);
    if (name.trim() === '' || /\p{Cc}/u.test(name)) {
      throw invalid('The name of the token is empty or has control characters.', 'Say what it is for: "ci deploys".');
    }
    if (until !== null && !(until > now)) {
      throw invalid(`The token would have expired at ${String(expiresAt)}.`, 'Give a time to come, or null for none.');
    }
    const secret = makeToken();
    const id = randomBytes(ID_BYTES).toString('base64url');
    const draft = { id, name: name.trim(), scope, sha256: tokenDigest(secret), createdBy, expiresAt: until };
    const stored = await this.asked((store) => store.addToken(draft));
    // Whoever has the answer can use it here at once.
    await this.refresh();
    return { token: this.#shown(stored), secret };
  }

  /** @throws AutopilotError AP_ACCESS_TOKEN_UNKNOWN, AP_ACCESS_STORE_UNAVAILABLE */
  async revoke(id: string, by: string): Promise<AccessToken> {
    const stored = await this.asked((store) => store.revokeToken(id, by));
    if (stored === null) {
      throw new AutopilotError('AP_ACCESS_TOKEN_UNKNOWN', `There is no token ${JSON.stringify(id)}.`, {
        remedy: 'GET /api/v1/access/tokens lists them; those that ended 90 days ago are gone.',
      });
    }
    await this.refresh();
    return this.#shown(stored);
  }

  /** @throws AutopilotError AP_ACCESS_STORE_UNAVAILABLE in place of what a store says of itself */
  async asked<T>(ask: (store: AccessStore) => Promise<T>): Promise<T> {
    return await askStore(
      'AP_ACCESS_STORE_UNAVAILABLE',
      'Until it is back the tokens that were known go on to open what they opened.',
      () => ask(this.#options.store),
    );
  }

  async #read(): Promise<void> {
    try {
      this.#take(await this.#options.store.liveTokens());
    } finally {
      this.#tellChange();
    }
  }

  /** One that has expired changes what there is, also while the store is away. */
  #tellChange(): void {
    const known = JSON.stringify(this.#options.verifier.digests);
    if (known === this.#known) return;
    this.#known = known;
    this.#options.onChange();
  }

  #take(tokens: readonly StoredToken[]): void {
    this.#options.verifier.keep(
      tokens.map(({ id, name, scope, sha256, expiresAt }) => ({
        // The name is for people; the id makes sure that nobody takes another's.
        id: `${name} (${id})`,
        sha256,
        scopes: scopesOf(scope),
        expiresAt,
        onUse: (at) => this.#uses.set(id, at),
      })),
    );
  }

  async #noteUses(): Promise<void> {
    const uses = new Map(this.#uses);
    if (uses.size === 0) return;
    this.#uses.clear();
    try {
      await this.#options.store.noteUses(uses);
    } catch {
      // Tried again with the next ones; that the store is away is told by who asks it every 5 s.
      for (const [id, at] of uses) this.#uses.set(id, Math.max(at, this.#uses.get(id) ?? 0));
    }
  }

  async #prune(): Promise<void> {
    // Several control planes may do it at once; it is tried again in ten minutes.
    await this.#options.store.prune().catch(() => {});
  }

  #shown(token: StoredToken): AccessToken {
    const { id, name, scope, createdBy, revokedBy, expiresAt, revokedAt } = token;
    const used = Math.max(token.lastUsedAt ?? 0, this.#uses.get(id) ?? 0);
    return {
      id,
      name,
      scope,
      state: stateOf(token, this.#options.clock.now()),
      createdBy,
      createdAt: new Date(token.createdAt).toISOString(),
      expiresAt: textOf(expiresAt),
      lastUsedAt: textOf(used === 0 ? null : used),
      revokedAt: textOf(revokedAt),
      revokedBy,
    };
  }
}

function scopesOf(highest: Scope): readonly Scope[] {
  return scopes.filter((scope) => hasScope([highest], scope));
}

function stateOf({ revokedAt, expiresAt }: StoredToken, now: EpochMs): AccessTokenState {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active';
}

function textOf(at: EpochMs | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function invalid(message: string, remedy: string): AutopilotError {
  return new AutopilotError('AP_BODY_INVALID', message, { remedy });
}
