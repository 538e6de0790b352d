import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { messageOf } from '../kernel/errors.ts';
import type { TargetCatalog } from './target-catalog.ts';

/** The role that owns the shadow's tables and plans: functions of the target run under it, never as the superuser. */
export const plannerRole = 'planner';
const database = 'shadow';
const directoryPrefix = 'autopilot-shadow-';

/** A server of our own with one empty database, gone with its files at the end. */
export class ShadowServer implements AsyncDisposable {
  readonly dataDirectory: string;
  readonly admin: pg.Client;
  readonly #server: EmbeddedPostgres;
  readonly #directory: string;

  private constructor(server: EmbeddedPostgres, directory: string, admin: pg.Client) {
    this.#server = server;
    this.#directory = directory;
    this.admin = admin;
    this.dataDirectory = server.dataDirectory;
  }

  /** Takes 1 to 2 s, most of it for a new cluster; about 60 MB of memory and 40 MB of disk space. */
  static async start(locale: TargetCatalog['locale']): Promise<ShadowServer> {
    sweep();
    const directory = mkdtempSync(join(tmpdir(), `${directoryPrefix}${process.pid}-`));
    chmodSync(directory, 0o755); // As root without user namespaces the server runs under another uid.
    try {
      const server = await startEmbeddedPostgres({
        dataDirectory: join(directory, 'data'),
        durable: false,
        checksums: false,
        settings: {
          autovacuum: 'off',
          shared_buffers: '32MB',
          max_connections: '10',
          wal_level: 'minimal',
          max_wal_senders: '0',
          max_wal_size: '1GB',
          checkpoint_timeout: '1h',
          shared_preload_libraries: '',
          track_activities: 'off',
          track_counts: 'off',
          track_io_timing: 'off',
          max_locks_per_transaction: '1024',
          cluster_name: 'autopilot-shadow',
        },
      });
      try {
        await createDatabase(server, locale);
        const admin = await connect(server.url(database));
        await admin.query(`ALTER DATABASE ${database} OWNER TO ${plannerRole}; ALTER SCHEMA public OWNER TO ${plannerRole};
          CREATE SCHEMA autopilot_shadow; CREATE EXTENSION pg_buffercache SCHEMA autopilot_shadow`);
        return new ShadowServer(server, directory, admin);
      } catch (error) {
        await server.stop('immediate');
        throw error;
      }
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** A new session under the role that plans, which takes questions before it has answered the last. */
  async connectPlanner(): Promise<pg.Client> {
    return await connect(this.#server.url(database, plannerRole), true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.end().catch(() => {});
    await this.#server.stop('immediate');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function connect(url: string, pipeline = false): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'autopilot-shadow', pipeline });
  client.on('error', () => {}); // The query that waits tells.
  await client.connect();
  return client;
}

/**
 * Under the target's collation where this server has it. Otherwise libc's C.UTF-8: like every collation but "C" it keeps a LIKE from
 * using an ordinary index, which matters more than the order of letters.
 */
async function createDatabase(server: EmbeddedPostgres, locale: TargetCatalog['locale']): Promise<void> {
  const client = await connect(server.url('postgres'));
  const name = pg.escapeLiteral(locale.name);
  const exact =
    locale.provider === 'i'
      ? `LOCALE_PROVIDER icu ICU_LOCALE ${name} LOCALE 'C.UTF-8'`
      : locale.provider === 'b'
        ? `LOCALE_PROVIDER builtin BUILTIN_LOCALE ${name} LOCALE 'C.UTF-8'`
        : `LOCALE_PROVIDER libc LOCALE ${name}`;
  try {
    await client.query(`CREATE ROLE ${plannerRole} LOGIN`);
    const reasons: string[] = [];
    for (const kind of [
      exact,
      `LOCALE_PROVIDER libc LOCALE 'C.UTF-8'`,
      `LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`,
    ]) {
      try {
        await client.query(`CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'UTF8' ${kind}`);
        return;
      } catch (error) {
        reasons.push(messageOf(error));
      }
    }
    throw new Error(`The shadow's database can't be made: ${reasons.join('; ')}`);
  } finally {
    await client.end();
  }
}

/** Removes what a killed process left behind. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(directoryPrefix) ? Number.parseInt(name.slice(directoryPrefix.length), 10) : Number.NaN;
    if (!(pid > 0) || isAlive(pid)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another account's: it will do that.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
