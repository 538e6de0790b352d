import { unlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { ensureCluster, writeSettings } from './cluster.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { installationAt, packagedInstallation } from './installation.ts';
import { type LaunchedProcess, launch } from './launch.ts';
import { isServerOn, pidExists, readPostmasterFile, serversOn } from './postmaster-file.ts';
import { chooseIdentity, type Isolation, type ServerIdentity } from './server-identity.ts';
import { ServerLog } from './server-log.ts';
import { machineFacts, renderSettings, sizedSettings } from './server-settings.ts';
import { makeSocketDirectory, removeSocketDirectory, socketPort } from './socket-directory.ts';

export { type ChosenDirectory, chooseDataDirectory } from './data-directory.ts';
export type { Isolation } from './server-identity.ts';

/** Where the server's data are, and how it is to run. */
export interface EmbeddedPostgresOptions {
  /** The directory that holds the cluster (PGDATA); made with mode 0700 when absent, initialised when empty. */
  readonly dataDirectory: string;
  /** Made when absent, with UTF-8 and the C.UTF-8 rules; `postgres` is always there. */
  readonly databases?: readonly string[];
  /** PostgreSQL settings over those sized for the machine. ALTER SYSTEM wins over both. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False switches fsync off, for tests: a crash of the machine may destroy the cluster. Default true. */
  readonly durable?: boolean;
  /** False makes a new cluster without checksums of its pages, for one whose files are written by others too. Default true. */
  readonly checksums?: boolean;
  /** Every line the server writes. While node's event loop stands still, about 200 KB of them wait in the kernel; then the server waits. */
  readonly onLog?: (line: string) => void;
  /** Default `auto`. */
  readonly isolation?: Isolation;
  /** The programs of another PostgreSQL (13 or later, with contrib) instead of the npm package's. */
  readonly binDirectory?: string;
  /** How long a start may take, crash recovery included; default 60,000. */
  readonly startTimeoutMs?: number;
}

/** How the server ended. */
export interface ExitReport {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True after stop(). */
  readonly expected: boolean;
  /** The last lines of its log, at most 40. */
  readonly log: string;
}

/** `smart` lets sessions end by themselves, `fast` ends them, `immediate` leaves the rest to crash recovery. */
export type StopMode = 'smart' | 'fast' | 'immediate';

/** A running server that belongs to this process and ends with it. It does not keep node's event loop alive. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** For pg's `connectionString` and for libpq: over the unix socket, as the superuser `postgres` or another role. */
  url(database: string, role?: string): string;
  /** The real path. */
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly pid: number;
  readonly majorVersion: number;
  /** Under which account it runs. */
  readonly isolation: Exclude<Isolation, 'auto'>;
  readonly exited: Promise<ExitReport>;
  /** Resolves when the server is gone, within 5 s: a slow `smart` becomes `fast`, a slow `fast` becomes `immediate`. */
  stop(mode?: StopMode): Promise<void>;
}

