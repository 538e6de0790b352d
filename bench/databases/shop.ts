import type { BenchDatabase, Pick } from './bench-database.ts';

/**
 * A web shop with 30 tables: few products are bought by most, few customers buy most, nine of ten orders are done, columns that belong
 * together (city and country), soft deletion, JSON, arrays, full text.
 */
const tables = `
CREATE TYPE order_state AS ENUM ('new', 'paid', 'sent', 'done', 'returned');
CREATE TABLE countries (id int PRIMARY KEY, code text NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE currencies (id int PRIMARY KEY, code text NOT NULL UNIQUE, rate numeric(12,6) NOT NULL);
CREATE TABLE tax_rates (id int PRIMARY KEY, country_id int NOT NULL REFERENCES countries, percent numeric(5,2) NOT NULL);
CREATE TABLE brands (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE categories (id int PRIMARY KEY, parent_id int REFERENCES categories, name text NOT NULL);
CREATE TABLE suppliers (id int PRIMARY KEY, name text NOT NULL, country_id int NOT NULL REFERENCES countries);
CREATE TABLE warehouses (id int PRIMARY KEY, city text NOT NULL, country_id int NOT NULL REFERENCES countries);
CREATE TABLE employees (id int PRIMARY KEY, name text NOT NULL, warehouse_id int REFERENCES warehouses);
CREATE TABLE products (id int PRIMARY KEY, sku text NOT NULL UNIQUE, name text NOT NULL, brand_id int NOT NULL REFERENCES brands,
  supplier_id int NOT NULL REFERENCES suppliers, price numeric(10,2) NOT NULL, active boolean NOT NULL, created_at timestamptz NOT NULL,
  attributes jsonb NOT NULL, search tsvector NOT NULL);
CREATE TABLE product_categories (product_id int NOT NULL REFERENCES products, category_id int NOT NULL REFERENCES categories,
  PRIMARY KEY (product_id, category_id));
CREATE TABLE product_images (id int PRIMARY KEY, product_id int NOT NULL REFERENCES products, position int NOT NULL, url text NOT NULL);
CREATE TABLE product_prices (id int PRIMARY KEY, product_id int NOT NULL REFERENCES products, valid_from date NOT NULL, price numeric(10,2) NOT NULL);
CREATE TABLE stock (product_id int NOT NULL REFERENCES products, warehouse_id int NOT NULL REFERENCES warehouses, quantity int NOT NULL,
  updated_at timestamptz NOT NULL, PRIMARY KEY (product_id, warehouse_id));
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, city text NOT NULL, country_id int NOT NULL REFERENCES countries,
  created_at timestamptz NOT NULL, deleted_at timestamptz, tags text[] NOT NULL);
CREATE TABLE addresses (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, kind text NOT NULL, street text NOT NULL, postcode text NOT NULL);
CREATE TABLE sessions (id uuid PRIMARY KEY, customer_id int REFERENCES customers, started_at timestamptz NOT NULL, ip inet NOT NULL);
CREATE TABLE carts (id int PRIMARY KEY, customer_id int REFERENCES customers, updated_at timestamptz NOT NULL, ordered boolean NOT NULL);
CREATE TABLE cart_items (id int PRIMARY KEY, cart_id int NOT NULL REFERENCES carts, product_id int NOT NULL REFERENCES products, quantity int NOT NULL);
CREATE TABLE vouchers (id int PRIMARY KEY, code text NOT NULL UNIQUE, percent int NOT NULL, valid_until date NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, state order_state NOT NULL, created_at timestamptz NOT NULL,
  sent_at timestamptz, total numeric(12,2) NOT NULL, voucher_id int REFERENCES vouchers, currency_id int NOT NULL REFERENCES currencies, note text);
CREATE TABLE order_items (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, product_id int NOT NULL REFERENCES products,
  quantity int NOT NULL, price numeric(10,2) NOT NULL);
CREATE TABLE payments (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, method text NOT NULL, amount numeric(12,2) NOT NULL, paid_at timestamptz);
CREATE TABLE shipments (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, warehouse_id int NOT NULL REFERENCES warehouses,
  carrier text NOT NULL, tracking text NOT NULL, shipped_at timestamptz NOT NULL);
CREATE TABLE returns (id int PRIMARY KEY, order_item_id int NOT NULL REFERENCES order_items, reason text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE reviews (id int PRIMARY KEY, product_id int NOT NULL REFERENCES products, customer_id int NOT NULL REFERENCES customers,
  stars int NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE wishes (customer_id int NOT NULL REFERENCES customers, product_id int NOT NULL REFERENCES products, added_at timestamptz NOT NULL,
  PRIMARY KEY (customer_id, product_id));
CREATE TABLE tickets (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, employee_id int REFERENCES employees, state text NOT NULL,
  subject text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE messages (id int PRIMARY KEY, ticket_id int NOT NULL REFERENCES tickets, body text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE newsletters (id int PRIMARY KEY, sent_at timestamptz NOT NULL, subject text NOT NULL);
CREATE TABLE newsletter_openings (id int PRIMARY KEY, newsletter_id int NOT NULL REFERENCES newsletters, customer_id int NOT NULL REFERENCES customers,
  opened_at timestamptz NOT NULL)`;

