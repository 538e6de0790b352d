import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { TestScope } from './postgres.ts';
import type { HolderOrders, HolderReport } from './postgres-holder.ts';

type Ready = Extract<HolderReport, { state: 'ready' }>;
type Failed = Extract<HolderReport, { state: 'failed' }>;

/** A process of its own that starts an embedded server and holds it. */
export interface HoldingProcess {
  readonly child: ChildProcess;
  /** Ready or failed, whatever comes; null when the process ended before. */
  readonly outcome: Promise<Ready | Failed | null>;
  /** The last number it told to be committed; 0 before the first. */
  lastWritten(): number;
  /** kill -9, at once; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it is gone. */
  terminate(): Promise<void>;
}

/** How the process is made. */
export interface HoldingOptions {
  readonly scope: TestScope;
  readonly orders: Omit<HolderOrders, 'module'>;
  /** The checkout whose sources it runs; default: this one. */
  readonly checkout?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A program and its arguments to put before node. */
  readonly through?: readonly string[];
  readonly node?: string;
}

/** The root of this checkout. */
export const checkoutRoot: string = join(import.meta.dirname, '../..');

/** Starts such a process; it is killed after the scope at the latest. */
export function holdPostgres(options: HoldingOptions): HoldingProcess {
  const root = options.checkout ?? checkoutRoot;
  const module = pathToFileURL(join(root, 'packages/autopilot/src/embedded/embedded-postgres.ts')).href;
  const orders: HolderOrders = { ...options.orders, module };
  const node = [
    options.node ?? process.execPath,
    join(root, 'test/support/postgres-holder.ts'),
    JSON.stringify(orders),
  ];
  const [command = '', ...args] = [...(options.through ?? []), ...node];
  const child = spawn(command, args, {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.environment },
  });
  const gone = once(child, 'exit');
  let lastWritten = 0;
  const outcome = new Promise<Ready | Failed | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      resolve(null);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const report = readReport(line);
      if (report?.state === 'written') lastWritten = report.number;
      else if (report?.state === 'ready' || report?.state === 'failed') resolve(report);
    });
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  };
  options.scope.after(() => end('SIGKILL'));
  return {
    child,
    outcome,
    lastWritten: () => lastWritten,
    kill: () => end('SIGKILL'),
    terminate: () => end('SIGTERM'),
  };
}

/** The living processes that work in a directory or were started with a path in it. */
function processesOn(directory: string): readonly string[] {
  const found: string[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (command.includes('postgres-holder')) continue;
      if (command.includes(directory) || `${readlinkSync(`/proc/${name}/cwd`)}/`.startsWith(`${directory}/`)) {
        found.push(`${name} ${command}`);
      }
    } catch {
      // It ended meanwhile, or is another account's.
    }
  }
  return found;
}

/** How long it takes until nothing runs on the directory any more; throws with what does when that takes longer. */
export async function nothingRunsOn(directory: string, limitMs: number): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const found = processesOn(directory);
    const tookMs = performance.now() - startedMs;
    if (found.length === 0) return tookMs;
    if (tookMs > limitMs) throw new Error(`Still running on ${directory} after ${limitMs} ms: ${found.join('; ')}`);
    await delay(5);
  }
}

function readReport(line: string): HolderReport | null {
  try {
    // Our own script wrote it; a line cut off by its death is none.
    return JSON.parse(line) as HolderReport;
  } catch {
    return null;
  }
}
