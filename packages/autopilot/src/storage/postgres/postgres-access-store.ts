import pg from 'pg';
import type { AuditEntry, AuditOutcome } from '../../contract/access.ts';
import type { Scope } from '../../contract/principal.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { tooManyTokens } from '../access-refusals.ts';
import {
  type AccessStore,
  AUDIT_KEPT_DAYS,
  AUDIT_KEPT_ENTRIES,
  ENDED_TOKENS_KEPT_DAYS,
  type ListPart,
  MAX_LIVE_TOKENS,
  type NumberedAuditEntry,
  type StoredToken,
  type StoredTokenDraft,
} from '../ports.ts';
import { rangeOf } from './list-part.ts';
import { StoreConnection } from './store-connection.ts';

interface TokenRow {
  /** bigint: pg gives a text. */
  readonly token_no: string;
  readonly token_id: string;
  readonly name: string;
  readonly scope: Scope;
  readonly sha256: Buffer;
  readonly created_by: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
  readonly revoked_by: string | null;
}

interface EntryRow {
  readonly entry_no: string;
  readonly entry_id: string;
  readonly at: Date;
  readonly actor: string | null;
  readonly recognised_by: 'token' | 'session' | null;
  readonly operation: string;
  readonly target: string;
  readonly outcome: AuditOutcome;
  readonly status: number;
  readonly code: string | null;
  readonly request_id: string;
  readonly skipped: number;
}

const TOKEN =
  'token_no, token_id, name, scope, sha256, created_by, created_at, expires_at, last_used_at, revoked_at, revoked_by';
const ENTRY =
  'entry_no, entry_id, at, actor, recognised_by, operation, target, outcome, status, code, request_id, skipped';
const LIVE = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())';
/** Retention deletes so many at a time, so that no statement takes long. */
const PRUNE_ROWS = 10_000;

/** Tokens and the audit log in PostgreSQL, schema `autopilot` (sql/0005_access.sql). Methods throw as storeError says. */
export class PostgresAccessStore implements AccessStore {
  readonly durable = true;
  readonly #connection: StoreConnection;

