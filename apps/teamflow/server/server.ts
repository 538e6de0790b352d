import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAgent } from '@teamflow/autopilot';
import { openApiDocument } from '@teamflow/autopilot/contract';
import { Accounts } from './accounts/accounts.ts';
import { buildApp } from './app.ts';
import { createDatabase, createPool, type Database } from './database/database.ts';
import { migrate } from './database/migrate.ts';
import { type Environment, EnvironmentError, readEnvironment } from './environment.ts';
import { forwardedPart } from './http/openapi.ts';
import { BackgroundJobs, migrateJobs } from './jobs/background-jobs.ts';
import { ensureSampleData, type SampleData, sampleOrganizationId, sampleUserId } from './sample/sample-data.ts';
import { type AdministratorSignIn, ensureAdministrator, randomPassword } from './start/administrator.ts';
import { ensureBuilt, type PageSources } from './start/built-pages.ts';
import { checkDatabase, openDatabaseServer } from './start/database-server.ts';
import { listenError, reservePort } from './start/reserved-port.ts';
import { SignInFiles } from './start/sign-in-file.ts';
import { StartError } from './start/start-error.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sampleMemberFile = 'sample-member';
/** The third person of the largest sample organization: an ordinary member, most likely. */
const sampleMember = { rank: 1, i: 3 } as const;
/** What a stop may take before what is still open is cut off; the contract says 5 s in all. */
const patienceMs = 3_000;
const stopLimitMs = 4_800;
/** A control plane takes about a second to start; TeamFlow works without it. */
const linkPatienceMs = 5_000;

/** What of the library goes into pages: its client. */
const libraryInPages = [
  join(root, 'package-lock.json'),
  join(root, 'packages/autopilot/src/contract'),
  join(root, 'packages/autopilot/src/kernel'),
  join(root, 'packages/autopilot/src/client.ts'),
  join(root, 'packages/autopilot/src/client-error.ts'),
  join(root, 'packages/autopilot/src/client-stream.ts'),
];
const ownPages: PageSources = {
  name: 'teamflow',
  directory: join(root, 'apps/teamflow/web'),
  output: join(root, 'apps/teamflow/web/dist'),
  alsoReads: libraryInPages,
};
const dashboardPages: PageSources = {
  name: 'dashboard',
  directory: join(root, 'packages/dashboard'),
  output: join(root, 'packages/autopilot/assets/dashboard'),
  alsoReads: libraryInPages,
};

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function versionOfThis(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const manifest = JSON.parse(text) as { readonly version: string }; // our own package.json
  return manifest.version;
}

