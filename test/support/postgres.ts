import { AsyncLocalStorage } from 'node:async_hooks';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '@teamflow/autopilot/embedded';
import pg from 'pg';
import { pidExists, processStartTicks } from '../../packages/autopilot/src/embedded/postmaster-file.ts';
import { removeSocketDirectory } from '../../packages/autopilot/src/embedded/socket-directory.ts';
import { copyFreshCluster } from './postgres-fresh-cluster.ts';
import { skipUnless } from './skip-unless.ts';

/** What a database or a server is bound to: a test's context, or node:test's `{ after, afterEach }` for a file or a suite. */
export interface TestScope {
  after(fn: (context?: unknown) => Promise<void> | void): void;
  afterEach(fn: (context?: unknown) => void): void;
}

/** A schema that is made once per process and cloned for every test that wants it. */
export interface DatabaseTemplate {
  /** Names the template database; the same name means the same schema. */
  readonly name: string;
  readonly migrate: (url: string) => Promise<void>;
}

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  readonly server: EmbeddedPostgres;
}

interface Throwaway {
  readonly directory: string;
  keep: boolean;
}

const directoryPrefix = 'autopilot-test-';
const olderBinDirectory = '/usr/lib/postgresql/15/bin';
const running = new Map<EmbeddedPostgres, Throwaway>();
const templates = new WeakMap<EmbeddedPostgres, Map<string, Promise<string>>>();
// A server that all tests share is not left behind by the one that asked first (leak-check.ts).
const outsideTests = AsyncLocalStorage.snapshot();
let shared: Promise<EmbeddedPostgres> | null = null;
let older: Promise<EmbeddedPostgres> | null = null;
let databases = 0;
let discardsAtExit = false;

/**
 * The one server of this test process, made at the first call (0.3 s): fsync off, in a temporary directory, gone at
 * the end of the process. It does not keep the process alive.
 */
export async function throwawayCluster(): Promise<EmbeddedPostgres> {
  shared ??= outsideTests(startThrowaway, {});
  return await shared;
}

/** A server of the test's own, for other settings or for stopping it; gone after the scope. */
export async function throwawayServer(
  scope: TestScope,
  options: Omit<EmbeddedPostgresOptions, 'dataDirectory'> = {},
): Promise<EmbeddedPostgres> {
  const server = await startThrowaway(options);
  scope.after(async () => {
    await server.stop('immediate');
    discard(server);
  });
  return server;
}

/** False where Debian's PostgreSQL 15 is installed, otherwise the reason to skip. */
export function olderServerSkip(): string | false {
  return skipUnless(
    existsSync(join(olderBinDirectory, 'postgres')),
    'PostgreSQL 15',
    `${olderBinDirectory} does not exist (apt-get install postgresql-15)`,
  );
}

/** Debian's PostgreSQL 15, the one server of its kind in this process, thrown away like the other. */
export async function olderServer(): Promise<EmbeddedPostgres> {
  older ??= outsideTests(startThrowaway, { binDirectory: olderBinDirectory });
  return await older;
}

/** The throwaway servers of this process that run now. */
export function throwawayServers(): readonly EmbeddedPostgres[] {
  return [...running.keys()];
}

/**
 * A database of the scope's own: empty, or a clone of a template (about 30 ms). After the scope it is dropped, unless
 * something in it failed: then it is kept, with its server's data, and its name is printed.
 *
 * For a test, `databaseFor(t)`: at its end, after its other hooks, nobody may be connected any more. For a file or a suite,
 * `databaseFor({ after, afterEach })`: hooks registered later may still use it, so it goes with the server while somebody is
 * connected, and leakCheck(after) tells who forgot to leave.
 */