// The former owner of the directory gets as long as a stop may take, and a bit.
const formerOwnerWaitMs = 8_000;
const signalOf = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/**
 * Starts PostgreSQL on a directory, making the cluster first when there is none: about 0.1 s, and 1 s the first time.
 * The server listens on a unix socket only, in a directory that only its account and root can enter, and ends when this
 * process ends, however it ends. (From a worker thread too, by a shell that waits for our end of a pipe.)
 * Throws AutopilotError with a code AP_EMBEDDED_...: ..._DIRECTORY_IN_USE when a server is on the directory already.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const limit = performance.now() + (options.startTimeoutMs ?? 60_000);
  const durable = options.durable ?? true;
  const log = new ServerLog(options.onLog ?? (() => {}));
  const requested = resolve(options.dataDirectory);
  const identity = await chooseIdentity(requested, options.isolation ?? 'auto');
  const installation = await (options.binDirectory
    ? installationAt(options.binDirectory)
    : packagedInstallation(identity));
  const directory = prepareDataDirectory(requested, identity);
  const settings = renderSettings(sizedSettings(machineFacts(directory), durable), options.settings ?? {});

  const lock = await lockDirectory(directory, identity, formerOwnerWaitMs);
  let socketDirectory: string | null = null;
  let server: RunningServer | null = null;
  try {
    if (lock.formerSocketDirectory !== null) removeSocketDirectory(lock.formerSocketDirectory);
    await ensureCluster({ directory, identity, installation, lock, durable, checksums: options.checksums ?? true });
    writeSettings(directory, settings, identity);
    removeStalePostmasterFile(directory);
    socketDirectory = makeSocketDirectory(identity);
    lock.describe({ state: 'starting', socketDirectory });
    const launched = await launch({
      identity,
      program: join(installation.binDirectory, 'postgres'),
      args: ['-D', directory, ...addressArguments(socketDirectory)],
      inheritedFd: lock.fd,
      signalWhenOrphaned: 'INT',
      onOutput: (chunk) => log.write(chunk),
    });
    const { majorVersion } = installation;
    server = new RunningServer({ directory, socketDirectory, majorVersion, identity, launched, lock, log });
    await server.ready(limit);
    await createDatabases(server, options.databases ?? []);
    launched.keepAlive(false);
    return server;
  } catch (error) {
    if (server !== null) await server.stop('immediate');
    else {
      if (socketDirectory !== null) removeSocketDirectory(socketDirectory);
      lock.release();
    }
    throw error;
  }
}

interface ServerParts {
  readonly directory: string;
  readonly socketDirectory: string;
  readonly majorVersion: number;
  readonly identity: ServerIdentity;
  readonly launched: LaunchedProcess;
  readonly lock: DirectoryLock;
  readonly log: ServerLog;
}

class RunningServer implements EmbeddedPostgres {
  readonly exited: Promise<ExitReport>;
  readonly #parts: ServerParts;
  #expected = false;
  #over = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.exited = this.#whenOver();
  }

  get dataDirectory(): string {
    return this.#parts.directory;
  }
  get socketDirectory(): string {
    return this.#parts.socketDirectory;
  }
  get pid(): number {
    return this.#parts.launched.pid;
  }
  get majorVersion(): number {
    return this.#parts.majorVersion;
  }
  get isolation(): Exclude<Isolation, 'auto'> {
    return this.#parts.identity.kind;
  }

  url(database: string, role = 'postgres'): string {
    const host = `${encodeURIComponent(this.socketDirectory)}:${socketPort}`;
    return `postgres://${encodeURIComponent(role)}@${host}/${encodeURIComponent(database)}?sslmode=disable`;
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    const { launched, lock } = this.#parts;
    if (this.#over) return;
    this.#expected = true;
    lock.describe({ state: 'stopping', serverPid: this.pid, socketDirectory: this.socketDirectory });
    launched.keepAlive(true);
    // A checkpoint of many pages on a slow disk may take longer than we have; crash recovery then does the rest, safely.
    const steps: readonly (readonly [NodeJS.Signals, number])[] = [
      ...(mode === 'smart' ? ([[signalOf.smart, 1_500]] as const) : []),
      ...(mode === 'immediate' ? [] : ([[signalOf.fast, mode === 'smart' ? 2_000 : 3_500]] as const)),
      [signalOf.immediate, 700],
      ['SIGKILL', 500],
    ];
    for (const [signal, patienceMs] of steps) {
      launched.kill(signal);
      // Its children notice its death by themselves, unless one hangs: nothing may stay on the directory.
      if (signal === 'SIGKILL') killAll(serversOn(this.dataDirectory));
      if (await endsWithin(this.exited, patienceMs)) return;
    }
    throw new AutopilotError(
      'AP_EMBEDDED_STOP_FAILED',
      `The PostgreSQL server ${this.pid} did not end, not even by SIGKILL`,
      {
        remedy: 'It hangs in the kernel, usually on a disk or network file system that does not answer.',
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Waits for the server's own word that it takes connections, in postmaster.pid; 2 ms late at most. */
  async ready(limit: number): Promise<void> {
    const { directory, launched, lock, log } = this.#parts;
    for (;;) {
      const file = readPostmasterFile(directory);
      if (file?.pid === launched.pid && file.status === 'ready') break;
      if (this.#over) {
        const { code, signal } = await this.exited;
        throw startError(`PostgreSQL ended with ${signal ?? code} while it started on ${directory}`, log);
      }
      if (performance.now() > limit) throw startError(`PostgreSQL was not ready in time on ${directory}`, log);
      await delay(2);
    }
    lock.describe({ state: 'running', serverPid: launched.pid, socketDirectory: this.socketDirectory });
  }

  async #whenOver(): Promise<ExitReport> {
    const { launched, lock, log, socketDirectory } = this.#parts;
    const { code, signal } = await launched.ended;
    this.#over = true;
    log.end();
    removeSocketDirectory(socketDirectory);
    lock.release();
    return { code, signal, expected: this.#expected, log: log.tail() };
  }
}

/** Where it listens is fixed on the command line, which no file and no ALTER SYSTEM can change. */
function addressArguments(socketDirectory: string): readonly string[] {
  const settings = {
    listen_addresses: '',
    port: String(socketPort),
    unix_socket_directories: socketDirectory,
    unix_socket_permissions: '0700',
    logging_collector: 'off',
    log_destination: 'stderr',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/**
 * PostgreSQL refuses to start while postmaster.pid names a living process of its account, whatever that process is:
 * after a crash or a container's restart it may be anybody. We hold the directory's lock and know better.
 */
function removeStalePostmasterFile(directory: string): void {
  const file = readPostmasterFile(directory);
  // A dead one PostgreSQL removes itself, after a look at the shared memory it names. One that is on the directory was
  // started by hand this instant: PostgreSQL will say so.
  if (file === null || !pidExists(file.pid) || isServerOn(file.pid, directory)) return;
  unlinkSync(join(directory, 'postmaster.pid'));
}

async function createDatabases(server: EmbeddedPostgres, wanted: readonly string[]): Promise<void> {
  if (wanted.length === 0) return;
  const { default: pg } = await import('pg'); // 35 ms, and whoever wants a database has it loaded anyway.
  const client = new pg.Client({ connectionString: server.url('postgres'), application_name: 'autopilot-embedded' });
  try {
    await client.connect();
    const found = await client.query<{ datname: string }>('SELECT datname FROM pg_database WHERE datname = ANY ($1)', [
      wanted,
    ]);
    const existing = new Set(found.rows.map((row) => row.datname));
    for (const database of new Set(wanted)) {
      if (!existing.has(database)) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    }
  } catch (error) {
    throw new AutopilotError('AP_EMBEDDED_START_FAILED', `The databases could not be made: ${messageOf(error)}`, {
      remedy: 'The server runs on that directory without them: start it with no `databases` and look.',
      cause: error,
    });
  } finally {
    await client.end();
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
}

async function endsWithin(end: Promise<unknown>, patienceMs: number): Promise<boolean> {
  const stop = new AbortController();
  try {
    return await Promise.race([end.then(() => true), delay(patienceMs, false, { signal: stop.signal })]);
  } finally {
    stop.abort();
  }
}

function startError(message: string, log: ServerLog): AutopilotError {
  log.end();
  return new AutopilotError('AP_EMBEDDED_START_FAILED', `${message}\n${log.tail()}`, {
    remedy: 'The last lines above are its log. A wrong setting can be corrected in `settings` or postgresql.auto.conf.',
  });
}
