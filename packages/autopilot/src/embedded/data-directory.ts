import { createHash } from 'node:crypto';
import { accessSync, chmodSync, chownSync, constants, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { lockFileName } from './directory-lock.ts';
import { makeDirectories, makePrivatePlace, outsidePlaces } from './private-place.ts';
import { canReach, chooseIdentity, type Isolation, permits, type ServerIdentity } from './server-identity.ts';

/** A data directory, and why it is not the preferred one (null when it is). */
export interface ChosenDirectory {
  readonly directory: string;
  /** A sentence for the person who starts the program. */
  readonly reason: string | null;
}

/**
 * The preferred directory where a server can work in it; otherwise one of this account's own outside the checkout, the
 * same at every start. The preferred one is out of the question where the account that runs the server can't enter it (root
 * without user namespaces, a checkout below /root), where this account may not write, or where the file system keeps no
 * modes. Makes the directory. Throws AP_EMBEDDED_NO_DIRECTORY.
 */
export async function chooseDataDirectory(preferred: string, isolation: Isolation = 'auto'): Promise<ChosenDirectory> {
  const wanted = resolve(preferred);
  const problem = await problemWith(wanted, isolation);
  if (problem === null) return { directory: wanted, reason: null };

  const problems = [problem];
  const name = `${basename(wanted)}-${createHash('sha256').update(wanted).digest('hex').slice(0, 8)}`;
  for (const place of outsidePlaces('state')) {
    const directory = join(place, name);
    const tried = makePrivatePlace(place) ?? (await problemWith(directory, isolation));
    if (tried === null) return { directory, reason: `PostgreSQL's data is in ${directory}: ${problem}.` };
    problems.push(tried);
  }
  throw new AutopilotError(
    'AP_EMBEDDED_NO_DIRECTORY',
    `There is no place for PostgreSQL's data: ${problems.join('; ')}`,
    {
      remedy:
        'Make one of these directories writable for this account, or give the address of a server in DATABASE_URL.',
    },
  );
}

/**
 * Makes the directory fit for the server: there, owned by the identity, closed to others, reachable. Answers its real
 * path. Throws AP_EMBEDDED_DIRECTORY_UNUSABLE.
 */
export function prepareDataDirectory(directory: string, identity: ServerIdentity): string {
  const problem = prepare(directory, identity);
  if (problem === null) return realpathSync(directory);
  throw new AutopilotError('AP_EMBEDDED_DIRECTORY_UNUSABLE', `PostgreSQL can't use ${directory}: ${problem}`, {
    remedy: `Choose another data directory, or start as the account it belongs to. The server runs as uid ${identity.uid}; "chown -R ${identity.uid}:${identity.gid}" gives it a cluster of another account.`,
  });
}

async function problemWith(directory: string, isolation: Isolation): Promise<string | null> {
  return prepare(directory, await chooseIdentity(directory, isolation));
}

function prepare(directory: string, identity: ServerIdentity): string | null {
  try {
    makeWithParents(directory, identity);
    const real = realpathSync(directory);
    let stats = statSync(real);
    if (!stats.isDirectory()) return `${directory} is not a directory`;
    if (stats.uid !== identity.uid) {
      // Never change the owner of somebody's files; an empty directory has none.
      if (process.geteuid?.() !== 0 || readdirSync(real).length > 0) {
        return `${directory} belongs to uid ${stats.uid}, and the server runs as uid ${identity.uid}`;
      }
      chownSync(real, identity.uid, identity.gid);
    }
    const strange = strangeFile(real);
    if (strange !== null) return `${directory} holds other files (${strange})`;
    // PostgreSQL refuses a directory that others may enter; 0750 it allows.
    if ((stats.mode & 0o027) !== 0) chmodSync(real, 0o700);
    stats = statSync(real);
    if (stats.uid !== identity.uid || (stats.mode & 0o027) !== 0)
      return `the file system of ${directory} keeps no owners or modes`;
    if (!permits(stats, identity, 0o7)) return `${directory} has mode ${(stats.mode & 0o777).toString(8)}`;
    if (!canReach(real, identity))
      return `uid ${identity.uid}, which runs the server, can't enter ${dirname(directory)}`;
    accessSync(real, constants.W_OK); // A read-only file system.
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** A file that says the directory is somebody's for something else; null when it is empty or ours. */
function strangeFile(directory: string): string | null {
  const names = readdirSync(directory);
  if (names.includes('PG_VERSION') || names.includes(lockFileName)) return null;
  return names.find((name) => name !== 'lost+found') ?? null; // A mount point has that one.
}

/** Parents we have to make belong to the same account, so that it can use them without us. */
function makeWithParents(directory: string, identity: ServerIdentity): void {
  for (const made of makeDirectories(directory)) {
    chmodSync(made, made === directory ? 0o700 : 0o755); // Whatever the umask is.
    if (identity.kind === 'other-uid') chownSync(made, identity.uid, identity.gid);
  }
}
