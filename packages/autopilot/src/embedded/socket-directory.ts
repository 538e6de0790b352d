import { chownSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { AutopilotError } from '../kernel/errors.ts';
import { pidExists } from './postmaster-file.ts';
import { canReach, type ServerIdentity } from './server-identity.ts';

/** The only port number there is: a part of the socket's name, since the server listens on no network. */
export const socketPort = 5432;

// With the pid of the process that made it, then six characters of mkdtemp's choice.
const ownName = /^autopilot-pg-(\d+)-\w{6}$/;
// sun_path holds 108 bytes with its end (unix(7)); the server appends "/.s.PGSQL.5432".
const longestDirectory = 107 - Buffer.byteLength(`/.s.PGSQL.${socketPort}`);

/**
 * Makes a directory for the server's socket that only the identity (and root) can enter. It is a short one, apart from
 * the data: a socket's address may have 107 bytes. Throws AP_EMBEDDED_NO_DIRECTORY.
 */
export function makeSocketDirectory(identity: ServerIdentity): string {
  const prefix = `autopilot-pg-${process.pid}-`;
  for (const parent of [tmpdir(), '/tmp', '/var/tmp', '/dev/shm']) {
    // Plain characters only: the path is part of an URL and of a comma-separated list.
    if (!/^\/[\w./-]*$/.test(parent) || Buffer.byteLength(join(parent, `${prefix}XXXXXX`)) > longestDirectory) continue;
    try {
      if (!canReach(join(parent, 'any'), identity)) continue;
      sweep(parent);
      const directory = mkdtempSync(join(parent, prefix)); // Mode 0700.
      if (identity.kind === 'other-uid') chownSync(directory, identity.uid, identity.gid);
      return directory;
    } catch {
      // The next one.
    }
  }
  throw new AutopilotError('AP_EMBEDDED_NO_DIRECTORY', "There is no temporary directory for PostgreSQL's socket", {
    remedy: `Set TMPDIR to a writable directory with a path of plain characters and less than ${longestDirectory - 20} bytes.`,
  });
}

/** Removes what a server left of its socket; does nothing to a directory that is not one of ours. */
export function removeSocketDirectory(directory: string): void {
  if (!ownName.test(basename(directory))) return;
  try {
    for (const name of ['', '.lock']) rmSync(join(directory, `.s.PGSQL.${socketPort}${name}`), { force: true });
    rmdirSync(directory);
  } catch {
    // Gone already, or not empty and so not ours.
  }
}

/** Removes what killed processes left behind: their servers took the sockets away when they ended. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = ownName.exec(name)?.[1];
    if (pid === undefined || pidExists(Number(pid))) continue;
    try {
      // Another container may share the directory, and its pids are not ours: only an old and empty one goes.
      const path = join(parent, name);
      if (Date.now() - statSync(path).mtimeMs > 120_000) rmdirSync(path);
    } catch {
      // In use there, or another account's.
    }
  }
}
