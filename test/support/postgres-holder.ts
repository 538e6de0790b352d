/**
 * A process that holds an embedded server, to be killed by a test: started by postgres-process.ts with the orders as
 * JSON in its first argument, it tells what happens as JSON lines, and stops the server at SIGTERM.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
// Types only: what is loaded is named in the orders, because it may be a copy of the room in another checkout.
import type {
  EmbeddedPostgres,
  EmbeddedPostgresOptions,
} from '../../packages/autopilot/src/embedded/embedded-postgres.ts';

/** What the process is to do. */
export interface HolderOrders {
  /** The URL of embedded-postgres.ts. */
  readonly module: string;
  readonly options: EmbeddedPostgresOptions;
  /** Insert numbers, each its own transaction, and tell every one that is committed. */
  readonly writes?: boolean;
  /** Start the server from a worker thread. */
  readonly inWorker?: boolean;
}

/** What the process says, a line each. */
export type HolderReport =
  | {
      readonly state: 'ready';
      readonly pid: number;
      readonly url: string;
      readonly isolation: string;
      readonly rows: number;
    }
  | { readonly state: 'written'; readonly number: number }
  | { readonly state: 'failed'; readonly code: string; readonly message: string; readonly tookMs: number }
  | { readonly state: 'stopped' };

function tell(report: HolderReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function hold(orders: HolderOrders): Promise<void> {
  const startedMs = performance.now();
  // What the module exports is known; that it is this module the test sees to.
  const embedded = (await import(orders.module)) as {
    startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres>;
  };
  let server: EmbeddedPostgres;
  try {
    server = await embedded.startEmbeddedPostgres(orders.options);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    tell({ state: 'failed', code, message: String(error), tookMs: performance.now() - startedMs });
    process.exitCode = 1;
    return;
  }
  const stay = setInterval(() => {}, 60_000);
  if (isMainThread) {
    process.once('SIGTERM', () => {
      clearInterval(stay);
      void server.stop().then(() => {
        tell({ state: 'stopped' });
        process.exit();
      });
    });
  }
  const ready = { state: 'ready', pid: server.pid, url: server.url('postgres'), isolation: server.isolation } as const;
  if (orders.writes !== true) {
    tell({ ...ready, rows: 0 });
    return;
  }
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: server.url('postgres') });
  client.on('error', () => {}); // The server was stopped: the query that waits tells.
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS written (number integer PRIMARY KEY)');
  const { rows } = await client.query<{ next: number }>('SELECT coalesce(max(number), 0) + 1 AS next FROM written');
  let number = rows[0]?.next ?? 1;
  tell({ ...ready, rows: number - 1 });
  try {
    for (; ; number += 1) {
      await client.query('INSERT INTO written VALUES ($1)', [number]);
      tell({ state: 'written', number });
    }
  } catch {
    await client.end();
  }
}

if (isMainThread) {
  const orders = JSON.parse(process.argv[2] ?? '{}') as HolderOrders;
  if (orders.inWorker === true) new Worker(new URL(import.meta.url), { workerData: orders });
  else await hold(orders);
} else {
  await hold(workerData as HolderOrders);
}
