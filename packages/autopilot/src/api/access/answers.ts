import type { AuditTrail } from '../../access/audit-trail.ts';
import type { TokenKeeper } from '../../access/token-keeper.ts';
import type { AccessTokenDraft } from '../../contract/access.ts';
import type { AccessOperationId } from '../../contract/access-operations.ts';
import { type KeysetOrder, linkHeader, type OpenPage, type Pager } from '../../page/page.ts';
import type { ListPart } from '../../storage/ports.ts';
import type { Answering } from '../handler.ts';
import { jsonOf } from '../request-body.ts';
import { jsonResponse } from '../responses.ts';

/** What the calls under /access are answered from. */
export interface AccessSources {
  readonly tokens: TokenKeeper;
  /** Every call that is no GET is written there. */
  readonly audit: AuditTrail;
  readonly pager: Pager;
}

const newestFirst: KeysetOrder = { columns: [{ sql: 'number', type: 'bigint' }], direction: 'descending' };

/** Answers the calls under /access. */
export function accessAnswers({ tokens, pager }: AccessSources): Pick<Answering, AccessOperationId> {
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
      const answer = { entries: items.map(({ number: _number, ...entry }) => entry), notes: tokens.notes, page };
      return jsonResponse(answer, 200, { link: linkHeader(url.pathname + url.search, page) });
    },
  };
}

function partOf({ from, toward, fetch }: OpenPage): ListPart {
  const [edge] = from ?? [];
  return {
    edge: edge === undefined ? null : Number(edge),
    toward: toward === 'previous' ? 'newer' : 'older',
    limit: fetch,
  };
}
