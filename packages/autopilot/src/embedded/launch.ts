import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { findTool, identityPrefix, type ServerIdentity } from './server-identity.ts';

/** What to start, and how it ends when this process is gone. */
export interface LaunchOptions {
  readonly identity: ServerIdentity;
  readonly program: string;
  readonly args: readonly string[];
  /** An open file that the program and all it starts keep open, as descriptor 3. */
  readonly inheritedFd: number | null;
  /** Sent to the program by the kernel when this process dies, however it dies. */
  readonly signalWhenOrphaned: 'INT' | 'KILL';
  /** Everything the program writes, standard output included. */
  readonly onOutput: (chunk: Buffer) => void;
}

/** How a process ended: a code, or the signal that killed it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that cannot outlive this one. */
export interface LaunchedProcess {
  /** The program's own pid, also where a shell stands between it and us. */
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  /** False when it had already ended. */
  kill(signal: NodeJS.Signals): boolean;
  /** Whether it keeps node's event loop alive; it does after the launch. */
  keepAlive(keep: boolean): void;
}

// The kernel sends the signal only for a death after setpriv asked for it. The comparison closes the gap before:
// once the parent is gone, the shell has another one.
const guardedExec = '[ "$PPID" = "$1" ] || exit 125; shift; umask 077; exec "$@" >&2';

// Without setpriv, or from a worker thread (the kernel follows the spawning thread, not the process): a shell waits for
// the end of its standard input, which only we hold open, and then sends the signal. The first line is the pid.
const guardedByPipe = `signal=$1; shift; umask 077
exec 4<&0 </dev/null
"$@" >&2 4<&- &
program=$!
echo "$program"
{ read -r _ <&4; kill -"$signal" "$program"; } >/dev/null 2>&1 3<&- &
watcher=$!
exec 4<&-
wait "$program"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"`;

/**
 * Starts a program under an identity, in a session of its own (Ctrl-C in the terminal reaches node alone, which then
 * decides), with an empty environment (the secrets in ours are no business of the server), bound to our life.
 */
export async function launch(options: LaunchOptions): Promise<LaunchedProcess> {
  const setpriv = isMainThread ? findTool('setpriv') : null;
  const shell = findTool('sh') ?? '/bin/sh';
  const guard =
    setpriv === null
      ? [shell, '-c', guardedByPipe, 'sh', options.signalWhenOrphaned]
      : [setpriv, '--pdeathsig', options.signalWhenOrphaned, shell, '-c', guardedExec, 'sh', String(process.pid)];
  const [command = shell, ...words] = [...identityPrefix(options.identity), ...guard, options.program, ...options.args];
  const byPipe = setpriv === null;

  const child = spawn(command, words, {
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: [byPipe ? 'pipe' : 'ignore', byPipe ? 'pipe' : 'ignore', 'pipe', options.inheritedFd ?? 'ignore'],
    ...(options.identity.kind === 'other-uid' ? { uid: options.identity.uid, gid: options.identity.gid } : {}),
  });
  const ended = endOf(child);
  child.on('error', () => {}); // A failing kill; a failing spawn is awaited below.
  child.stdin?.on('error', () => {}); // It ended first; `ended` tells.
  child.stderr?.on('data', options.onOutput);
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw launchError(options, messageOf(error), error);
  }
  const pid = byPipe && child.stdout ? await firstNumber(child.stdout) : child.pid;
  if (pid === undefined) throw launchError(options, `${command} ended before it started the program`);

  let over = false;
  void ended.then(() => {
    over = true;
  });
  return {
    pid,
    ended,
    kill(signal) {
      if (over) return false;
      try {
        return process.kill(pid, signal);
      } catch {
        return false;
      }
    },
    keepAlive(keep) {
      const streams = [child.stdin, child.stdout, child.stderr];
      if (keep) child.ref();
      else child.unref();
      for (const stream of streams) setReferenced(stream, keep);
    },
  };
}

/** Resolves at the exit, after the last output where that follows within 200 ms (a backend may hold it open longer). */
async function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return await new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      const end = { code, signal };
      const limit = setTimeout(() => {
        child.stderr?.destroy();
        resolve(end);
      }, 200);
      child.once('close', () => {
        clearTimeout(limit);
        resolve(end);
      });
      child.stdin?.destroy();
      child.stdout?.destroy();
    });
  });
}

async function firstNumber(stream: Readable): Promise<number | undefined> {
  const lines = createInterface({ input: stream });
  for await (const line of lines) {
    const pid = Number(line);
    if (Number.isSafeInteger(pid) && pid > 0) return pid;
  }
  return undefined;
}

function setReferenced(stream: unknown, keep: boolean): void {
  // The streams of a child are sockets, which the types of ChildProcess don't say.
  const socket = stream as { ref?: () => void; unref?: () => void } | null;
  if (keep) socket?.ref?.();
  else socket?.unref?.();
}

function launchError(options: LaunchOptions, reason: string, cause?: unknown): AutopilotError {
  return new AutopilotError('AP_EMBEDDED_START_FAILED', `${options.program} could not be started: ${reason}`, {
    remedy: 'Check that the file exists and may be executed by this account, and that /bin/sh is there.',
    ...(cause === undefined ? {} : { cause }),
  });
}