async function buildPages(stateDirectory: string): Promise<void> {
  // One after the other: two builds at once would take the database's processor.
  for (const pages of [ownPages, dashboardPages]) {
    const started = performance.now();
    if (await ensureBuilt(pages, stateDirectory)) {
      say(`Built the pages of ${pages.name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
  }
}

/** The secret that all processes on a database share, and a name for the installation that gives nothing of it away. */
async function installationOf(database: Database): Promise<{ readonly id: string; readonly secret: string }> {
  const { secret } = await database.selectFrom('installation').select('secret').executeTakeFirstOrThrow();
  return { id: createHash('sha256').update(`installation ${secret}`).digest('hex').slice(0, 12), secret };
}

function addressOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}

async function describeSampleMember(
  database: Database,
  files: SignInFiles,
  sample: SampleData,
  password: string | undefined,
): Promise<string | undefined> {
  if (sample.data === 'none') return undefined;
  const user = await database
    .selectFrom('users')
    .select('email')
    .where('id', '=', sampleUserId(sample.seed, sampleMember.rank, sampleMember.i))
    .executeTakeFirst();
  if (user === undefined) return undefined;
  if (password !== undefined) {
    const kept = await files.keep(sampleMemberFile, { email: user.email, password });
    return `${user.email}, password ${password}${kept ? ` (kept in ${files.path(sampleMemberFile)})` : ''}`;
  }
  const kept = await files.read(sampleMemberFile, user.email);
  return kept === undefined ? undefined : `${user.email}, password in ${files.path(sampleMemberFile)}`;
}

function describeAdministrator(signIn: AdministratorSignIn): string {
  const { email, password, file, passwordChanged } = signIn;
  const kept = file === undefined ? '' : ` (kept in ${file}; change it after signing in)`;
  if (password !== undefined) return `${email}, password ${password}${kept}`;
  if (passwordChanged) return `${email}, password now that of TEAMFLOW_ADMIN_PASSWORD`;
  return file === undefined ? email : `${email}, password in ${file}`;
}

/** Starts everything, registering how to end it as it goes. */
async function start(environment: Environment, ending: AsyncDisposableStack): Promise<void> {
  const began = performance.now();
  const { host } = environment;
  const reserved = await reservePort(host, environment.port);
  ending.defer(() => reserved.release());
  const url = environment.publicUrl ?? addressOf(host, reserved.port);
  const agent = createAgent({ service: 'teamflow' });
  ending.defer(() => agent.close());
  const stateDirectory = resolve(environment.stateDirectory ?? join(root, '.data'));
  const pagesBuilt = buildPages(stateDirectory);
  // Awaited further down; a failure before that must not count as unhandled.
  pagesBuilt.catch(() => {});

  const server = await openDatabaseServer(environment.databaseUrl, stateDirectory);
  if (server.embedded !== null) {
    const { embedded } = server;
    ending.defer(() => embedded.stop('fast'));
    void embedded.exited.then((report) => {
      if (!report.expected) process.stderr.write(`The embedded PostgreSQL ended by itself:\n${report.log}\n`);
    });
  }
  const pool = createPool({ connectionString: server.connectionString });
  ending.defer(() => pool.end());
  // Before the database stops: the last of what was measured goes there.
  ending.defer(() => agent.close());
  const database = createDatabase(pool);

  await checkDatabase(pool, server);
  const { indexes } = await migrate(pool, environment.indexes);
  await migrateJobs(pool);
  const made = await installationOf(database);
  const files = new SignInFiles(stateDirectory, made.id);
  const secret = environment.secret ?? made.secret;
  const accounts = new Accounts({
    pool,
    secret,
    publicUrl: url,
    signUp: environment.signUp,
    log: (level, message) => {
      if (level === 'error' || level === 'warn') process.stderr.write(`accounts: ${message}\n`);
    },
  });
  await accounts.ready();
  let samplePassword: string | undefined;
  const sample = await ensureSampleData(pool, {
    data: environment.data,
    seed: environment.seed,
    hashPassword: () => {
      samplePassword = randomPassword();
      return accounts.hashPassword(samplePassword);
    },
    onProgress: say,
  });
  const member = await describeSampleMember(database, files, sample, samplePassword);
  const administrator = await ensureAdministrator({
    pool,
    database,
    accounts,
    files,
    wanted: environment.administrator,
    sampleOrganizationId: sample.data === 'none' ? undefined : sampleOrganizationId(sample.seed, 1),
  });
  await pagesBuilt;
  // What was just loaded is written out now rather than at the end, where it would hold up the stop.
  if (sample.loaded && server.embedded !== null) pool.query('checkpoint').catch(() => {});

  const app = await buildApp({
    // From here on: what setting up has asked of the database is not what TeamFlow's users ask.
    pool: agent.instrument(pool),
    agent,
    accounts,
    secret,
    version: await versionOfThis(),
    pagesDirectory: ownPages.output,
    signUp: environment.signUp,
    plants: environment.plants,
    trustedProxies: environment.trustedProxies,
    logger: { level: 'warn' },
    documents: [forwardedPart(openApiDocument({ sessionCookie: 'teamflow.session_token' }))],
  });
  const jobs = new BackgroundJobs({
    connection: { connectionString: server.connectionString },
    agent,
    log: (message) => process.stderr.write(`${message}\n`),
  });
  ending.defer(() => jobs.stop());
  ending.defer(async () => {
    const cutOff = setTimeout(() => app.server.closeAllConnections(), patienceMs);
    // Together: each may take most of what a stop may take.
    await Promise.all([app.close(), jobs.stop()]);
    clearTimeout(cutOff);
  });
  await app.ready();
  await reserved.release();
  await app.listen({ port: reserved.port, host }).catch((error: NodeJS.ErrnoException) => {
    throw listenError(error, host, reserved.port);
  });

  await jobs.start();
  // The dashboard's address is about to be printed, and should answer.
  const linkedBy = performance.now() + linkPatienceMs;
  while (['starting', 'unlinked'].includes(agent.status.state) && performance.now() < linkedBy) await sleep(20);

  const data = sample.data === 'none' ? 'no sample data' : `${sample.data} sample data, seed ${sample.seed}`;
  say(`
TeamFlow is ready after ${((performance.now() - began) / 1000).toFixed(1)} s

  TeamFlow       ${url}/
  Dashboard      ${url}/autopilot/
  API            ${url}/api/v1/docs
  Database       ${server.description}
                 ${data}, ${indexes} indexes
  Administrator  ${describeAdministrator(administrator)}${member === undefined ? '' : `\n  Sample member  ${member}`}
`);
}

/** Ends the process in order: on the first signal (on a second one at once), and after an error that nobody handled. */
function endInOrder(ending: AsyncDisposableStack): () => boolean {
  let stopping = false;
  const stop = (code: number): void => {
    stopping = true;
    setTimeout(() => process.exit(1), stopLimitMs).unref();
    void ending.disposeAsync().then(
      () => process.exit(code),
      (error: unknown) => {
        process.stderr.write(`Not everything ended in order: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(130);
    say(`${signal}: stopping`);
    stop(0);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Also what was rejected: without a listener of its own it becomes an uncaught exception.
  process.on('uncaughtException', (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`TeamFlow stops after an error that nothing handled; please report it.\n${text}\n`);
    if (!stopping) stop(1);
  });
  return () => stopping;
}

async function main(): Promise<void> {
  const ending = new AsyncDisposableStack();
  const isStopping = endInOrder(ending);
  try {
    await start(readEnvironment(process.env), ending);
  } catch (error) {
    // What was asked to stop while it started fails in one way or another.
    if (isStopping()) return;
    process.stderr.write(
      `${error instanceof EnvironmentError ? error.message : `TeamFlow can not start: ${describeError(error)}`}\n`,
    );
    await ending.disposeAsync().catch(() => {});
    process.exit(1);
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // It has said it all, its cause with it.
  if (error instanceof StartError) return error.message;
  const remedy = 'remedy' in error && typeof error.remedy === 'string' ? ` ${error.remedy}` : '';
  const cause = error.cause instanceof Error ? `\n  because: ${error.cause.message}` : '';
  return `${error.message}${remedy}${cause}`;
}

await main();
