import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import type { ColumnFactsBook } from '../../packages/autopilot/src/planner/column-facts.ts';
import {
  candidateDdl,
  hypothetical,
  type IndexCandidate,
} from '../../packages/autopilot/src/planner/index-candidate.ts';
import { indexesOf } from '../../packages/autopilot/src/planner/plan-tree.ts';
import type { PlanningEngine } from '../../packages/autopilot/src/planner/planning-engine.ts';
import { signatureOf } from '../../packages/autopilot/src/postgres/plan-shape.ts';

/** What an engine is given to plan for: the shop. */
export interface EngineWorld {
  readonly engine: PlanningEngine;
  readonly book: ColumnFactsBook;
  /** Of an account that may make indexes. */
  readonly url: string;
}

/** What every engine that plans for the advisor must do; `mostError` is how far a cost may be from that of the same index really built. */
export function planningEngineSpec(name: string, world: () => EngineWorld, mostError: number): void {
  const candidate = (table: string, columns: readonly string[], included: readonly string[] = []): IndexCandidate => {
    const found = world().book.table('public', table);
    assert.ok(found);
    const keys = columns.map((column) => ({ column, columns: [column], sql: `"${column}"`, suffix: '' }));
    return { table: found, method: 'btree', keys, included, where: null };
  };
  const thinkOf = async (wanted: ReadonlyMap<string, IndexCandidate>): Promise<void> => {
    const { engine, book } = world();
    const thoughts = [];
    for (const [id, one] of wanted) thoughts.push(await hypothetical(one, id, book, engine));
    assert.deepEqual([...(await engine.add(thoughts))], []);
  };

  test(`${name}: takes values for parameters, plans without, and takes one statement`, async () => {
    const { engine } = world();
    const one = await engine.plan({ sql: 'SELECT * FROM orders WHERE id = $1', values: ['7'] });
    assert.equal(one['Index Name'], 'orders_pkey');
    const { plan, types } = await engine.planWithoutValues('SELECT * FROM orders WHERE id = $1');
    assert.match(plan['Index Cond'] ?? plan.Filter ?? '', /\$1/);
    assert.deepEqual(types, ['bigint']);
    assert.deepEqual(await engine.plan({ sql: 'SELECT * FROM orders WHERE id = $1', values: ['7'] }), one);
    await assert.rejects(engine.plan({ sql: 'SELECT 1; SELECT 2', values: [] }), /multiple commands/);
    await assert.rejects(engine.plan({ sql: 'SELECT * FROM nothing', values: [] }), { code: 'AP_PLANNER_STATEMENT' });
  });

  test(`${name}: plans with an index as long as it is in use, by its name, also on partitions`, async () => {
    const { engine } = world();
    await thinkOf(
      new Map([
        ['switched', candidate('orders', ['created_at'])],
        ['parted', candidate('events', ['order_id'])],
      ]),
    );
    for (const [id, sql, scans] of [
      ['switched', `SELECT * FROM orders WHERE created_at = '2026-01-20'`, 1],
      ['parted', 'SELECT * FROM events WHERE order_id = 77', 2],
    ] as const) {
      const existing = engine.indexes.flatMap((one) => (one.existing ? [one.id] : []));
      const index = engine.index(id);
      assert.ok(index && !index.existing && index.bytes > 0 && index.tableOids.length >= scans);
      const before = await engine.plan({ sql, values: [] });
      await engine.use(new Set([...existing, id]));
      const after = await engine.plan({ sql, values: [] });
      assert.ok(after['Total Cost'] < before['Total Cost'] / 5, signatureOf(after));
      assert.ok([...indexesOf(after)].every((found) => index.names.includes(found)));
      await engine.use(new Set(existing));
      assert.deepEqual(await engine.plan({ sql, values: [] }), before);
      await engine.use(new Set([id]), [id]);
      assert.deepEqual(await engine.plan({ sql, values: [] }), after);
      await engine.use(new Set(), [id]);
    }
    await assert.rejects(engine.use(new Set(['unheard of'])), /There is no index unheard of/);
  });

  test(`${name}: plans with an index as the server does when it is there`, async () => {
    const { engine, url } = world();
    const wanted = new Map([
      ['real_0', [candidate('orders', ['created_at']), `SELECT * FROM orders WHERE created_at > '2026-01-27'`]],
      ['real_1', [candidate('customers', ['city'], ['country']), `SELECT country FROM customers WHERE city = 'city7'`]],
      ['real_2', [candidate('Order Items', ['sku', 'quantity']), `SELECT * FROM "Order Items" WHERE sku = 'sku-12'`]],
    ] as const);
    await thinkOf(new Map([...wanted].map(([id, [one]]) => [id, one])));
    const existing = engine.indexes.flatMap((one) => (one.existing ? [one.id] : []));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      for (const [id, [one, sql]] of wanted) {
        await engine.use(new Set([...existing, id]));
        const ours = await engine.plan({ sql, values: [] });
        await engine.use(new Set(existing));
        await client.query(`BEGIN; ${candidateDdl(one, id)}`);
        const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${sql}`);
        await client.query('ROLLBACK');
        const real = rows[0]['QUERY PLAN'][0].Plan;
        assert.equal(signatureOf(ours), signatureOf(real));
        const error = Math.abs(ours['Total Cost'] / real['Total Cost'] - 1);
        assert.ok(error < mostError, `${ours['Total Cost']} for ${real['Total Cost']}`);
      }
    } finally {
      await client.end();
    }
  });

  test(`${name}: says why an index can not be`, async () => {
    const { engine } = world();
    const refused = await engine.add([
      {
        id: 'not_there',
        table: { schema: 'public', name: 'orders' },
        ddlOn: () => 'CREATE INDEX not_there ON orders (nothing)',
        sizes: world()
          .book.leaves(candidate('orders', ['id']).table)
          .map(({ oid }) => ({ tableOid: engine.oidOf(oid) ?? 0, pages: 1, rows: 1, level: 0 })),
      },
    ]);
    assert.match(refused.get('not_there') ?? '', /column "nothing" does not exist/);
  });
}