/** Rows of the largest tables by the number of orders; r(n, power): one of n, the first ones far more often. */
const fill = (orders: number): string => `
SELECT setseed(0.42);
CREATE FUNCTION pg_temp.r(n int, power float8 DEFAULT 1) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1 + floor(n * random() ^ power)::int';
INSERT INTO countries SELECT i, 'C' || i, 'Country ' || i FROM generate_series(1, 40) i;
INSERT INTO currencies SELECT i, 'X' || i, 1 + i / 10.0 FROM generate_series(1, 8) i;
INSERT INTO tax_rates SELECT i, i, 5 + i % 20 FROM generate_series(1, 40) i;
INSERT INTO brands SELECT i, 'Brand ' || i FROM generate_series(1, 200) i;
INSERT INTO categories SELECT i, CASE WHEN i > 20 THEN 1 + i % 20 END, 'Category ' || i FROM generate_series(1, 300) i;
INSERT INTO suppliers SELECT i, 'Supplier ' || i, pg_temp.r(40, 3) FROM generate_series(1, 100) i;
INSERT INTO warehouses SELECT i, 'City ' || i, 1 + i % 5 FROM generate_series(1, 12) i;
INSERT INTO employees SELECT i, 'Employee ' || i, pg_temp.r(12) FROM generate_series(1, 150) i;
INSERT INTO products SELECT i, 'SKU-' || i, 'Product ' || i || ' ' || md5(i::text), pg_temp.r(200, 2), pg_temp.r(100, 2), (random() * 500)::numeric(10,2) + 1,
  random() > 0.1, timestamptz '2023-01-01' + i * interval '1 hour', jsonb_build_object('colour', 'c' || pg_temp.r(30, 2), 'size', pg_temp.r(12)),
  to_tsvector('simple', 'word' || pg_temp.r(2000, 2) || ' word' || pg_temp.r(2000, 2) || ' item' || i) FROM generate_series(1, ${orders / 10}) i;
INSERT INTO product_categories SELECT DISTINCT pg_temp.r(${orders / 10}), pg_temp.r(300, 2) FROM generate_series(1, ${orders / 4});
INSERT INTO product_images SELECT i, 1 + i % ${orders / 10}, i % 4, 'https://img.example/' || md5(i::text) FROM generate_series(1, ${(orders * 3) / 10}) i;
INSERT INTO product_prices SELECT i, 1 + i % ${orders / 10}, date '2023-01-01' + i % 700, (random() * 500)::numeric(10,2) FROM generate_series(1, ${orders / 4}) i;
INSERT INTO stock SELECT p, w, pg_temp.r(100) - 1, timestamptz '2026-01-01' + p * interval '1 minute' FROM generate_series(1, ${orders / 10}) p, generate_series(1, 3) w;
INSERT INTO customers SELECT i, 'c' || i || '@example.com', 'Name ' || md5(i::text), 'City ' || c * 7 + i % 7, c, timestamptz '2022-01-01' + i * interval '20 minutes',
  CASE WHEN random() < 0.97 THEN NULL ELSE timestamptz '2025-01-01' + i * interval '1 minute' END, ARRAY['t' || pg_temp.r(40, 3), 't' || pg_temp.r(40, 3)]
FROM (SELECT i, pg_temp.r(40, 3) AS c FROM generate_series(1, ${orders / 5}) i) x;
INSERT INTO addresses SELECT i, 1 + i % ${orders / 5}, CASE WHEN i % 3 = 0 THEN 'invoice' ELSE 'delivery' END, 'Street ' || i, lpad((i % 9000)::text, 5, '0') FROM generate_series(1, ${orders / 4}) i;
INSERT INTO sessions SELECT md5(i::text)::uuid, CASE WHEN i % 3 > 0 THEN pg_temp.r(${orders / 5}, 2) END, timestamptz '2026-01-01' + i * interval '20 seconds',
  ('10.' || i % 200 || '.' || i % 250 || '.7')::inet FROM generate_series(1, ${orders}) i;
INSERT INTO carts SELECT i, CASE WHEN i % 4 > 0 THEN pg_temp.r(${orders / 5}, 2) END, timestamptz '2025-01-01' + i * interval '3 minutes', random() < 0.9 FROM generate_series(1, ${orders / 2}) i;
INSERT INTO cart_items SELECT i, 1 + i % ${orders / 2}, pg_temp.r(${orders / 10}, 3), pg_temp.r(4) FROM generate_series(1, ${orders}) i;
INSERT INTO vouchers SELECT i, 'V' || md5(i::text), pg_temp.r(30), date '2025-06-01' + i % 600 FROM generate_series(1, 2000) i;
INSERT INTO orders SELECT i, pg_temp.r(${orders / 5}, 3), (CASE WHEN i > ${orders * 0.99} THEN 'new' WHEN i > ${orders * 0.97} THEN 'paid' WHEN i % 40 = 0 THEN 'returned' WHEN i > ${orders * 0.95} THEN 'sent' ELSE 'done' END)::order_state,
  timestamptz '2024-01-01' + i * interval '5 minutes', CASE WHEN i <= ${orders * 0.97} THEN timestamptz '2024-01-02' + i * interval '5 minutes' END,
  (random() ^ 2 * 900)::numeric(12,2) + 5, CASE WHEN i % 20 = 0 THEN pg_temp.r(2000) END, pg_temp.r(8, 4), CASE WHEN i % 9 = 0 THEN 'note ' || md5(i::text) END FROM generate_series(1, ${orders}) i;
INSERT INTO order_items SELECT i, 1 + (i - 1) / 3, pg_temp.r(${orders / 10}, 3), pg_temp.r(5, 3), (random() * 200)::numeric(10,2) FROM generate_series(1, ${orders * 3}) i;
INSERT INTO payments SELECT i, i, (ARRAY['card', 'card', 'card', 'paypal', 'invoice'])[pg_temp.r(5)], 10 + random() * 300, CASE WHEN i <= ${orders * 0.99} THEN timestamptz '2024-01-01' + i * interval '5 minutes' END FROM generate_series(1, ${orders}) i;
INSERT INTO shipments SELECT i, i, pg_temp.r(12, 2), (ARRAY['dhl', 'ups', 'post'])[pg_temp.r(3, 2)], 'T' || md5(i::text), timestamptz '2024-01-02' + i * interval '5 minutes' FROM generate_series(1, ${orders * 0.97}) i;
INSERT INTO returns SELECT i, i * 60, (ARRAY['size', 'broken', 'late', 'other'])[pg_temp.r(4, 2)], timestamptz '2024-02-01' + i * interval '100 minutes' FROM generate_series(1, ${orders / 20}) i;
INSERT INTO reviews SELECT i, pg_temp.r(${orders / 10}, 3), pg_temp.r(${orders / 5}, 2), pg_temp.r(5), 'text ' || md5(i::text) || md5((i * 7)::text), timestamptz '2024-01-05' + i * interval '12 minutes' FROM generate_series(1, ${(orders * 2) / 5}) i;
INSERT INTO wishes SELECT c, p, timestamptz '2025-01-01' + c * interval '1 minute' FROM (SELECT DISTINCT pg_temp.r(${orders / 5}, 2) c, pg_temp.r(${orders / 10}, 3) p FROM generate_series(1, ${orders / 2})) x;
INSERT INTO tickets SELECT i, pg_temp.r(${orders / 5}, 2), CASE WHEN i % 5 > 0 THEN pg_temp.r(150, 2) END, CASE WHEN random() < 0.98 THEN 'closed' ELSE 'open' END, 'Subject ' || i, timestamptz '2024-01-01' + i * interval '50 minutes' FROM generate_series(1, ${orders / 10}) i;
INSERT INTO messages SELECT i, 1 + i % ${orders / 10}, 'body ' || repeat(md5(i::text), 3), timestamptz '2024-01-01' + i * interval '12 minutes' FROM generate_series(1, ${(orders * 2) / 5}) i;
INSERT INTO newsletters SELECT i, timestamptz '2024-01-01' + i * interval '7 days', 'Week ' || i FROM generate_series(1, 100) i;
INSERT INTO newsletter_openings SELECT i, pg_temp.r(100), pg_temp.r(${orders / 5}, 2), timestamptz '2024-01-01' + i * interval '2 minutes' FROM generate_series(1, ${orders}) i`;

