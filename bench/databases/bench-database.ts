import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@teamflow/autopilot/embedded';
import pg from 'pg';
import { random } from '../../test/support/random.ts';

/** Values for a question; the same row of them in every run. */
export interface Pick {
  /** 1 to n. */
  even(n: number): number;
  /** 1 to n, low ones more often the higher the power. */
  skewed(n: number, power: number): number;
}

/** A database that is made anew, with the indexes that its owner gave it, and what is asked of it. */
export interface BenchDatabase {
  readonly name: string;
  /** Fills an empty database. */
  make(client: pg.Client, quick: boolean, url: string): Promise<void>;
  readonly questions: (quick: boolean) => readonly ((pick: Pick) => string)[];
}

/** `each` statements of every question, one question after the other, with values of their own. */
export function statementsOf(database: BenchDatabase, quick: boolean, each: number): readonly string[] {
  const pick = pickFrom(1);
  const questions = database.questions(quick);
  return Array.from({ length: each }, () => questions.map((question) => question(pick))).flat();
}

/** The same choices in every run. */
export function pickFrom(seed: number): Pick {
  const next = random(seed);
  return {
    even: (n) => 1 + Math.floor(n * next()),
    skewed: (n, power) => 1 + Math.floor(n * next() ** power),
  };
}

const olderBinDirectory = '/usr/lib/postgresql/15/bin';

/** A server that a benchmark asks: the embedded one, or Debian's 15. */
export interface BenchServer extends AsyncDisposable {
  readonly version: number;
  readonly server: EmbeddedPostgres;
}

/** The versions that can be asked here. */
export function benchVersions(): readonly number[] {
  return existsSync(join(olderBinDirectory, 'postgres')) ? [18, 15] : [18];
}

export async function startServer(version: number): Promise<BenchServer> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-database-'));
  await chmod(directory, 0o755); // As root the server runs under another account.
  const server = await startEmbeddedPostgres({
    dataDirectory: join(directory, 'data'),
    durable: false,
    // Nothing of what is measured is changed behind our back.
    settings: { jit: 'off', autovacuum: 'off', max_locks_per_transaction: '1024', max_wal_size: '4GB' },
    ...(version === 18 ? {} : { binDirectory: olderBinDirectory }),
  });
  return {
    version,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.stop('immediate');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A database that was made, with a session on it. */
export interface MadeDatabase extends AsyncDisposable {
  readonly url: string;
  readonly client: pg.Client;
}

export async function makeDatabase(
  { server }: BenchServer,
  database: BenchDatabase,
  quick: boolean,
  name: string,
): Promise<MadeDatabase> {
  const admin = new pg.Client({ connectionString: server.url('postgres') });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = server.url(name);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await database.make(client, quick, url);
  return { url, client, [Symbol.asyncDispose]: () => client.end() };
}
