import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import {
  type KeysetColumn,
  type KeysetOrder,
  type KeysetValue,
  numberedFragment,
  type OpenPage,
  Pager,
} from '@teamflow/autopilot/page';
import fc from 'fast-check';
import pg from 'pg';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor } from '../support/postgres.ts';

leakCheck(after);

const pager = new Pager({ key: randomBytes(32) });
const id: KeysetColumn = { sql: 'rows.id', type: 'bigint' };

interface Row {
  readonly a: string | null;
  readonly b: string | null;
  readonly id: string;
}

interface Statement {
  readonly text: string;
  readonly values: readonly string[];
}

/** A page as a program writes it that knows nothing but what the pager tells. */
function statementOf(open: OpenPage): Statement {
  const columns = 'a::text, b::text, id::text, a as k0, b as k1, id as k2';
  if (open.branches === undefined) {
    return { text: `select ${columns} from rows order by ${open.orderBy} limit ${open.fetch}`, values: [] };
  }
  const values: string[] = [];
  const parts = open.branches.map((branch) => {
    const { text, values: own } = numberedFragment(branch, values.length + 1);
    values.push(...own);
    return `(select ${columns} from rows where ${text} order by ${open.orderBy} limit ${open.fetch})`;
  });
  if (parts.length === 0) return { text: `select ${columns} from rows where false`, values };
  const order = open.orderByNames(['k0', 'k1', 'k2']);
  return { text: `select * from (${parts.join(' union all ')}) page order by ${order} limit ${open.fetch}`, values };
}

const valuesOf =
  (order: KeysetOrder) =>
  (row: Row): readonly KeysetValue[] =>
    order.columns.map(({ sql }) => row[sql.replace('rows.', '') as keyof Row]); // `as`: the columns of the orders below

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(plan: PlanNode): readonly PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

const direction = fc.constantFrom('ascending', 'descending');
const nulls = fc.constantFrom('first', 'last');
const orders = fc
  .record({ overall: direction, a: direction, b: direction, last: direction, aNulls: nulls, bNulls: nulls })
  .map(
    ({ overall, a, b, last, aNulls, bNulls }): KeysetOrder => ({
      direction: overall,
      columns: [
        { sql: 'rows.a', type: 'integer', direction: a, nulls: aNulls },
        { sql: 'rows.b', type: 'integer', direction: b, nulls: bNulls },
        { ...id, direction: last },
      ],
    }),
  );

describe('pages of rows with nulls in mixed directions', async () => {
  const { url } = await databaseFor({ after, afterEach: () => {} });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  after(() => client.end());
  await client.query('create table rows (id bigint primary key, a integer, b integer)');

  test('walking forth and back gives what a plain sort gives, whatever the order, nulls, ties and limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.option(fc.nat({ max: 3 })), fc.option(fc.nat({ max: 3 }))), { maxLength: 30 }),
        orders,
        fc.integer({ min: 1, max: 7 }),
        async (made, order, limit) => {
          await client.query('truncate rows');
          await client.query('insert into rows select * from unnest($1::bigint[], $2::integer[], $3::integer[])', [
            made.map((_, i) => i),
            made.map(([a]) => a),
            made.map(([, b]) => b),
          ]);
          const sorted = order.columns
            .map(
              ({ sql, direction, nulls }) =>
                `${sql} ${direction === 'ascending' ? 'asc' : 'desc'} ${nulls === undefined ? '' : `nulls ${nulls}`}`,
            )
            .join(', ');
          const expected = await client.query<Row>(`select a::text, b::text, id::text from rows order by ${sorted}`);
          const walk = async (start: string | null, way: 'next' | 'previous') => {
            const seen: string[] = [];
            let ends = 0;
            for (let cursor = start; ; ) {
              const open = pager.open({ cursor: cursor ?? undefined, limit, order, filter: null });
              const { text, values } = statementOf(open);
              const { rows } = await client.query<Row>(text, [...values]);
              const { items, page } = open.close(rows, valuesOf(order));
              const ids = items.map((row) => row.id);
              if (way === 'next') seen.push(...ids);
              else seen.unshift(...ids);
              ends = items.length;
              cursor = page[way];
              if (cursor === null) return { seen, page, ends };
            }
          };
          const ids = expected.rows.map((row) => row.id);
          const forth = await walk(null, 'next');
          assert.deepEqual(forth.seen, ids);
          if (forth.page.previous !== null) {
            const back = await walk(forth.page.previous, 'previous');
            assert.deepEqual(back.seen, ids.slice(0, ids.length - forth.ends));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('each branch is a range of the index: nothing is filtered and no branch is sorted', async () => {
    await client.query('truncate rows');
    await client.query(
      `insert into rows select i, nullif(i % 50, 0), nullif(i % 997, 0) from generate_series(1, 20000) i`,
    );
    await client.query('create index rows_idx on rows (a, b desc, id)');
    await client.query('analyze rows');
    const order: KeysetOrder = {
      direction: 'ascending',
      columns: [
        { sql: 'rows.a', type: 'integer', nulls: 'last' },
        { sql: 'rows.b', type: 'integer', direction: 'descending', nulls: 'first' },
        id,
      ],
    };
    for (const named of [
      { a: '7', b: '500', id: '3' },
      { a: '7', b: null, id: '3' },
      { a: null, b: '9', id: '3' },
      { a: null, b: null, id: '3' },
    ]) {
      for (const way of ['next', 'previous'] as const) {
        const some = [named, named, named].map((row) => valuesOf(order)(row));
        const first = pager.open({ limit: 1, order, filter: null }).close(some, (values) => values);
        const second = pager.open({ limit: 1, order, filter: null, cursor: first.page.next ?? '' });
        const cursor = way === 'next' ? first.page.next : second.close(some, (values) => values).page.previous;
        const open = pager.open({ limit: 20, order, filter: null, cursor: cursor ?? '' });
        assert.ok((open.branches?.length ?? 0) > 0);
        const { text, values } = statementOf(open);
        assert.doesNotMatch(text, /\bor\b/i);
        const explained = await client.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
          `explain (format json) ${text}`,
          [...values],
        );
        const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan;
        assert.ok(plan);
        const nodes = nodesOf(plan);
        const scans = nodes.filter((node) => node.Plans === undefined);
        const said = JSON.stringify(plan, null, 1);
        assert.equal(scans.length, open.branches?.length, said);
        for (const scan of scans) {
          assert.match(scan['Node Type'], /^Index (Only )?Scan$/, said);
          assert.ok(scan['Index Cond'] !== undefined && scan.Filter === undefined, said);
        }
        // Below the branches' limits nothing is sorted: only what they let through may be.
        const limits = nodes.filter((node) => node['Node Type'] === 'Limit');
        for (const limit of limits.slice(1)) assert.match(limit.Plans?.[0]?.['Node Type'] ?? '', /Scan|Result/, said);
      }
    }
  });
});
