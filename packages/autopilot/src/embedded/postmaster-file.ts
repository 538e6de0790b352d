import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What a server says about itself in `postmaster.pid` (PostgreSQL source, miscadmin.h, LOCK_FILE_LINE_*). */
export interface PostmasterFile {
  readonly pid: number;
  /** `starting`, `ready`, `stopping` or `standby`; empty while the file is being written. */
  readonly status: string;
}

/** Reads `postmaster.pid`; null when there is none or it holds no pid. */
export function readPostmasterFile(dataDirectory: string): PostmasterFile | null {
  const lines = readText(join(dataDirectory, 'postmaster.pid'))?.split('\n') ?? [];
  const pid = Number(lines[0]);
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, status: lines[7]?.trim() ?? '' } : null;
}

/**
 * The pids of the server processes that work on a data directory, whoever started them: every one has it as its
 * working directory. Needs Linux's /proc; costs 1 to 5 ms on a machine with some hundred processes.
 */
export function serversOn(realDataDirectory: string): readonly number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (Number.isSafeInteger(pid) && isServerOn(pid, realDataDirectory)) found.push(pid);
  }
  return found;
}

/** True when the pid is a living PostgreSQL process on the directory, not a stranger that got a dead server's pid. */
export function isServerOn(pid: number, realDataDirectory: string): boolean {
  if (processStat(pid)?.name !== 'postgres') return false;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realDataDirectory;
  } catch {
    // Root in a container may not look there (no CAP_SYS_PTRACE), but everybody may read how a postmaster was started.
    return readText(`/proc/${pid}/cmdline`)?.split('\0').includes(realDataDirectory) ?? false;
  }
}

/** True for every pid that is taken, also by a zombie or by another account's process. */
export function pidExists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When the process began, in clock ticks since the machine's start: with the pid it names a process for good. */
export function processStartTicks(pid: number): number | null {
  return processStat(pid)?.startTicks ?? null;
}

function processStat(pid: number): { name: string; startTicks: number } | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // "pid (name) state ...": the name may hold anything, so the last parenthesis ends it (proc_pid_stat(5)).
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  // A zombie is dead, but in a container without a reaping init it keeps its pid.
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return { name: text.slice(text.indexOf('(') + 1, end), startTicks: Number(fields[19]) };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
