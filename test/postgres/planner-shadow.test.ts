import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { ColumnFactsBook } from '../../packages/autopilot/src/planner/column-facts.ts';
import { measureFidelity } from '../../packages/autopilot/src/planner/fidelity.ts';
import type { Shadow } from '../../packages/autopilot/src/planner/shadow.ts';
import { buildShadow, refreshShadow } from '../../packages/autopilot/src/planner/shadow-build.ts';
import { shadowChanges } from '../../packages/autopilot/src/planner/shadow-changes.ts';
import { readTargetCatalog, type TargetCatalog } from '../../packages/autopilot/src/planner/target-catalog.ts';
import { TargetSession } from '../../packages/autopilot/src/planner/target-session.ts';
import { readTargetStatistics, type TargetStatistics } from '../../packages/autopilot/src/planner/target-statistics.ts';
import { signatureOf } from '../../packages/autopilot/src/postgres/plan-shape.ts';
import { makeShop, readingRole, shopStatements } from '../support/planner-world.ts';
import { databaseFor, olderServer, olderServerSkip, type TestDatabase, throwawayCluster } from '../support/postgres.ts';

const servers = [
  { version: 18, skip: false, server: throwawayCluster, role: 'shadow_reader', leastSame: 1, mostError: 0.01 },
  // Its planner lacks two ways of 18's: skipping the leading column of an index, and semi-joins hashed on the right side.
  { version: 15, skip: olderServerSkip(), server: olderServer, role: 'shadow_reader', leastSame: 0.8, mostError: 0.5 },
] as const;

