import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AutopilotError } from '../kernel/errors.ts';
import { isServerOn, processStartTicks, readPostmasterFile, serversOn } from './postmaster-file.ts';
import { findTool, type ServerIdentity } from './server-identity.ts';

/**
 * One owner per data directory, for exactly as long as anything of it lives.
 *
 * `flock(2)` on a file inside the directory. The lock belongs to the open file, which the server and all its processes
 * inherit: it is free again when this process and the last of those are gone, however they went, and it also holds
 * between containers that share the directory, where pids mean nothing. Node has no call for it, so the `flock` program
 * locks a descriptor that it shares with us. Without that program: an abstract unix socket named after the directory's
 * inode, which is free when this process is gone, and a look for server processes.
 */
export interface DirectoryLock {
  /** For {@link LaunchOptions.inheritedFd}; null where the lock can't be inherited. */
  readonly fd: number | null;
  /** Where the server before us listened, as far as it said so; its directory may be left over. */
  readonly formerSocketDirectory: string | null;
  /** Tells others about us: they name the pids, and wait for one who is stopping. */
  describe(owner: {
    readonly state: 'starting' | 'running' | 'stopping';
    serverPid?: number;
    socketDirectory?: string;
  }): void;
  release(): void;
}

/** The lock file's name inside the data directory. */
export const lockFileName = 'autopilot.lock';

interface Owner {
  readonly pid: number;
  readonly startTicks: number | null;
  readonly state: string;
  readonly serverPid: number | null;
  readonly socketDirectory: string | null;
}

/**
 * Takes the lock of a directory, given as its real path. Waits up to `waitMs` for an owner that is going away, and not
 * at all for one that is there to stay. Throws AP_EMBEDDED_DIRECTORY_IN_USE with the pids.
 */
export async function lockDirectory(
  directory: string,
  identity: ServerIdentity,
  waitMs: number,
): Promise<DirectoryLock> {
  const fd = openLockFile(directory, identity);
  const limit = performance.now() + waitMs;
  let held: HeldLock | null = null;
  try {
    const formerSocketDirectory = readOwner(fd)?.socketDirectory ?? null;
    for (let attempt = 1; ; attempt++) {
      held ??= await tryLock(fd, directory);
      const stays = held === null ? ownerStays(readOwner(fd), directory) : strangerStays(directory);
      if (held !== null && stays === null) return ownedLock(fd, held, formerSocketDirectory);
      // What the file says may be the former owner's words while the new one has not written yet: look again.
      if (stays === true && attempt > 3) throw inUseError(directory, readOwner(fd), null);
      if (performance.now() > limit) throw inUseError(directory, readOwner(fd), waitMs);
      await delay(20);
    }
  } catch (error) {
    held?.release();
    closeSync(fd);
    throw error;
  }
}

/** False when the owner of the lock is on its way out: it said so, its server says so, or it is dead already. */
function ownerStays(owner: Owner | null, directory: string): boolean {
  if (owner === null || owner.state === 'stopping') return false;
  if (processStartTicks(owner.pid) !== owner.startTicks) return false;
  return readPostmasterFile(directory)?.status !== 'stopping';
}

/** With the lock in hand: a server that somebody started without us. Null when there is none. */
function strangerStays(directory: string): boolean | null {
  const file = readPostmasterFile(directory);
  if (file === null) return null;
  if (isServerOn(file.pid, directory)) return file.status !== 'stopping';
  // Processes that survived the death of their server are about to notice it.
  return serversOn(directory).length > 0 ? false : null;
}

function ownedLock(fd: number, held: HeldLock, formerSocketDirectory: string | null): DirectoryLock {
  let open = true;
  const lock: DirectoryLock = {
    fd: held.inheritable ? fd : null,
    formerSocketDirectory,
    describe({ state, serverPid, socketDirectory }) {
      if (!open) return;
      const owner: Owner = {
        pid: process.pid,
        startTicks: processStartTicks(process.pid),
        state,
        serverPid: serverPid ?? null,
        socketDirectory: socketDirectory ?? null,
      };
      const text = `${JSON.stringify(owner)}\n`;
      ftruncateSync(fd, 0);
      writeSync(fd, text, 0);
    },
    release() {
      if (!open) return;
      open = false;
      held.release();
      closeSync(fd);
    },
  };
  lock.describe({ state: 'starting' });
  return lock;
}

