import {
  type ClosedPage,
  countRows,
  linkHeader,
  type PageCount,
  type PageRequest,
  type Pager,
  type PageStep,
  plannedRows,
  readWithin,
  type SqlFragment,
} from '@teamflow/autopilot/page';
import type { FastifyReply } from 'fastify';
import { type Kysely, type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import pg from 'pg';
import type { OrganizationTables } from '../database/database.ts';
import type { IndexedOrder } from './list-orders.ts';

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

/** What the paging of a list needs to know of its request. */
interface ListRequest extends PageRequest {
  readonly order: IndexedOrder;
  /** Path and query, for the links. */
  readonly url: string;
  /** Whether to say how many rows there are. */
  readonly count?: boolean | undefined;
}

/** Reads one page of a query and puts its links into the answer's headers. `database` is what the query was made with. */
export async function readPage<Tables, DB, TB extends keyof DB, Row extends object>(
  { pager, database }: { readonly pager: Pager; readonly database: Kysely<Tables> },
  request: ListRequest,
  reply: FastifyReply,
  query: SelectQueryBuilder<DB, TB, Row>,
  valuesOf: (row: Row) => readonly (string | null)[],
): Promise<ClosedPage<Row>> {
  const open = pager.open(request);
  const read = (step: PageStep): Promise<readonly Row[]> => readStep(query, step);
  const listed = await readWithin(open, read, valuesOf);
  void reply.header('link', linkHeader(request.url, listed.page));
  if (request.count !== true || listed.page.count !== undefined) return listed;
  return { ...listed, page: { ...listed.page, count: await countOf(database, query) } };
}

/** Every order of TeamFlow has one direction and no nulls, so that a page is one condition; none: no row can follow. */
async function readStep<DB, TB extends keyof DB, Row extends object>(
  query: SelectQueryBuilder<DB, TB, Row>,
  { branches, orderBy, fetch }: PageStep,
): Promise<readonly Row[]> {
  const ordered = query.orderBy(sql.raw(orderBy)).limit(fetch);
  if (branches === undefined) return await ordered.execute();
  const [only, ...others] = branches;
  if (only === undefined) return [];
  if (others.length > 0)
    throw new Error(`The order ${orderBy} takes ${branches.length} ranges a page; TeamFlow reads one.`);
  return await ordered.where(condition(only)).execute();
}

/** A query whose rows are not looked into here. */
type AnyRows = SelectQueryBuilder<OrganizationTables, 'tasks', Record<string, unknown>>;

/** How long the database may count before it is asked to estimate. */
const countBudgetMs = 100;

function countOf<Tables, DB, TB extends keyof DB, Row>(
  database: Kysely<Tables>,
  query: SelectQueryBuilder<DB, TB, Row>,
): Promise<PageCount> {
  // `as`: nothing of its rows is read but how many there are
  const rows = query.clearSelect().select(sql<number>`1`.as('one')) as unknown as AnyRows;
  return countRows({
    counted: async (limit) => {
      try {
        // `as`: here too only a subquery is selected from
        return await (database as unknown as Kysely<OrganizationTables>).transaction().execute(async (transaction) => {
          await transaction
            .selectNoFrom((eb) =>
              eb.fn('set_config', [eb.val('statement_timeout'), eb.val(String(countBudgetMs)), eb.val(true)]).as('set'),
            )
            .execute();
          const counted = transaction.selectFrom(rows.limit(limit).as('counted'));
          const { count } = await counted
            .select((eb) => eb.fn.countAll<number>().as('count'))
            .executeTakeFirstOrThrow();
          return count;
        });
      } catch (error) {
        // query_canceled: it took too long
        if (error instanceof pg.DatabaseError && error.code === '57014') return null;
        throw error;
      }
    },
    estimated: async () => {
      const [explained] = await rows.explain<Record<string, unknown>>('json');
      // One row of one column, whatever it is called.
      return plannedRows(Object.values(explained ?? {})[0]);
    },
  });
}
