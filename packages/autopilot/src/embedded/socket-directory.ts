import { chownSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { AutopilotError } from '../kernel/errors.ts';
import { canReach, type ServerIdentity } from './server-identity.ts';

/** The only port number there is: a part of the socket's name, since the server listens on no network. */
export const socketPort = 5432;

const prefix = 'autopilot-pg-';
// sun_path holds 108 bytes with its end (unix(7)); the server appends "/.s.PGSQL.5432".
const longestDirectory = 107 - Buffer.byteLength(`/.s.PGSQL.${socketPort}`);

/**
 * Makes a directory for the server's socket that only the identity (and root) can enter. It is a short one, apart from
 * the data: a socket's address may have 107 bytes. Throws AP_EMBEDDED_NO_DIRECTORY.
 */
export function makeSocketDirectory(identity: ServerIdentity): string {
  for (const parent of [tmpdir(), '/tmp', '/var/tmp', '/dev/shm']) {
    // Plain characters only: the path is part of an URL and of a comma-separated list.
    if (!/^\/[\w./-]*$/.test(parent) || Buffer.byteLength(join(parent, `${prefix}XXXXXX`)) > longestDirectory) continue;
    try {
      if (!canReach(join(parent, 'any'), identity)) continue;
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
  if (!/^autopilot-pg-\w{6}$/.test(basename(directory))) return;
  try {
    for (const name of ['', '.lock']) rmSync(join(directory, `.s.PGSQL.${socketPort}${name}`), { force: true });
    rmdirSync(directory);
  } catch {
    // Gone already, or not empty and so not ours.
  }
}
