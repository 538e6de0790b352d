import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** How a child process ended. */
export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to stdout and stderr, in the order in which it came. */
  readonly output: string;
  /** Commands of processes that it left behind; they have been killed. */
  readonly leftBehind: readonly string[];
}

export interface Running {
  /** It has ended, or could not be started; what it left behind may still run. Never rejects. */
  readonly exited: Promise<void>;
  /** It and all that it started have ended. Rejects when it could not be started. */
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Ends it and everything it started, at once. */
  kill(): void;
}

const running = new Set<ChildProcess>();

/**
 * Starts a program in a process group of its own, so that what it starts can be found and ended with it.
 * @param leaveMs how long processes it started may outlive it (a server that stops when its parent is gone).
 */
export function start(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly leaveMs?: number },
): Running {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  running.add(child);
  let output = '';
  const collect = (chunk: string): void => {
    output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', (error) => {
      running.delete(child);
      reject(error);
    });
    const closed = new Promise<void>((close) => {
      child.once('close', () => {
        close();
      });
    });
    child.once('exit', (code, signal) => {
      void (async () => {
        const leftBehind = await endGroup(child.pid, options.leaveMs ?? 0);
        // A pipe stays open while a detached grandchild holds it; what it says no longer belongs to this run.
        await Promise.race([closed, sleep(1_000)]);
        child.stdout.destroy();
        child.stderr.destroy();
        running.delete(child);
        resolve({ code, signal, output, leftBehind });
      })();
    });
  });
  return {
    exited,
    ended,
    output: () => output,
    signal: (name) => {
      child.kill(name);
    },
    kill: () => {
      killGroup(child);
    },
  };
}

/** Ends every process that was started here and still runs; for the handler of a signal. */
export function killAll(): void {
  for (const child of running) killGroup(child);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch (thrown) {
    // Gone already.
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
  }
}

/** Waits for the members of a group whose leader has ended, then kills those that stay; answers their commands. */
async function endGroup(pid: number | undefined, leaveMs: number): Promise<string[]> {
  if (pid === undefined || process.platform !== 'linux') return [];
  const deadline = performance.now() + leaveMs;
  let members = membersOf(pid);
  while (members.length > 0 && performance.now() < deadline) {
    await sleep(50);
    members = membersOf(pid);
  }
  for (const member of members) {
    try {
      process.kill(member.pid, 'SIGKILL');
    } catch {
      // Ended between the look and the signal.
    }
  }
  return members.map((member) => member.command);
}

/** Living processes of the group `pid`, from /proc; a zombie that nobody has waited for is not living. */
function membersOf(pid: number): { pid: number; command: string }[] {
  const members = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // "pid (name) state ppid pgrp ...": the name may hold spaces and parentheses.
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(group) !== pid || state === 'Z' || state === 'X') continue;
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      members.push({ pid: Number(entry), command: command.slice(0, 200) || stat.slice(0, stat.lastIndexOf(')') + 1) });
    } catch {
      // It ended while we were looking.
    }
  }
  return members;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Runs `work` over `items`, at most `limit` at a time, beginning in their order. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