function openLockFile(directory: string, identity: ServerIdentity): number {
  const path = join(directory, lockFileName);
  // As root we may be in a directory of another account: follow no link it may have put there, write to no file that
  // has a second name elsewhere.
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  const stats = fstatSync(fd);
  if (!stats.isFile() || stats.nlink !== 1) {
    closeSync(fd);
    throw new AutopilotError('AP_EMBEDDED_DIRECTORY_UNUSABLE', `${path} is not a plain file with one name`, {
      remedy: 'Somebody put it there; remove it when you know why.',
    });
  }
  if (stats.uid !== identity.uid) fchownSync(fd, identity.uid, identity.gid);
  return fd;
}

interface HeldLock {
  readonly inheritable: boolean;
  release(): void;
}

async function tryLock(fd: number, directory: string): Promise<HeldLock | null> {
  const flock = findTool('flock');
  if (flock !== null) return (await lockDescriptor(flock, fd)) ? { inheritable: true, release: () => {} } : null;
  const socket = await bindAbstract(directory);
  return socket === null ? null : { inheritable: false, release: () => void socket.close() };
}

/** Locks the open file behind the descriptor: the child's copy and ours are one, so the lock outlives the child. */
async function lockDescriptor(flock: string, fd: number): Promise<boolean> {
  const child = spawn(flock, ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', fd], env: {} });
  const complaint: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => complaint.push(chunk));
  // What `close` hands over (ChildProcess): the exit code, null after a signal.
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return true;
  if (code === 1) return false;
  const reason = Buffer.concat(complaint).toString().trim() || `it ended with ${code}`;
  throw new AutopilotError('AP_EMBEDDED_LOCK', `The data directory can't be locked: ${flock}: ${reason}`, {
    remedy: 'Put the data directory on a local file system.',
  });
}

async function bindAbstract(directory: string): Promise<Server | null> {
  const { dev, ino } = statSync(directory);
  return await new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    // Exclusive: a cluster's primary would otherwise hand every worker the same socket.
    server.listen({ path: `\0teamflow-autopilot-postgres-${dev}-${ino}`, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function readOwner(fd: number): Owner | null {
  const buffer = Buffer.alloc(4_096);
  const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    // Unknown until checked field by field below.
    const { pid, startTicks, state, serverPid, socketDirectory } = value as Record<keyof Owner, unknown>;
    if (typeof pid !== 'number' || typeof state !== 'string') return null;
    return {
      pid,
      startTicks: typeof startTicks === 'number' ? startTicks : null,
      state,
      serverPid: typeof serverPid === 'number' ? serverPid : null,
      socketDirectory: typeof socketDirectory === 'string' ? socketDirectory : null,
    };
  } catch {
    return null; // Empty, or cut off by a crash: nobody described themselves.
  }
}

function inUseError(directory: string, owner: Owner | null, waitedMs: number | null): AutopilotError {
  const serverPid = readPostmasterFile(directory)?.pid ?? owner?.serverPid ?? null;
  const who = [
    owner === null ? null : `${owner.pid === process.pid ? 'this process' : 'process'} ${owner.pid}`,
    serverPid === null ? null : `PostgreSQL server ${serverPid}`,
  ].filter((part) => part !== null);
  const by = who.length === 0 ? 'another process' : who.join(' and its ');
  const waited = waitedMs === null ? '' : ` and was still there after ${Math.round(waitedMs / 1000)} s`;
  return new AutopilotError(
    'AP_EMBEDDED_DIRECTORY_IN_USE',
    `The data directory ${directory} is in use by ${by}${waited}`,
    {
      remedy:
        serverPid === null || owner?.pid === process.pid
          ? 'Use the server that runs, stop it, or choose another data directory.'
          : `Use the server that runs, choose another data directory, or stop that process (its server ends with it; "kill -INT ${serverPid}" ends the server alone).`,
    },
  );
}
