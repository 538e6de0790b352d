import type { Page } from './performance.ts';
import type { Scope } from './principal.ts';

/** Whether a token opens anything at present. */
export type AccessTokenState = 'active' | 'expired' | 'revoked';

/** A token of the autopilot's, as it is shown: everything but itself. */
export interface AccessToken {
  readonly id: string;
  /** What it is for, in its maker's words. */
  readonly name: string;
  /** The highest scope it has; it includes those before it. */
  readonly scope: Scope;
  readonly state: AccessTokenState;
  readonly createdBy: string;
  readonly createdAt: string;
  /** null: it does not expire. */
  readonly expiresAt: string | null;
  /** To the minute; null: never, or only for /metrics of an application's own port. */
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
}

/** What a token is made of. */
export interface AccessTokenDraft {
  readonly name: string;
  readonly scope: Scope;
  /** RFC 3339; null: it does not expire; left out: 90 days from now. */
  readonly expiresAt?: string | null;
}

/** A token that was just made. */
export interface CreatedAccessToken {
  readonly token: AccessToken;
  /** What is presented. It is shown here once and kept nowhere. */
  readonly secret: string;
}

/** GET /access/tokens, newest first. */
export interface AccessTokenList {
  readonly tokens: readonly AccessToken[];
  /** What the reader should know, as sentences. */
  readonly notes: readonly string[];
  readonly page: Page;
}

/** How a call ended: `refused` was the caller's doing, `failed` was not. */
export type AuditOutcome = 'done' | 'refused' | 'failed';

/** One call that changes something, or was meant to. */
export interface AuditEntry {
  readonly id: string;
  readonly at: string;
  /** Who called; null: nobody who is known here. */
  readonly actor: string | null;
  /** How the caller was recognised. */
  readonly by: 'token' | 'session' | null;
  /** The operationId: patchConfig, say. */
  readonly operation: string;
  /** The path with the parameters that say what it is about; never a body. */
  readonly target: string;
  readonly outcome: AuditOutcome;
  readonly status: number;
  /** Why it was not done; null: it was. */
  readonly code: string | null;
  /** X-Request-Id of the call: finds it in logs. */
  readonly requestId: string;
  /** Calls refused just before that are not written one by one, because they were too many. */
  readonly skipped: number;
}

/** An entry as it is told. */
export interface NamedAuditEntry extends AuditEntry {
  /** How the application calls who did it; null: it has not said since the control plane started. */
  readonly actorName: string | null;
}

/** GET /access/audit, newest first. */
export interface AuditList {
  readonly entries: readonly NamedAuditEntry[];
  readonly notes: readonly string[];
  readonly page: Page;
}