export async function databaseFor(
  scope: TestScope,
  options: { readonly template?: DatabaseTemplate; readonly server?: EmbeddedPostgres } = {},
): Promise<TestDatabase> {
  // Hooks first, before anything is awaited: a suite takes none after its body has run.
  const isTest = 'signal' in scope;
  let database: TestDatabase | null = null;
  let failed = false;
  scope.afterEach((context) => {
    // A failed subtest does not show in its parent's context yet.
    failed ||= hasFailed(context);
  });
  atTheVeryEnd(scope, async (context) => {
    if (database === null) return;
    const { server, name } = database;
    const left = await openClients(server, name);
    if (failed || hasFailed(context)) keepDatabase(server, name);
    else if (left.length === 0 || isTest) {
      await administer(server, `DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    }
    if (left.length > 0 && isTest) throw new Error(`Clients are still connected to ${name}: ${left.join('; ')}`);
  });
  database = await createDatabase(options.server ?? (await throwawayCluster()), options.template);
  return database;
}

/** After all hooks of a test, also those that are registered later: what a hook registers comes last. */
export function atTheVeryEnd(scope: Pick<TestScope, 'after'>, act: (context?: unknown) => Promise<void>): void {
  scope.after(() => {
    scope.after(act);
  });
}

async function createDatabase(server: EmbeddedPostgres, template: DatabaseTemplate | undefined): Promise<TestDatabase> {
  const model = template ? await templateDatabase(server, template) : 'template0';
  databases += 1;
  const name = `test_${databases}_${template?.name ?? 'empty'}`;
  await administer(server, `CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ${pg.escapeIdentifier(model)}`);
  return { name, url: server.url(name), server };
}

/**
 * Who is connected to a database (default: any), one line each; waits up to 500 ms for those who are just leaving.
 * The server's own processes and its administration here don't count.
 */
export async function openClients(
  server: EmbeddedPostgres,
  database: string | null = null,
): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt++) {
    const rows = await administer(
      server,
      `SELECT format('%s as %s on %s, %s: %s', nullif(application_name, ''), usename, datname, state, left(query, 100)) AS line
       FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND ($1::text IS NULL OR datname = $1)`,
      [database],
    );
    if (rows.length === 0 || attempt === 10) return rows.map((row) => String(row['line']));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startThrowaway(options: Omit<EmbeddedPostgresOptions, 'dataDirectory'>): Promise<EmbeddedPostgres> {
  sweep();
  const directory = mkdtempSync(join(tmpdir(), `${directoryPrefix}${process.pid}-`));
  chmodSync(directory, 0o755); // As root without user namespaces the server runs under another uid.
  try {
    const dataDirectory = join(directory, 'data');
    if (options.binDirectory === undefined && options.isolation === undefined) await copyFreshCluster(dataDirectory);
    const server = await startEmbeddedPostgres({
      durable: false,
      ...options,
      dataDirectory,
      settings: { shared_buffers: '64MB', max_wal_size: '4GB', max_prepared_transactions: '4', ...options.settings },
    });
    if (!discardsAtExit) process.once('exit', discardAll);
    discardsAtExit = true;
    running.set(server, { directory, keep: false });
    return server;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function templateDatabase(server: EmbeddedPostgres, template: DatabaseTemplate): Promise<string> {
  const known = templates.get(server) ?? new Map<string, Promise<string>>();
  templates.set(server, known);
  const made = known.get(template.name) ?? makeTemplate(server, template);
  known.set(template.name, made);
  return await made;
}

async function makeTemplate(server: EmbeddedPostgres, template: DatabaseTemplate): Promise<string> {
  const name = `template_${template.name}`;
  await administer(server, `CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`);
  await template.migrate(server.url(name));
  const left = await openClients(server, name);
  if (left.length > 0) throw new Error(`The migration "${template.name}" left clients connected: ${left.join('; ')}`);
  // Nobody can be in the way of a clone.
  await administer(server, `ALTER DATABASE ${pg.escapeIdentifier(name)} ALLOW_CONNECTIONS false`);
  return name;
}

async function administer(server: EmbeddedPostgres, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: server.url('postgres'), application_name: 'test-support' });
  await client.connect();
  try {
    const result = await client.query<Row>(sql, [...values]);
    return result.rows;
  } finally {
    await client.end();
  }
}

type Row = Record<string, unknown>;

function hasFailed(context: unknown): boolean {
  // What node:test hands to a hook: the context of the test or suite, with `passed` since Node 22.
  return typeof context === 'object' && context !== null && 'passed' in context && context.passed === false;
}

function keepDatabase(server: EmbeddedPostgres, database: string): void {
  const throwaway = running.get(server);
  if (throwaway === undefined) return;
  throwaway.keep = true;
  console.error(
    `Kept the database ${database} of a failed test; its server's data will stay in ${server.dataDirectory}`,
  );
}

function discardAll(): void {
  for (const server of running.keys()) {
    try {
      endNow(server.pid, running.get(server)?.keep === true ? 'SIGINT' : 'SIGQUIT');
    } catch {
      // Gone already.
    }
    discard(server);
  }
}

/** A shutdown waited for without the event loop, at the exit. A zombie counts as gone: only the loop could reap it. */
function endNow(pid: number, signal: 'SIGINT' | 'SIGQUIT'): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  process.kill(pid, signal);
  for (let waitedMs = 0; processStartTicks(pid) !== null && waitedMs < 2_000; waitedMs += 5)
    Atomics.wait(sleeper, 0, 0, 5);
}

/** Removes what test processes left that were killed themselves. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${directoryPrefix}(\\d+)-`).exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || pidExists(pid)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another process sweeps too, or it is another account's.
    }
  }
}

function discard(server: EmbeddedPostgres): void {
  const throwaway = running.get(server);
  running.delete(server);
  removeSocketDirectory(server.socketDirectory);
  if (throwaway?.keep === false) rmSync(throwaway.directory, { recursive: true, force: true, maxRetries: 3 });
}
