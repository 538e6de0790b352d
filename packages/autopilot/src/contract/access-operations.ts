import type {
  AccessToken,
  AccessTokenDraft,
  AccessTokenList,
  AuditList,
  CreatedAccessToken,
  NamedAuditEntry,
} from './access.ts';
import type { ErrorCode } from './error-table.ts';
import type { Operation } from './operations.ts';
import { cursor, limit, optional } from './operations-parameters.ts';
import { page } from './operations-shapes.ts';
import { scopes } from './principal.ts';
import type { ObjectShape, ShapeOf } from './shape.ts';

/** Parameters of GET /access/tokens. */
export interface AccessTokensQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /access/audit. */
export interface AuditQuery {
  /** Only what this caller did. */
  readonly actor?: string;
  /** Only calls of this operationId. */
  readonly operation?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** The types of the calls under /access, by operationId. */
export interface AccessOperationTypes {
  readonly listAccessTokens: { readonly query: AccessTokensQuery; readonly answer: AccessTokenList };
  readonly createAccessToken: { readonly query: object; readonly answer: CreatedAccessToken };
  readonly revokeAccessToken: { readonly query: object; readonly answer: AccessToken };
  readonly listAudit: { readonly query: AuditQuery; readonly answer: AuditList };
}

/** Names a call under /access. */
export type AccessOperationId = keyof AccessOperationTypes;

const MAX_NAME_LENGTH = 100;
const text = { kind: 'string' } as const;
const time = { kind: 'string', format: 'time' } as const;
const texts = { kind: 'array', of: text } as const;
const maybeText = { kind: 'nullable', of: text } as const;
const maybeTime = { kind: 'nullable', of: time } as const;
const scope = { kind: 'string', values: scopes, description: 'The highest; it includes those before it' } as const;

const token: ShapeOf<AccessToken> & ObjectShape = {
  kind: 'object',
  name: 'AccessToken',
  fields: {
    id: text,
    name: text,
    scope,
    state: { kind: 'string', values: ['active', 'expired', 'revoked'] },
    createdBy: text,
    createdAt: time,
    expiresAt: { ...maybeTime, description: 'null: it does not expire' },
    lastUsedAt: {
      ...maybeTime,
      description: "To the minute; null: never, or only for /metrics of an application's own port",
    },
    revokedAt: maybeTime,
    revokedBy: maybeText,
  },
};

const tokenDraft: ShapeOf<AccessTokenDraft> & ObjectShape = {
  kind: 'object',
  name: 'AccessTokenDraft',
  fields: {
    name: { kind: 'string', maxLength: MAX_NAME_LENGTH, description: 'What it is for: "ci deploys"' },
    scope,
    expiresAt: {
      kind: 'optional',
      of: { ...maybeTime, description: 'null: it does not expire; left out: 90 days from now' },
    },
  },
};

const auditEntry: ShapeOf<NamedAuditEntry> & ObjectShape = {
  kind: 'object',
  name: 'AuditEntry',
  fields: {
    id: text,
    at: time,
    actor: { ...maybeText, description: 'null: nobody who is known here' },
    actorName: { ...maybeText, description: 'As the application calls the actor; null: it has not said' },
    by: { kind: 'nullable', of: { kind: 'string', values: ['token', 'session'] } },
    operation: { ...text, description: 'The operationId' },
    target: { ...text, description: 'The path with the parameters that say what it is about; never a body' },
    outcome: { kind: 'string', values: ['done', 'refused', 'failed'] },
    status: { kind: 'integer', min: 100, max: 599 },
    code: { ...maybeText, description: 'Why it was not done; null: it was' },
    requestId: text,
    skipped: {
      kind: 'integer',
      min: 0,
      description: 'Calls refused just before that are not written one by one, because they were too many',
    },
  },
};

const tokenId: ObjectShape = {
  kind: 'object',
  fields: { id: { kind: 'string', maxLength: 64, description: 'Id of the token' } },
};
const nothing = { kind: 'object', fields: {} } as const;
const JSON_ONLY = ['application/json'] as const;
const STORE: readonly ErrorCode[] = ['AP_ACCESS_STORE_UNAVAILABLE'];
const tag = 'Access';

/** Every call under /access. */
export const accessOperations: {
  readonly [Id in AccessOperationId]: Operation<AccessOperationTypes[Id]['query'], AccessOperationTypes[Id]['answer']>;
} = {
  listAccessTokens: {
    method: 'GET',
    path: '/api/v1/access/tokens',
    tag,
    summary: 'The tokens that open this API, newest first',
    description:
      'Those that were revoked or have expired stay in the list for 90 days. The token in AUTOPILOT_TOKEN is not in it.',
    scope: 'admin',
    query: { kind: 'object', fields: { limit, cursor } },
    answer: {
      kind: 'object',
      name: 'AccessTokenList',
      fields: { tokens: { kind: 'array', of: token }, notes: texts, page },
    },
    mediaTypes: JSON_ONLY,
    problems: [...STORE, 'AP_PAGE_CURSOR_INVALID'],
  },
  createAccessToken: {
    method: 'POST',
    path: '/api/v1/access/tokens',
    tag,
    summary: 'Makes a token; the answer is the only place that ever shows it',
    description: 'It opens every control plane of the fleet within 5 s. At most 500 can be active.',
    scope: 'admin',
    query: nothing,
    body: {
      description: 'What the token is for, and what it may',
      mediaTypes: JSON_ONLY,
      maxBytes: 8192,
      shape: tokenDraft,
    },
    answer: { kind: 'object', name: 'CreatedAccessToken', fields: { token, secret: text } },
    mediaTypes: JSON_ONLY,
    problems: [...STORE, 'AP_BODY_INVALID', 'AP_BODY_TOO_LARGE', 'AP_ACCESS_TOKENS_FULL', 'AP_CROSS_SITE'],
  },
  revokeAccessToken: {
    method: 'POST',
    path: '/api/v1/access/tokens/{id}/revoke',
    tag,
    summary: 'Ends a token: it opens nothing any more',
    description:
      'Here at once, at the other control planes of the fleet and at applications within 5 s. Again it changes nothing.',
    scope: 'admin',
    params: tokenId,
    query: nothing,
    answer: token,
    mediaTypes: JSON_ONLY,
    problems: [...STORE, 'AP_ACCESS_TOKEN_UNKNOWN', 'AP_CROSS_SITE'],
  },
  listAudit: {
    method: 'GET',
    path: '/api/v1/access/audit',
    tag,
    summary: 'Who changed what, and who tried to, newest first',
    description:
      'Every call but GET is in it, with its outcome and never with its body. Kept for 400 days and 200,000 calls; of calls that were refused for want of a sign-in or scope, at most 30 a minute are written.',
    scope: 'admin',
    query: {
      kind: 'object',
      fields: {
        actor: optional({ kind: 'string', maxLength: 400, description: 'Only what this caller did' } as const),
        operation: optional({ kind: 'string', maxLength: 100, description: 'Only calls of this operationId' } as const),
        limit,
        cursor,
      },
    },
    answer: {
      kind: 'object',
      name: 'AuditList',
      fields: { entries: { kind: 'array', of: auditEntry }, notes: texts, page },
    },
    mediaTypes: JSON_ONLY,
    problems: [...STORE, 'AP_PAGE_CURSOR_INVALID'],
  },
};
