import type { EmbeddedPostgres } from '@teamflow/autopilot/embedded';
import pg from 'pg';
import { databaseFor, type TestDatabase, type TestScope } from './postgres.ts';

/** The rights that a database is read with. */
export const readers = ['superuser', 'monitor', 'nobody'] as const;
export type Reader = (typeof readers)[number];

/** A database, and the URL of a role with each set of rights. */
export interface ObservedWorld {
  readonly database: TestDatabase;
  readonly urls: Readonly<Record<Reader, string>>;
  /** As a superuser, on a connection that stays open until the end. */
  readonly run: (sql: string, values?: readonly unknown[]) => Promise<pg.QueryResult>;
}

/** A database of the scope's own, with roles `<name>_monitor` (pg_monitor and nothing else) and `<name>_nobody`. */
export async function observedWorld(scope: TestScope, server: EmbeddedPostgres): Promise<ObservedWorld> {
  const database = await databaseFor(scope, { server });
  const client = new pg.Client({ connectionString: database.url, application_name: 'observed-world' });
  await client.connect();
  const run = (sql: string, values: readonly unknown[] = []): Promise<pg.QueryResult> =>
    values.length === 0 ? client.query(sql) : client.query(sql, [...values]);
  const [monitor, nobody] = [`${database.name}_monitor`, `${database.name}_nobody`];
  await run(`CREATE ROLE ${monitor} LOGIN; GRANT pg_monitor TO ${monitor}; CREATE ROLE ${nobody} LOGIN`);
  scope.after(async () => {
    await run(`DROP OWNED BY ${monitor}, ${nobody}; DROP ROLE ${monitor}, ${nobody}`);
    await client.end();
  });
  const as = (role: string): string => {
    const url = new URL(database.url);
    url.username = role;
    return url.href;
  };
  return { database, run, urls: { superuser: database.url, monitor: as(monitor), nobody: as(nobody) } };
}
