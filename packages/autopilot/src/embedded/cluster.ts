import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { AutopilotError } from '../kernel/errors.ts';
import { type DirectoryLock, lockFileName } from './directory-lock.ts';
import type { Installation } from './installation.ts';
import { launch } from './launch.ts';
import { findTool, type ServerIdentity } from './server-identity.ts';
import { ServerLog } from './server-log.ts';

/** What making a cluster needs; the directory's lock is held. */
export interface ClusterOptions {
  /** Real path, owned by the identity. */
  readonly directory: string;
  readonly identity: ServerIdentity;
  readonly installation: Installation;
  readonly lock: DirectoryLock;
  readonly durable: boolean;
  readonly checksums: boolean;
}

/** The settings file that belongs to us, in the data directory; `postgresql.conf` includes it. */
const settingsFileName = 'autopilot.conf';

const unfinishedName = 'autopilot.initdb';
const initialisedName = 'autopilot.initialised';

/**
 * Makes the cluster where there is none (0.5 to 1 s). It is initialised in a subdirectory, marked when that is complete,
 * and moved up entry by entry, PG_VERSION last; so at every instant a directory is
 *   empty                          -> initialise
 *   with an unmarked subdirectory  -> killed while initialising: remove it, initialise
 *   with a marked subdirectory     -> killed while moving: move the rest
 *   with PG_VERSION                -> a cluster
 * and nothing but our own subdirectory is ever removed. (Renaming a finished sibling would not work for a mount point.)
 * Everything is done under the server's account, so that as root we follow no link that somebody else put there.
 * Throws AP_EMBEDDED_MAJOR_VERSION, AP_EMBEDDED_DIRECTORY_UNUSABLE, AP_EMBEDDED_INIT_FAILED.
 */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { directory } = options;
  const unfinished = join(directory, unfinishedName);
  if (existsSync(join(directory, 'PG_VERSION'))) {
    checkMajorVersion(directory, options.installation.majorVersion);
    if (existsSync(unfinished)) await runScript(options, 'rm -rf -- "$1"', unfinished);
    return;
  }

  if (!existsSync(join(unfinished, initialisedName))) {
    const strange = readdirSync(directory).filter(
      (name) => ![unfinishedName, lockFileName, 'lost+found'].includes(name),
    );
    if (strange.length > 0) {
      throw new AutopilotError(
        'AP_EMBEDDED_DIRECTORY_UNUSABLE',
        `${directory} holds a part of a PostgreSQL cluster (${strange.slice(0, 3).join(', ')}) without PG_VERSION: it is left alone`,
        { remedy: 'Restore it from a backup, or move it away and start with an empty directory.' },
      );
    }
    await runScript(options, 'rm -rf -- "$1"', unfinished);
    await initialise(options, unfinished);
  }
  await runScript(
    options,
    `cd "$1"
    for entry in *; do
      case $entry in PG_VERSION | ${initialisedName}) ;; *) mv -f -- "$entry" .. || exit ;; esac
    done
    if [ -e PG_VERSION ]; then mv -f PG_VERSION ..; fi
    rm -rf -- "$1"`,
    unfinished,
  );
  if (options.durable) syncDirectory(directory);
}

/** Writes the settings file under the owner's account, when its text changes. */
export function writeSettings(directory: string, text: string, identity: ServerIdentity): void {
  const path = join(directory, settingsFileName);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  const unfinished = `${path}.unfinished`;
  rmSync(unfinished, { force: true });
  // O_EXCL follows no link, and the name can only be replaced by the account that owns the directory and reads the file.
  const fd = openSync(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    writeSync(fd, text);
    if (identity.kind === 'other-uid') fchownSync(fd, identity.uid, identity.gid);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
}

async function initialise(options: ClusterOptions, target: string): Promise<void> {
  const { installation } = options;
  // Sorting and case rules that come with the server: an upgrade of the operating system can't corrupt an index, and
  // no locale need be installed. Before 17 they come from the C library.
  const locale =
    installation.majorVersion >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C.UTF-8'];
  const initdb = join(installation.binDirectory, 'initdb');
  const checksumsByDefault = installation.majorVersion >= 18;
  const wanted = options.checksums ? '--data-checksums' : '--no-data-checksums';
  const checksums = options.checksums === checksumsByDefault ? [] : [wanted];
  // The socket's directory is the key (see docs/decisions/embedded-postgres.md); nothing comes in by network.
  const access = ['--username=postgres', '--auth-local=trust', '--auth-host=reject'];
  await run(options, initdb, ['--pgdata', target, '--encoding=UTF8', '--no-sync', ...locale, ...checksums, ...access]);
  await runScript(options, `printf "\\ninclude_if_exists = '${settingsFileName}'\\n" >> "$1/postgresql.conf"`, target);
  if (options.durable) await run(options, initdb, ['--pgdata', target, '--sync-only']);
  await runScript(options, `: > "$1/${initialisedName}"`, target);
}

async function runScript(options: ClusterOptions, script: string, path: string): Promise<void> {
  await run(options, findTool('sh') ?? '/bin/sh', ['-c', script, 'sh', path]);
}

async function run(options: ClusterOptions, program: string, args: readonly string[]): Promise<void> {
  const { identity, lock } = options;
  const log = new ServerLog(() => {});
  const launched = await launch({
    identity,
    program,
    args,
    inheritedFd: lock.fd,
    signalWhenOrphaned: 'KILL',
    onOutput: (chunk) => log.write(chunk),
  });
  const { code, signal } = await launched.ended;
  if (code === 0) return;
  log.end();
  throw new AutopilotError(
    'AP_EMBEDDED_INIT_FAILED',
    `The PostgreSQL cluster in ${options.directory} could not be made: ${program} ended with ${signal ?? code}\n${log.tail()}`,
    { remedy: 'The last lines above say what was missing (often space or rights); the next start tries again.' },
  );
}

function checkMajorVersion(directory: string, serverMajor: number): void {
  const text = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
  if (Number(text) === serverMajor) return;
  throw new AutopilotError(
    'AP_EMBEDDED_MAJOR_VERSION',
    `The data in ${directory} were written by PostgreSQL ${text}, and this is PostgreSQL ${serverMajor}, which can't read them`,
    {
      remedy: `Move them with PostgreSQL ${text}'s pg_dump into a new directory, start with the release that brought PostgreSQL ${text}, or, if they are not needed, move the directory away.`,
    },
  );
}

function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
