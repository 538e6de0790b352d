import { linkHeader, type Page, type PageRequest, type Pager, type SqlFragment } from '@teamflow/autopilot/page';
import type { FastifyReply } from 'fastify';
import { type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';

/** A timestamp as RFC 3339 in UTC with all its microseconds: what answers show and cursors carry. */
export function timestampText(column: string): RawBuilder<string> {
  return sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** The same for a column that may be null. */
export function nullableTimestampText(column: string): RawBuilder<string | null> {
  // to_char of null is null
  return timestampText(column);
}

function condition(fragment: SqlFragment): RawBuilder<SqlBool> {
  // A template literal's strings, made by hand: Kysely reads nothing else of them.
  const strings = Object.assign([...fragment.strings], { raw: fragment.strings }) as TemplateStringsArray;
  return sql<SqlBool>(strings, ...fragment.values);
}

/** A page of rows, as a route answers it. */
export interface Listed<Row> {
  readonly items: readonly Row[];
  readonly page: Page;
}

/** Reads one page of a query and puts its links into the answer's headers. */
export async function readPage<DB, TB extends keyof DB, Row>(
  pager: Pager,
  request: PageRequest & { readonly url: string },
  reply: FastifyReply,
  query: SelectQueryBuilder<DB, TB, Row>,
  valuesOf: (row: Row) => readonly string[],
): Promise<Listed<Row>> {
  const open = pager.open(request);
  let paged = query.orderBy(sql.raw(open.orderBy)).limit(open.fetch);
  if (open.condition !== undefined) paged = paged.where(condition(open.condition));
  // Row is what the query selects; Kysely's Simplify<Row> is the same type spelt out.
  const listed = open.close(await paged.execute(), valuesOf);
  void reply.header('link', linkHeader(request.url, listed.page));
  return listed;
}