for (const { version, skip, server, role, leastSame, mostError } of servers) {
  describe(`the shadow of a PostgreSQL ${version}`, { skip }, () => {
    let database: TestDatabase;
    let session: TargetSession;
    let shadow: Shadow;
    let catalog: TargetCatalog;
    let statistics: TargetStatistics;
    let url = '';
    let book: ColumnFactsBook;
    const opened: AsyncDisposable[] = [];

    before(async () => {
      database = await databaseFor({ after, afterEach: () => {} }, { server: await server() });
      await makeShop(database);
      url = await readingRole(database, role);
      session = await TargetSession.open(url);
      opened.push(session);
      catalog = await readTargetCatalog(session);
      statistics = await readTargetStatistics(session, catalog);
      book = new ColumnFactsBook(catalog, statistics);
      shadow = await buildShadow(catalog, statistics);
      opened.push(shadow);
    });
    after(async () => {
      for (const one of opened.toReversed()) await one[Symbol.asyncDispose]();
    });

    test('is complete', () => {
      assert.deepEqual(shadow.notes, []);
      assert.deepEqual(
        shadow.indexes.map(({ id }) => id),
        ['"public"."orders_customer"', '"public"."events_kind"'],
      );
    });

    test('leaves out what has too many partitions, and says so', async () => {
      const few = await readTargetCatalog(session, 1);
      assert.deepEqual(few.leftOut.map(({ name }) => name).toSorted(), ['events', 'events_1', 'events_2']);
      assert.ok(few.tables.every(({ name }) => !name.startsWith('events')));
      assert.ok(few.indexes.every(({ name }) => !name.startsWith('events')));
      const known = await readTargetStatistics(session, few);
      assert.ok(known.columns.every(({ relation }) => !relation.startsWith('events')));
      assert.match(few.notes.join(), /more than 1 partitions \(public\.events\)/);
    });

    test('plans like it, under an account that can only read', async () => {
      const statements = shopStatements.map((sql) => ({ sql, values: [] }));
      const fidelity = await measureFidelity(session, shadow, statements);
      assert.equal(fidelity.compared, shopStatements.length - 1);
      assert.match(fidelity.refused[0]?.reason ?? '', /permission denied/);
      assert.ok(
        fidelity.same >= leastSame * fidelity.compared,
        JSON.stringify(fidelity.different.map(({ sql }) => sql)),
      );
      assert.ok(fidelity.medianCostError < 0.001, String(fidelity.medianCostError));
      assert.ok(fidelity.maxCostError < mostError, String(fidelity.maxCostError));
    });

    test('takes values for parameters, and plans without', async () => {
      const one = await shadow.plan({ sql: 'SELECT * FROM orders WHERE id = $1', values: ['7'] });
      assert.equal(one['Index Name'], 'orders_pkey');
      const { plan, types } = await shadow.planWithoutValues('SELECT * FROM orders WHERE id = $1');
      assert.match(plan['Index Cond'] ?? '', /\$1/);
      assert.deepEqual(types, ['bigint']);
      await assert.rejects(shadow.plan({ sql: 'SELECT 1; SELECT 2', values: [] }), /multiple commands/);
      await assert.rejects(shadow.plan({ sql: 'SELECT * FROM nothing', values: [] }), { code: 'AP_PLANNER_STATEMENT' });
    });

    test('knows what a dropped index costs, and forgets nothing', async () => {
      const statement = { sql: shopStatements[1] ?? '', values: [] };
      const before = await shadow.plan(statement);
      await shadow.use(new Set());
      const without = await shadow.plan(statement);
      assert.ok(without['Total Cost'] > 5 * before['Total Cost'], signatureOf(without));
      await shadow.use(new Set(['"public"."orders_customer"', '"public"."events_kind"']));
      assert.deepEqual(await shadow.plan(statement), before);
    });

    test('plans with indexes that are not there as the server does when they are', async () => {
      const thoughtOf = [
        { ddl: 'ON orders (created_at)', table: 'orders', keys: ['created_at'], statement: 2 },
        {
          ddl: 'ON orders (customer_id, created_at DESC)',
          table: 'orders',
          keys: ['customer_id', 'created_at'],
          statement: 1,
        },
        {
          ddl: 'ON customers (city) INCLUDE (country)',
          table: 'customers',
          keys: ['city'],
          included: ['country'],
          statement: 5,
        },
        { ddl: 'ON "Order Items" (sku)', table: 'Order Items', keys: ['sku'], statement: 8 },
        { ddl: 'ON "Order Items" USING hash (sku)', table: 'Order Items', keys: ['sku'], method: 'hash', statement: 8 },
        {
          ddl: 'ON orders USING brin (created_at)',
          table: 'orders',
          keys: ['created_at'],
          method: 'brin',
          statement: 3,
        },
        { ddl: 'ON events (at, kind)', table: 'events', keys: ['at', 'kind'], statement: 10 },
      ];
      const hypothetical = thoughtOf.map((one, at) => {
        const table = book.table('public', one.table);
        assert.ok(table);
        const index = { method: one.method ?? 'btree', keys: one.keys, included: one.included ?? [], share: 1 };
        const sizes = book.leaves(table).map((leaf) => {
          const { pages, rows, level } = book.indexSize(leaf, index);
          const tableOid = shadow.oidOf(leaf.oid) ?? 0;
          return { tableOid, pages, rows, level: index.method === 'btree' ? level : null };
        });
        const id = `thought_${at}`;
        return { id, table: { schema: 'public', name: one.table }, ddl: `CREATE INDEX ${id} ${one.ddl}`, sizes };
      });
      assert.deepEqual([...(await shadow.add(hypothetical))], []);

      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      try {
        const existing = shadow.indexes.filter(({ existing }) => existing).map(({ id }) => id);
        for (const [at, { statement, ddl }] of thoughtOf.entries()) {
          await shadow.use(new Set([...existing, `thought_${at}`]));
          const sql = shopStatements[statement] ?? '';
          const ours = await shadow.plan({ sql, values: [] });
          await client.query(`BEGIN; CREATE INDEX thought_${at} ${ddl}`);
          const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${sql}`);
          await client.query('ROLLBACK');
          const real = rows[0]['QUERY PLAN'][0].Plan;
          assert.equal(signatureOf(ours), signatureOf(real), ddl);
          const error = Math.abs(ours['Total Cost'] / real['Total Cost'] - 1);
          // A real index also tells the least and the greatest value, which ANALYZE may not have sampled.
          assert.ok(error < 0.2, `${ddl}: ${ours['Total Cost']} for ${real['Total Cost']}`);
        }
      } finally {
        await client.end();
      }
    });

    test('takes over what grew and was analyzed, and nothing else', async () => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      await client.query(`INSERT INTO "Order Items" SELECT i, 1, 'sku-12', 1 FROM generate_series(100001, 120000) i`);
      await client.query('ANALYZE "Order Items"');
      await client.end();
      await using later = await TargetSession.open(url);
      const now = { catalog: await readTargetCatalog(later), statistics: await readTargetStatistics(later, catalog) };
      const changes = shadowChanges({ catalog, statistics }, now);
      assert.ok(changes);
      // The server may have analyzed others by itself.
      assert.ok(changes.tables.some(({ name }) => name === 'Order Items'));
      assert.ok(changes.indexes.some(({ name }) => name === 'Order Items_pkey'));
      assert.ok(changes.columns.some(({ relation }) => relation === 'Order Items'));
      assert.ok(changes.columns.length < statistics.columns.length);
      await refreshShadow(shadow, now.catalog, now.statistics, changes);
      await shadow.reset();
      assert.ok(shadow.indexes.every(({ existing }) => existing));
      const fidelity = await measureFidelity(later, shadow, [{ sql: shopStatements[8] ?? '', values: [] }]);
      assert.deepEqual([fidelity.compared, fidelity.same], [1, 1], JSON.stringify(fidelity.worst));
      assert.ok(fidelity.maxCostError < 0.01, String(fidelity.maxCostError));
    });

    test('says why an index can not be', async () => {
      const table = { schema: 'public', name: 'orders' };
      const refused = await shadow.add([
        { id: 'not_there', table, ddl: 'CREATE INDEX not_there ON orders (nothing)', sizes: [] },
      ]);
      assert.match(refused.get('not_there') ?? '', /column "nothing" does not exist/);
    });
  });
}
