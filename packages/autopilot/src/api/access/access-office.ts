import { AuditTrail } from '../../access/audit-trail.ts';
import { TokenKeeper, type TokenKeeperOptions } from '../../access/token-keeper.ts';
import type { Pager } from '../../page/page.ts';
import type { AccessSources } from './answers.ts';

/** Tokens and the audit log of a control plane, put together. */
export class AccessOffice {
  readonly #options: TokenKeeperOptions;
  readonly #tokens: TokenKeeper;
  readonly #audit: AuditTrail;
  #started: Promise<void> = Promise.resolve();

  constructor(options: TokenKeeperOptions) {
    this.#options = options;
    this.#tokens = new TokenKeeper(options);
    this.#audit = new AuditTrail(options);
  }

  /** What the calls under /access are answered from. */
  sources(pager: Pager, userName: AccessSources['userName']): AccessSources {
    return { tokens: this.#tokens, audit: this.#audit, pager, userName };
  }

  /** Follows the tokens from now on; waits for nothing. */
  start(): void {
    this.#started = this.#tokens.start();
  }

  /** Follows nothing any more; resolves when what was under way is written, and the store closed. */
  async close(): Promise<void> {
    await this.#started;
    await this.#tokens.stop();
    await this.#audit.close();
    await this.#options.store.close();
  }
}
