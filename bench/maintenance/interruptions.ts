import { symlink, unlink } from 'node:fs/promises';
import { type Client, createClient } from '@teamflow/autopilot/client';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import pg from 'pg';
import { startServe } from '../../test/support/serve-process.ts';
import { until } from '../../test/support/until.ts';

const TOKEN = 'a-token-for-benchmarks-0123456789abcdef';
const WAIT_MS = 120_000;
const KILLED = ['the vacuum', 'the server', 'the control plane'] as const;

/** What came of an order that was interrupted. */
export interface Interruption {
  readonly killed: (typeof KILLED)[number];
  /** How its order was closed. */
  readonly order: string;
  /** How the next job on the same table ended. */
  readonly next: string;
}

/** Kills what takes part in a vacuum while it is midway, and looks how its order is closed and whether the table can be vacuumed again. */
export async function interruptions(directory: string, log: (line: string) => void): Promise<readonly Interruption[]> {
  const found: Interruption[] = [];
  for (const killed of KILLED) {
    const one = await interrupted(`${directory}-${killed.replaceAll(' ', '-')}`, killed);
    log(`maintenance: ${killed} killed midway: its order ${one.order}, the next job ${one.next}`);
    found.push(one);
  }
  return found;
}

async function interrupted(directory: string, killed: Interruption['killed']): Promise<Interruption> {
  await using stack = new AsyncDisposableStack();
  const start = (dataDirectory: string): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({
      dataDirectory,
      databases: ['observed', 'history'],
      settings: { autovacuum: 'off' },
      durable: false,
    });
  // What is kept is elsewhere, so that the control plane lives while the watched server is gone.
  const keeper = stack.use(await start(`${directory}-history`));
  let server = await start(directory);
  stack.defer(() => server.stop('immediate'));
  // Its socket is in another place after each start; who watches it goes by one name.
  const place = `${directory}-socket`;
  await symlink(server.socketDirectory, place);
  const url = server.url('observed').replace(encodeURIComponent(server.socketDirectory), encodeURIComponent(place));
  await ask(
    url,
    `CREATE TABLE task (id int PRIMARY KEY, state int, filler text);
     INSERT INTO task SELECT i, 0, repeat('x', 200) FROM generate_series(1, 50000) i; UPDATE task SET state = 1`,
  );
  const variables = { AUTOPILOT_TOKEN: TOKEN, DATABASE_URL: url, AUTOPILOT_DATABASE_URL: keeper.url('history') };
  const begin = async (): Promise<Awaited<ReturnType<typeof startServe>>> => stack.use(await startServe(variables));
  const serve = await begin();
  let client = clientOf(serve.address);
  // It rests so long after each portion that there is time to meet it midway.
  await setDelay(client, 100);
  const job = await client.vacuumTables({ tables: ['public.task'] });
  await until(
    WAIT_MS,
    () => client.getJob(job.id),
    ({ progress }) => progress > 0,
  );
  if (killed === 'the vacuum') {
    await ask(url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_progress_vacuum');
  } else if (killed === 'the server') {
    await server.stop('immediate');
    server = await start(directory);
    await unlink(place);
    await symlink(server.socketDirectory, place);
  } else {
    serve.kill();
    client = clientOf((await begin()).address);
  }
  const { runs } = await until(
    WAIT_MS,
    () => client.getDatabaseMaintenance(),
    ({ runs: all }) => all.length > 0 && all.every(({ state }) => state !== 'running'),
  );
  await setDelay(client, 0);
  const { id } = await client.vacuumTables({ tables: ['public.task'] });
  const next = await until(
    WAIT_MS,
    () => client.getJob(id),
    ({ state }) => state !== 'running',
  );
  return { killed, order: runs[0]?.state ?? 'none', next: next.state };
}

async function setDelay(client: Client, costDelayMs: number): Promise<void> {
  await until(WAIT_MS, async () => {
    const { version } = await client.getConfig();
    await client.patchConfig({ maintenance: { costDelayMs } }, { ifVersion: version, note: 'bench' });
  });
}

function clientOf(baseUrl: string): Client {
  return createClient({ baseUrl, token: () => TOKEN });
}

async function ask(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}
