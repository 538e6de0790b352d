import { AsyncLocalStorage, AsyncResource, createHook } from 'node:async_hooks';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { relative } from 'node:path';
import { beforeEach } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { atTheVeryEnd, openClients, type TestScope, throwawayServers } from './postgres.ts';

/** A test's context; for a whole file the function `after` of node:test. */
export type LeakScope = Pick<TestScope, 'after'> | ((fn: () => Promise<void>) => void);

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
    'Timeout PROCESSWRAP WORKER MESSAGEPORT FSEVENTWRAP STATWATCHER SIGNALWRAP ' +
    'TCPWRAP TCPSERVERWRAP PIPEWRAP PIPESERVERWRAP TLSWRAP UDPWRAP TTYWRAP HTTP2SESSION'
  ).split(' '),
);
const nodesOwn = /node:internal\/(?:test_runner|deps\/undici|bootstrap|abort_controller)/;
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
 * Fails the test file (or test) that leaves something behind: a timer, also one that does not keep the process
 * alive, a socket, a server, a child process, an open file, a client of a throwaway server. Names each, where possible with
 * the line that made it. Needs Linux's /proc.
 *
 * One line: `leakCheck(after)` below a file's imports, before it makes anything; `leakCheck(t)` at the start of a test. The
 * look is taken after all other hooks of the file or test.
 */
export function leakCheck(scope: LeakScope): void {
  const file = callingFile();
  // Everything that is registered or awaited from here on inherits it.
  origin.enterWith(file);
  const resources = new Set(living.keys());
  const children = new Set(childProcesses().map(({ pid }) => pid));
  const files = openFiles();
  const check = async (): Promise<void> => {
    // What the look itself makes is not the file's.
    const found = await origin.exit(async () => await waitForNone(() => leaks(file, { resources, children, files })));
    if (found.length === 0) return;
    // Node 24.21 exits with 0 when nothing but a hook of the file itself fails (--test-isolation=none).
    process.exitCode = 1;
    throw new Error(`${file} leaves behind:\n${found.map((leak) => `  ${leak}`).join('\n')}`);
  };
  if (typeof scope === 'function') afterTheFile(scope, check);
  else atTheVeryEnd(scope, check);
}

/** As a file's last hook: registered when its first test begins, and all that the file registers is there. */
function afterTheFile(after: (fn: () => Promise<void>) => void, check: () => Promise<void>): void {
  // A hook belongs to the test in whose asynchronous context it is registered; this one has none, so the file's.
  const outside = new AsyncResource('leak-check');
  let registered = false;
  beforeEach(() => {
    if (!registered) outside.runInAsyncScope(after, null, check);
    registered = true;
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

/** What there was when the check was asked for. */
interface Before {
  readonly resources: ReadonlySet<number>;
  readonly children: ReadonlySet<number>;
  readonly files: readonly string[];
}

async function leaks(file: string, before: Before): Promise<readonly string[]> {
  const servers = throwawayServers();
  const found: string[] = [];
  for (const [id, { type, file: maker, madeAt }] of living) {
    if (maker === file && !before.resources.has(id)) found.push(`${type} made at ${madeAt}`);
  }
  for (const { pid, command } of childProcesses()) {
    if (!before.children.has(pid) && !servers.some((server) => server.pid === pid)) {
      found.push(`child process ${pid}: ${command}`);
    }
  }
  const rest = [...before.files];
  for (const path of openFiles()) {
    const known = rest.indexOf(path);
    if (known !== -1) rest.splice(known, 1);
    else if (!servers.some(({ dataDirectory }) => path.startsWith(`${dataDirectory}/`)))
      found.push(`open file: ${path}`);
  }
  for (const server of servers) {
    for (const client of await openClients(server)) found.push(`client of the throwaway server: ${client}`);
  }
  return found;
}

/** The paths behind our descriptors, one for each; sockets, pipes and the event loop's own have none. */
function openFiles(): readonly string[] {
  const paths: string[] = [];
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      // The event loop keeps a /dev/null for itself, and the test runner the report it was told to write.
      if (/^\/(?!dev\/|proc\/)/.test(path) && !process.execArgv.some((word) => word.endsWith(`=${path}`)))
        paths.push(path);
    } catch {
      // The one that read the directory.
    }
  }
  return paths;
}

/** Null for what Node makes for itself: its test runner's limits, its HTTP client's clean-up, the standard streams. */
function makerOnStack(): string | null {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const stack = new Error().stack ?? '';
  Error.stackTraceLimit = limit;
  const frames = stack.split('\n').slice(1);
  const isOurs = (frame: string): boolean => frame.includes('file://') && !frame.includes(import.meta.filename);
  const first = frames.findIndex(isOurs);
  const inner = first === -1 ? frames : frames.slice(0, first);
  if (inner.some((frame) => nodesOwn.test(frame))) return null;
  const maker = frames.find((frame) => isOurs(frame) && !frame.includes('/node_modules/')) ?? frames[first];
  return maker?.replace(/^\s*at /, '') ?? 'a place that Node called back, without a line of the test';
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