/** What an experienced hand gave it: one for each question that is asked often, and no more. */
const handMade = `
CREATE INDEX products_brand ON products (brand_id, price);
CREATE INDEX products_attributes ON products USING gin (attributes);
CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX product_categories_category ON product_categories (category_id, product_id);
CREATE INDEX product_images_product ON product_images (product_id, position);
CREATE INDEX product_prices_product ON product_prices (product_id, valid_from);
CREATE INDEX customers_place ON customers (country_id, city);
CREATE INDEX addresses_customer ON addresses (customer_id);
CREATE INDEX sessions_customer ON sessions (customer_id, started_at);
CREATE INDEX carts_customer ON carts (customer_id) WHERE NOT ordered;
CREATE INDEX carts_open ON carts (updated_at) WHERE NOT ordered;
CREATE INDEX cart_items_cart ON cart_items (cart_id);
CREATE INDEX orders_customer ON orders (customer_id, created_at);
CREATE INDEX orders_state ON orders (state, created_at);
CREATE INDEX orders_created ON orders (created_at);
CREATE INDEX order_items_order ON order_items (order_id);
CREATE INDEX order_items_product ON order_items (product_id);
CREATE INDEX payments_order ON payments (order_id);
CREATE INDEX shipments_order ON shipments (order_id);
CREATE INDEX shipments_tracking ON shipments (tracking);
CREATE INDEX returns_item ON returns (order_item_id);
CREATE INDEX reviews_product ON reviews (product_id, created_at);
CREATE INDEX tickets_customer ON tickets (customer_id);
CREATE INDEX tickets_open ON tickets (employee_id, created_at) WHERE state = 'open';
CREATE INDEX messages_ticket ON messages (ticket_id, created_at);
CREATE INDEX openings_newsletter ON newsletter_openings (newsletter_id, customer_id)`;

