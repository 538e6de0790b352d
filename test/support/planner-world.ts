import { existsSync } from 'node:fs';
import pg from 'pg';
import type { TestDatabase } from './postgres.ts';
import { skipUnless } from './skip-unless.ts';

/** A small shop with skew, nulls, an enum, a partitioned log, JSON, full text and quoted names: what a planner can be wrong about. */
const shop = `
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TYPE order_state AS ENUM ('new', 'paid', 'sent', 'returned');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE customers (gone int, id bigint PRIMARY KEY, email email NOT NULL UNIQUE, country text NOT NULL, city text, deleted_at timestamptz, tags text[]);
ALTER TABLE customers DROP COLUMN gone;
CREATE TABLE "Order Items" (id bigint PRIMARY KEY, "order id" bigint NOT NULL, sku text NOT NULL, quantity int NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, state order_state NOT NULL,
  created_at timestamptz NOT NULL, total numeric(12,2) NOT NULL, note text, data jsonb, search tsvector);
CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind text NOT NULL, order_id bigint, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX events_kind ON events (kind, at);
CREATE VIEW open_orders AS SELECT o.*, c.country FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.state = 'new';
CREATE STATISTICS customers_place (ndistinct, dependencies) ON country, city FROM customers;
INSERT INTO customers SELECT i, 'c' || i || '@example.com', CASE WHEN i % 10 < 7 THEN 'de' ELSE 'at' END,
  'city' || i % 40, CASE WHEN i % 10 = 0 THEN NULL ELSE timestamptz '2026-01-01' + i * interval '2 minutes' END, ARRAY['t' || i % 7, 't' || i % 11]
FROM generate_series(1, 2000) i;
INSERT INTO orders SELECT i, 1 + (i * i) % 2000, (ARRAY['paid','paid','sent','sent','sent','paid','new'])[1 + i % 7]::order_state,
  timestamptz '2026-01-01' + i * interval '2 minutes', (i % 1000) / 7.0, repeat('words ' || i % 100 || ' ', 4),
  jsonb_build_object('a', i % 50), to_tsvector('simple', 'word' || i % 500 || ' all') FROM generate_series(1, 20000) i;
INSERT INTO "Order Items" SELECT i, 1 + i % 20000, 'sku-' || i % 2000, i % 5 FROM generate_series(1, 30000) i;
INSERT INTO events SELECT i, timestamptz '2026-01-01' + i * interval '2 minutes', 'kind' || i % 6, i FROM generate_series(1, 30000) i;
VACUUM ANALYZE;`;

/** What is asked of it. */
export const shopStatements: readonly string[] = [
  `SELECT * FROM orders WHERE id = 17`,
  `SELECT * FROM orders WHERE customer_id = 17 ORDER BY created_at DESC LIMIT 20`,
  `SELECT * FROM orders WHERE state = 'new' AND created_at > '2026-01-20' ORDER BY created_at LIMIT 10`,
  `SELECT count(*) FROM orders WHERE created_at BETWEEN '2026-01-05' AND '2026-01-06'`,
  `SELECT c.country, sum(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.country`,
  `SELECT * FROM customers WHERE country = 'at' AND city = 'city7'`,
  `SELECT * FROM customers WHERE deleted_at IS NULL`,
  `SELECT * FROM customers WHERE email LIKE 'c12%'`,
  `SELECT i.*, o.state FROM "Order Items" i JOIN orders o ON o.id = i."order id" WHERE i.sku = 'sku-12'`,
  `SELECT * FROM open_orders WHERE country = 'at' AND customer_id < 50`,
  `SELECT kind, count(*) FROM events WHERE at >= '2026-02-03' AND at < '2026-02-04' GROUP BY kind`,
  `SELECT * FROM events WHERE kind = 'kind3' AND at > '2026-02-11' ORDER BY at LIMIT 5`,
  `SELECT * FROM orders WHERE data @> '{"a": 7}'`,
  `SELECT * FROM orders WHERE search @@ to_tsquery('simple', 'word12')`,
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n JOIN orders o ON o.customer_id = n.i`,
  `UPDATE orders SET state = 'sent' WHERE id = 9`,
  `SELECT customer_id, max(created_at) FROM orders GROUP BY customer_id HAVING count(*) > 3`,
  `SELECT * FROM orders o WHERE EXISTS (SELECT FROM "Order Items" i WHERE i."order id" = o.id AND i.quantity = 4) AND o.total > 100`,
];

/** Fills a database with the shop. */
export async function makeShop(database: TestDatabase): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    for (const sql of shop.split(/;\n/)) if (sql.trim() !== '') await client.query(sql);
  } finally {
    await client.end();
  }
}

/** An account that may read everything and change nothing. */
export async function readingRole(database: TestDatabase, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(`CREATE ROLE ${name} LOGIN`);
    await client.query(`GRANT pg_read_all_data TO ${name}`);
  } finally {
    await client.end();
  }
  return database.server.url(database.name, name);
}

/** Why there is no HypoPG for the older server; false: there is. */
export function hypopgSkip(): string | false {
  const control = '/usr/share/postgresql/15/extension/hypopg.control';
  return skipUnless(existsSync(control), 'HypoPG', `${control} does not exist (apt-get install postgresql-15-hypopg)`);
}

/** Gives a database the extension HypoPG. */
export async function makeHypopg(database: TestDatabase): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('CREATE EXTENSION hypopg');
  } finally {
    await client.end();
  }
}
