import type { AuditTrail } from '../../access/audit-trail.ts';
import type { TokenKeeper } from '../../access/token-keeper.ts';
import type { AccessTokenDraft, AuditEntry } from '../../contract/access.ts';
import type { AccessOperationId } from '../../contract/access-operations.ts';
import { linkHeader, type Pager } from '../../page/page.ts';
import type { Answering } from '../handler.ts';
import { newestFirst, partOf } from '../numbered-list.ts';
import { jsonOf } from '../request-body.ts';
import { jsonResponse } from '../responses.ts';

/** What the calls under /access are answered from. */
export interface AccessSources {
  readonly tokens: TokenKeeper;
  /** Every call that is no GET is written there. */
  readonly audit: AuditTrail;
  readonly pager: Pager;
  /** How an application calls one of its users; null: none has said. */
  readonly userName: (id: string) => string | null;
}

/** Answers the calls under /access. */
export function accessAnswers({ tokens, pager, userName }: AccessSources): Pick<Answering, AccessOperationId> {
  const nameOf = ({ actor, by }: AuditEntry): string | null =>
    actor === null || by !== 'session' ? null : userName(actor);
  return {
    listAccessTokens: async ({ query: { cursor, limit }, url }) => {
      const open = pager.open({ cursor, limit, order: newestFirst, filter: 'tokens' });
      const { items, page } = open.close(await tokens.list(partOf(open)), ({ number }) => [String(number)]);
      const answer = { tokens: items.map(({ token }) => token), notes: tokens.notes, page };
      return jsonResponse(answer, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
    createAccessToken: async ({ body, principal }) => {
      // The shape of the body was looked at: it is what the operation declares.
      const draft = (body === null ? null : jsonOf(body, body.declared)) as AccessTokenDraft;
      return jsonResponse(await tokens.create(draft, principal?.id ?? ''));
    },
    revokeAccessToken: async ({ params, principal }) =>
      jsonResponse(await tokens.revoke(String(params['id']), principal?.id ?? '')),
    listAudit: async ({ query: { cursor, limit, ...only }, url }) => {
      const open = pager.open({ cursor, limit, order: newestFirst, filter: ['audit', only] });
      const rows = await tokens.asked((store) => store.audit(partOf(open), only));
      const { items, page } = open.close(rows, ({ number }) => [String(number)]);
      const answer = {
        entries: items.map(({ number: _number, ...entry }) => ({ ...entry, actorName: nameOf(entry) })),
        notes: tokens.notes,
        page,
      };
      return jsonResponse(answer, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
  };
}