  /** @param connectionString `postgres://...` */
  constructor(connectionString: string) {
    this.#connection = new StoreConnection((settings) => new pg.Pool({ ...settings, connectionString }), {
      maxConnections: 1,
      statementTimeoutMs: 5_000,
    });
  }

  async liveTokens(): Promise<readonly StoredToken[]> {
    const rows = await this.#connection.query<TokenRow>(
      'Reading the tokens',
      `SELECT ${TOKEN} FROM autopilot.access_tokens WHERE ${LIVE} ORDER BY token_no`,
    );
    return rows.map(tokenOf);
  }

  async tokens(part: ListPart): Promise<readonly StoredToken[]> {
    const { where, order } = rangeOf('token_no', part.toward);
    const rows = await this.#connection.query<TokenRow>(
      'Listing the tokens',
      `SELECT ${TOKEN} FROM autopilot.access_tokens WHERE ${where} ORDER BY ${order} LIMIT $2`,
      [part.edge, part.limit],
    );
    return rows.map(tokenOf);
  }

  async addToken({ id, name, scope, sha256, createdBy, expiresAt }: StoredTokenDraft): Promise<StoredToken> {
    const [row] = await this.#connection.query<TokenRow>(
      'Keeping a token',
      `WITH made AS (
         INSERT INTO autopilot.access_tokens (token_id, name, scope, sha256, created_by, expires_at)
         SELECT $1, $2, $3, $4, $5, $6
         WHERE (SELECT count(*) FROM autopilot.access_tokens WHERE ${LIVE}) < $7
         RETURNING ${TOKEN}
       )
       SELECT made.*, pg_notify('autopilot_access', token_id) FROM made`,
      [id, name, scope, Buffer.from(sha256, 'base64url'), createdBy, dateOf(expiresAt), MAX_LIVE_TOKENS],
    );
    if (row === undefined) throw tooManyTokens();
    return tokenOf(row);
  }

  async revokeToken(id: string, by: string): Promise<StoredToken | null> {
    const [row] = await this.#connection.query<TokenRow>(
      'Revoking a token',
      `WITH revoked AS (
         UPDATE autopilot.access_tokens
         SET revoked_by = CASE WHEN revoked_at IS NULL THEN $2 ELSE revoked_by END,
             revoked_at = coalesce(revoked_at, now())
         WHERE token_id = $1 RETURNING ${TOKEN}
       )
       SELECT revoked.*, pg_notify('autopilot_access', token_id) FROM revoked`,
      [id, by],
    );
    return row === undefined ? null : tokenOf(row);
  }

  async noteUses(uses: ReadonlyMap<string, EpochMs>): Promise<void> {
    await this.#connection.query(
      'Noting when tokens were used',
      `UPDATE autopilot.access_tokens t SET last_used_at = greatest(t.last_used_at, used.at)
       FROM unnest($1::text[], $2::timestamptz[]) AS used(id, at) WHERE t.token_id = used.id`,
      [[...uses.keys()], Array.from(uses.values(), (at) => new Date(at))],
    );
  }

  async record(entries: readonly AuditEntry[]): Promise<void> {
    const column = <T>(of: (entry: AuditEntry) => T): T[] => entries.map(of);
    await this.#connection.query(
      'Writing the audit log',
      `INSERT INTO autopilot.audit_log
         (entry_id, at, actor, recognised_by, operation, target, outcome, status, code, request_id, skipped)
       SELECT e.id, e.at, e.actor, e.recognised_by, e.operation, e.target, e.outcome, e.status, e.code, e.request_id, e.skipped
       FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                   $8::integer[], $9::text[], $10::text[], $11::integer[])
         WITH ORDINALITY AS e(id, at, actor, recognised_by, operation, target, outcome, status, code, request_id, skipped, place)
       ORDER BY e.place
       ON CONFLICT (entry_id) DO NOTHING`,
      [
        column(({ id }) => id),
        column(({ at }) => at),
        column(({ actor }) => actor),
        column(({ by }) => by),
        column(({ operation }) => operation),
        column(({ target }) => target),
        column(({ outcome }) => outcome),
        column(({ status }) => status),
        column(({ code }) => code),
        column(({ requestId }) => requestId),
        column(({ skipped }) => skipped),
      ],
    );
  }

  async audit(
    part: ListPart,
    only: { readonly actor?: string; readonly operation?: string },
  ): Promise<readonly NumberedAuditEntry[]> {
    const { where, order } = rangeOf('entry_no', part.toward);
    const values: unknown[] = [part.edge, part.limit];
    let filter = '';
    // Each filter has an index that ends in the number, so that a page is one range of it.
    for (const [name, value] of Object.entries({ actor: only.actor, operation: only.operation })) {
      if (value === undefined) continue;
      values.push(value);
      filter += ` AND ${name} = $${values.length}`;
    }
    const rows = await this.#connection.query<EntryRow>(
      'Reading the audit log',
      `SELECT ${ENTRY} FROM autopilot.audit_log WHERE ${where}${filter} ORDER BY ${order} LIMIT $2`,
      values,
    );
    return rows.map(entryOf);
  }

  async prune(): Promise<void> {
    await this.#connection.query(
      'Dropping old entries of the audit log',
      `DELETE FROM autopilot.audit_log WHERE entry_no IN (
         SELECT entry_no FROM (SELECT entry_no, at FROM autopilot.audit_log ORDER BY entry_no LIMIT $1) oldest
         WHERE at < now() - make_interval(days => $2)
            OR entry_no <= (SELECT max(entry_no) FROM autopilot.audit_log) - $3)`,
      [PRUNE_ROWS, AUDIT_KEPT_DAYS, AUDIT_KEPT_ENTRIES],
    );
    await this.#connection.query(
      'Dropping tokens that ended long ago',
      `DELETE FROM autopilot.access_tokens WHERE coalesce(revoked_at, expires_at) < now() - make_interval(days => $1)`,
      [ENDED_TOKENS_KEPT_DAYS],
    );
  }

  /** Waits for what is running. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}

function tokenOf(row: TokenRow): StoredToken {
  return {
    id: row.token_id,
    number: Number(row.token_no),
    name: row.name,
    scope: row.scope,
    sha256: row.sha256.toString('base64url'),
    createdBy: row.created_by,
    createdAt: row.created_at.getTime(),
    expiresAt: row.expires_at?.getTime() ?? null,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
    revokedAt: row.revoked_at?.getTime() ?? null,
    revokedBy: row.revoked_by,
  };
}

function entryOf(row: EntryRow): NumberedAuditEntry {
  return {
    number: Number(row.entry_no),
    id: row.entry_id,
    at: row.at.toISOString(),
    actor: row.actor,
    by: row.recognised_by,
    operation: row.operation,
    target: row.target,
    outcome: row.outcome,
    status: row.status,
    code: row.code,
    requestId: row.request_id,
    skipped: row.skipped,
  };
}

function dateOf(at: EpochMs | null): Date | null {
  return at === null ? null : new Date(at);
}
