import { execFile } from 'node:child_process';
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { AutopilotError } from '../kernel/errors.ts';

/**
 * How the server is kept from running as root, which PostgreSQL refuses.
 * - `direct`: as the account that runs node; for every account but root.
 * - `user-namespace`: root's files, none of root's powers: uid 1000 inside a user namespace in which it maps to root.
 * - `other-uid`: under the uid that owns the data directory, or 65534 ("nobody") where root owns it.
 * - `auto`: `direct`, and as root the first of the other two that works here.
 */
export type Isolation = 'auto' | 'direct' | 'user-namespace' | 'other-uid';

/** Under which account the server runs, as the rest of the machine sees it. */
export interface ServerIdentity {
  readonly kind: Exclude<Isolation, 'auto'>;
  readonly uid: number;
  readonly gid: number;
  /** Every group that counts when it opens a file. */
  readonly groups: readonly number[];
}

const nobody = 65_534;
const systemPath = '/usr/bin:/bin:/usr/sbin:/sbin';
const namespaceArguments = ['--user', '--map-user=1000', '--map-group=1000'];

/** The full path of a program of the operating system, as PATH has it, or null where there is none. */
export function findTool(name: string): string | null {
  for (const directory of (process.env['PATH'] || systemPath).split(delimiter)) {
    if (!directory.startsWith('/')) continue;
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not here: the next directory.
    }
  }
  return null;
}

/** The words to put before a command so that it runs under the identity; a changed uid is set by spawn itself. */
export function identityPrefix(identity: ServerIdentity): readonly string[] {
  if (identity.kind !== 'user-namespace') return [];
  return [findTool('unshare') ?? 'unshare', ...namespaceArguments];
}

/**
 * Chooses the account for a server on a data directory, which need not exist yet.
 * Costs one short process (about 3 ms) for root, nothing for others. Throws AP_EMBEDDED_ISOLATION.
 */
export async function chooseIdentity(dataDirectory: string, isolation: Isolation): Promise<ServerIdentity> {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  const groups = [gid, ...(process.getgroups?.() ?? [])];
  const root = uid === 0;

  if (isolation === 'direct' || (isolation === 'auto' && !root)) {
    if (root) throw isolationError('PostgreSQL refuses to run as root, and the isolation "direct" would do that');
    return { kind: 'direct', uid, gid, groups };
  }
  if (isolation === 'other-uid') {
    if (!root) throw isolationError(`Only root may start the server under another uid; this process has uid ${uid}`);
    return ownerIdentity(dataDirectory) ?? numericIdentity(nobody, nobody);
  }

  // A directory that belongs to somebody stays theirs: a start by root must not lock its owner out.
  const owner = root && isolation === 'auto' ? ownerIdentity(dataDirectory) : null;
  if (owner !== null) return owner;

  const forbidden = await userNamespaceProblem();
  if (forbidden === null) return { kind: 'user-namespace', uid, gid, groups };
  if (isolation === 'user-namespace') throw isolationError(`User namespaces can't be used here: ${forbidden}`);
  return numericIdentity(nobody, nobody);
}

/** True when the identity may pass through every directory of the path and, where it exists, read what it names. */
export function canReach(path: string, identity: ServerIdentity): boolean {
  // As the server sees it: capabilities don't count, because it has none in any of the three ways.
  // Access lists are not looked at: a place reachable only by them counts as out of reach.
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const stats = statSync(directory, { throwIfNoEntry: false });
    if (stats !== undefined && !permits(stats, identity, 0o1)) return false;
    if (directory === dirname(directory)) break;
  }
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined || permits(stats, identity, stats.isDirectory() ? 0o5 : 0o4);
}

/** True when the mode bits give the identity all of the wanted ones (read 4, write 2, execute 1). */
export function permits(stats: Pick<Stats, 'uid' | 'gid' | 'mode'>, identity: ServerIdentity, wanted: number): boolean {
  // The first class that matches decides, even when a later one would allow more (path_resolution(7)).
  const shift = stats.uid === identity.uid ? 6 : identity.groups.includes(stats.gid) ? 3 : 0;
  return ((stats.mode >> shift) & wanted) === wanted;
}

function ownerIdentity(dataDirectory: string): ServerIdentity | null {
  for (let path = dataDirectory; ; path = dirname(path)) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined) return stats.uid === 0 ? null : numericIdentity(stats.uid, stats.gid);
    if (path === dirname(path)) return null;
  }
}

function numericIdentity(uid: number, gid: number): ServerIdentity {
  return { kind: 'other-uid', uid, gid, groups: [gid] };
}

/** Null when a user namespace can be made; containers often forbid it (Docker's default seccomp profile does). */
async function userNamespaceProblem(): Promise<string | null> {
  const unshare = findTool('unshare');
  if (unshare === null) return 'there is no unshare program';
  return await new Promise((resolve) => {
    execFile(unshare, [...namespaceArguments, 'true'], { timeout: 5_000 }, (error, _stdout, stderr) => {
      resolve(error === null ? null : stderr.trim() || error.message);
    });
  });
}

function isolationError(message: string): AutopilotError {
  return new AutopilotError('AP_EMBEDDED_ISOLATION', message, {
    remedy: 'Start as an ordinary user, leave `isolation` at "auto", or give the address of a server in DATABASE_URL.',
  });
}
