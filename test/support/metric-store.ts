import pg from 'pg';
import type { EmbeddedPostgres } from '../../packages/autopilot/src/embedded/embedded-postgres.ts';
import type { Clock } from '../../packages/autopilot/src/kernel/clock.ts';
import { migrate } from '../../packages/autopilot/src/storage/migrate.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { type DatabaseTemplate, databaseFor, type TestDatabase, type TestScope } from './postgres.ts';

/** A database with the schema `autopilot`. */
const metricStoreTemplate: DatabaseTemplate = {
  name: 'metrics',
  migrate: async (url) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await migrate(client);
    } finally {
      await client.end();
    }
  },
};

/** A migrated database of the scope's own. */
export async function metricDatabase(scope: TestScope, server?: EmbeddedPostgres): Promise<TestDatabase> {
  return await databaseFor(scope, { template: metricStoreTemplate, ...(server === undefined ? {} : { server }) });
}

const opened = new WeakMap<TestScope, { readonly url: string; store: PostgresMetricStore | null }>();

/**
 * An empty store in a database of the scope's own; closed after it. Opened again in the same scope it is emptied, which takes a
 * tenth of the time of a new database; the one before is closed.
 */
export async function emptyMetricStore(
  scope: TestScope,
  server: () => Promise<EmbeddedPostgres>,
  clock: Clock,
): Promise<PostgresMetricStore> {
  let known = opened.get(scope);
  if (known === undefined) {
    const made: { readonly url: string; store: PostgresMetricStore | null } = {
      url: (
        await metricDatabase(
          beforeDropping(scope, async () => await made.store?.close()),
          await server(),
        )
      ).url,
      store: null,
    };
    known = made;
    opened.set(scope, known);
  }
  await known.store?.close();
  await emptyStore(known.url);
  known.store = new PostgresMetricStore({ connectionString: known.url, clock });
  return known.store;
}

/** Rows by table, default partitions included, of the store that was opened in the scope. */
export async function storedRows(scope: TestScope): Promise<ReadonlyMap<string, number>> {
  const client = new pg.Client({ connectionString: opened.get(scope)?.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ table: string; count: number }>(
      `SELECT relname AS table,
         (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM autopilot.%I', relname), false, true, '')))[1]::text::integer AS count
       FROM pg_class WHERE relnamespace = 'autopilot'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
    );
    return new Map(rows.map(({ table, count }) => [table, count]));
  } finally {
    await client.end();
  }
}

/** The scope, with something to do before what is registered on it from now on. */
function beforeDropping(scope: TestScope, act: () => Promise<unknown>): TestScope {
  return {
    after(fn) {
      scope.after(async (context) => {
        await act();
        await fn(context);
      });
    },
    afterEach(fn) {
      scope.afterEach(fn);
    },
  };
}

/** Drops all partitions but the default ones and empties the rest. */
async function emptyStore(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`
      DO $$
      DECLARE partition regclass;
      BEGIN
        FOR partition IN
          SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
          WHERE c.relnamespace = 'autopilot'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE '%default'
        LOOP
          EXECUTE format('DROP TABLE %s', partition);
        END LOOP;
      END $$;
      TRUNCATE autopilot.scopes, autopilot.series, autopilot.windows, autopilot.window_blocks,
        autopilot.unfolded_windows, autopilot.window_ledger`);
  } finally {
    await client.end();
  }
}
