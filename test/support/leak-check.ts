import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openClients, throwawayServers } from './postgres.ts';

/** A test's context, or the function `after` of node:test. */
export type LeakScope = { after(fn: () => Promise<void>): void } | ((fn: () => Promise<void>) => void);

interface Resource {
  readonly type: string;
  /** The test file that made it. */
  readonly file: string;
  /** The innermost line of code that made it, outside Node and, where there is one, outside node_modules. */
  readonly madeAt: string;
}

// What stays until somebody closes it. (Requests, ticks and immediates end by themselves.)
const watchedTypes = new Set(
  (
    'Timeout PROCESSWRAP WORKER MESSAGEPORT FSEVENTWRAP STATWATCHER FILEHANDLE SIGNALWRAP ' +
    'TCPWRAP TCPSERVERWRAP PIPEWRAP PIPESERVERWRAP TLSWRAP UDPWRAP TTYWRAP HTTP2SESSION'
  ).split(' '),
);
const graceMs = 1_000;
const origin = new AsyncLocalStorage<string>();
const living = new Map<number, Resource>();

createHook({
  init(id, type) {
    if (!watchedTypes.has(type)) return;
    const file = origin.getStore();
    if (file === undefined) return;
    const madeAt = makerOnStack();
    if (madeAt !== null) living.set(id, { type, file, madeAt });
  },
  destroy(id) {
    living.delete(id);
  },
  trackPromises: false,
}).enable();

/**
 * Fails the test file (or test, or suite) that leaves something behind: a timer, also one that does not keep the process
 * alive, a socket, a server, a file, a child process, a client of a throwaway server. Names each with the line that made it.
 *
 * One line: `leakCheck(after)` below the file's imports, before it makes anything; `leakCheck(t)` at the start of a test.
 * Hooks run in the order in which they were registered, so what the file releases in an `after` of its own is
 * registered before; a test's context is checked after all of its hooks.
 */
export function leakCheck(scope: LeakScope): void {
  const file = callingFile();
  // Everything that is registered or awaited from here on inherits it.
  origin.enterWith(file);
  const before = new Set(living.keys());
  const childrenBefore = new Set(childProcesses().map(({ pid }) => pid));
  const check = async (): Promise<void> => {
    // What the look itself makes is not the file's.
    const found = await origin.exit(async () => await waitForNone(() => leaks(file, before, childrenBefore)));
    if (found.length > 0) throw new Error(`${file} leaves behind:\n${found.map((leak) => `  ${leak}`).join('\n')}`);
  };
  if (typeof scope === 'function') {
    scope(check);
    return;
  }
  // Registered while the hooks run, it comes after all that were registered before.
  scope.after(async () => {
    scope.after(check);
  });
}

/** Looks until there is nothing, for a second at most: what is being closed takes a moment to go. */
async function waitForNone(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const limit = performance.now() + graceMs;
  for (;;) {
    const found = await look();
    if (found.length === 0 || performance.now() > limit) return found;
    await delay(20);
  }
}

async function leaks(
  file: string,
  before: ReadonlySet<number>,
  childrenBefore: ReadonlySet<number>,
): Promise<readonly string[]> {
  const servers = throwawayServers();
  const found: string[] = [];
  for (const [id, { type, file: maker, madeAt }] of living) {
    if (maker === file && !before.has(id)) found.push(`${type} made at ${madeAt}`);
  }
  for (const { pid, command } of childProcesses()) {
    if (!childrenBefore.has(pid) && !servers.some((server) => server.pid === pid)) {
      found.push(`child process ${pid}: ${command}`);
    }
  }
  for (const server of servers) {
    for (const client of await openClients(server)) found.push(`client of the throwaway server: ${client}`);
  }
  return found;
}

/** Null when nobody but Node made it: its test runner's limits, its HTTP client's clean-up, the standard streams. */
function makerOnStack(): string | null {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const frames = (new Error().stack ?? '')
    .split('\n')
    .slice(1)
    .map((frame) => frame.trim().replace(/^at /, ''));
  Error.stackTraceLimit = limit;
  const outside = frames.filter((frame) => !/\(?node:/.test(frame) && !frame.includes(import.meta.filename));
  const first = outside[0];
  if (first === undefined) return null;
  const inner = frames.slice(0, frames.indexOf(first));
  if (inner.some((frame) => /node:internal\/(?:test_runner|deps\/undici|bootstrap|abort_controller)/.test(frame)))
    return null;
  return outside.find((frame) => !frame.includes('/node_modules/')) ?? first;
}

function callingFile(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  const own = frames.find((frame) => frame.includes('file://') && !frame.includes(import.meta.filename)) ?? '';
  const url = /file:\/\/[^)]+?(?=:\d+:\d+\)?$)/.exec(own)?.[0];
  return url === undefined ? 'this test' : relative(process.cwd(), fileURLToPath(url));
}

function childProcesses(): readonly { readonly pid: number; readonly command: string }[] {
  const found = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // After the name in parentheses: the state, then the parent (proc_pid_stat(5)).
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) !== process.pid || state === 'Z') continue;
      found.push({ pid, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}