const questions = (orders: number): readonly ((pick: Pick) => string)[] => {
  const customer = (pick: Pick): number => pick.skewed(orders / 5, 3);
  const product = (pick: Pick): number => pick.skewed(orders / 10, 3);
  const order = (pick: Pick): number => pick.even(orders);
  return [
    (pick) => `SELECT * FROM orders WHERE customer_id = ${customer(pick)} ORDER BY created_at DESC LIMIT 20`,
    (pick) => `SELECT * FROM orders WHERE id = ${order(pick)}`,
    (pick) =>
      `SELECT i.*, p.name FROM order_items i JOIN products p ON p.id = i.product_id WHERE i.order_id = ${order(pick)}`,
    (pick) => `SELECT * FROM payments WHERE order_id = ${order(pick)}`,
    (pick) =>
      `SELECT s.*, w.city FROM shipments s JOIN warehouses w ON w.id = s.warehouse_id WHERE s.order_id = ${order(pick)}`,
    () => `SELECT id, customer_id, total FROM orders WHERE state = 'new' ORDER BY created_at LIMIT 50`,
    () => `SELECT state, count(*) FROM orders WHERE state IN ('new', 'paid') GROUP BY state`,
    (pick) =>
      `SELECT date_trunc('day', created_at) AS day, count(*), sum(total) FROM orders WHERE created_at >= timestamptz '2024-01-01' + ${pick.even(orders) * 5} * interval '1 minute' AND created_at < timestamptz '2024-01-08' + ${pick.even(orders) * 5} * interval '1 minute' GROUP BY 1 ORDER BY 1`,
    (pick) => `SELECT * FROM customers WHERE email = 'c${customer(pick)}@example.com'`,
    (pick) => {
      const country = pick.skewed(40, 3);
      return `SELECT id, name FROM customers WHERE country_id = ${country} AND city = 'City ${country * 7 + pick.even(7) - 1}' AND deleted_at IS NULL`;
    },
    (pick) => `SELECT * FROM addresses WHERE customer_id = ${customer(pick)}`,
    (pick) =>
      `SELECT c.id, sum(i.quantity) FROM carts c JOIN cart_items i ON i.cart_id = c.id WHERE c.customer_id = ${customer(pick)} AND NOT c.ordered GROUP BY c.id`,
    () => `SELECT id FROM carts WHERE NOT ordered AND updated_at < '2025-01-05'`,
    (pick) =>
      `SELECT p.id, p.name, p.price FROM products p JOIN product_categories k ON k.product_id = p.id WHERE k.category_id = ${pick.skewed(300, 2)} AND p.active ORDER BY p.price LIMIT 24`,
    (pick) =>
      `SELECT id, name, price FROM products WHERE brand_id = ${pick.skewed(200, 2)} AND price < ${pick.even(100)} ORDER BY price`,
    (pick) =>
      `SELECT id, name FROM products WHERE attributes @> '{"colour": "c${pick.skewed(30, 2)}", "size": ${pick.even(12)}}'`,
    (pick) =>
      `SELECT id, name FROM products WHERE search @@ to_tsquery('simple', 'word${pick.skewed(2000, 2)}') LIMIT 20`,
    (pick) => `SELECT url FROM product_images WHERE product_id = ${product(pick)} ORDER BY position`,
    (pick) =>
      `SELECT price FROM product_prices WHERE product_id = ${product(pick)} AND valid_from <= '2024-06-01' ORDER BY valid_from DESC LIMIT 1`,
    (pick) => `SELECT stars, count(*) FROM reviews WHERE product_id = ${product(pick)} GROUP BY stars`,
    (pick) =>
      `SELECT r.*, c.name FROM reviews r JOIN customers c ON c.id = r.customer_id WHERE r.product_id = ${product(pick)} ORDER BY r.created_at DESC LIMIT 10`,
    (pick) => `SELECT sum(quantity) FROM order_items WHERE product_id = ${product(pick)}`,
    (pick) => `SELECT * FROM shipments WHERE tracking = 'T' || md5('${order(pick)}')`,
    (pick) =>
      `SELECT r.* FROM returns r JOIN order_items i ON i.id = r.order_item_id WHERE i.order_id = ${order(pick)}`,
    (pick) =>
      `SELECT id, subject FROM tickets WHERE employee_id = ${pick.skewed(150, 2)} AND state = 'open' ORDER BY created_at`,
    (pick) => `SELECT m.* FROM messages m WHERE m.ticket_id = ${pick.even(orders / 10)} ORDER BY m.created_at`,
    (pick) => `SELECT * FROM tickets WHERE customer_id = ${customer(pick)}`,
    (pick) => `SELECT count(DISTINCT customer_id) FROM newsletter_openings WHERE newsletter_id = ${pick.even(100)}`,
    (pick) =>
      `SELECT started_at, ip FROM sessions WHERE customer_id = ${customer(pick)} ORDER BY started_at DESC LIMIT 5`,
    (pick) =>
      `SELECT p.name FROM wishes w JOIN products p ON p.id = w.product_id WHERE w.customer_id = ${customer(pick)}`,
    (pick) => `SELECT quantity FROM stock WHERE product_id = ${product(pick)} AND quantity > 0`,
    () =>
      `SELECT k.name, count(*) FROM categories k JOIN product_categories pk ON pk.category_id = k.id JOIN products p ON p.id = pk.product_id WHERE k.parent_id IS NULL AND p.active GROUP BY k.name`,
    (pick) =>
      `SELECT * FROM orders o WHERE o.customer_id = ${customer(pick)} AND EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.method = 'invoice')`,
    (pick) =>
      `SELECT u.name, t.total FROM customers u JOIN LATERAL (SELECT sum(o.total) AS total FROM orders o WHERE o.customer_id = u.id) t ON true WHERE u.id = ${customer(pick)}`,
    (pick) => `UPDATE orders SET state = 'sent', sent_at = now() WHERE id = ${order(pick)}`,
    (pick) =>
      `UPDATE stock SET quantity = quantity - 1, updated_at = now() WHERE product_id = ${product(pick)} AND warehouse_id = ${pick.even(3)}`,
  ];
};

/** Orders of the short form, and of the full. */
export const shop: BenchDatabase = {
  name: 'web shop, 30 tables',
  make: async (client, quick) => {
    await client.query(tables);
    await client.query(fill(quick ? 40_000 : 300_000));
    await client.query(handMade);
    await client.query('VACUUM ANALYZE');
  },
  questions: (quick) => questions(quick ? 40_000 : 300_000),
};
