import { type ChildProcess, fork } from 'node:child_process';
import { agentIpcChannel } from './ipc-channel.ts';
import type { AgentChannel } from './protocol.ts';

/** How a control plane is started as a child. */
export interface AgentChildOptions {
  /** The program: a module that speaks link/protocol.ts over its IPC channel and ends when that closes. */
  readonly module: URL;
  readonly args: readonly string[];
  /** Flags for Node; those of this process are not inherited (its debugger's port is taken, its --test is not meant). */
  readonly execArgv: readonly string[];
  /** Read at each start; {@link childEnvironment} picks from the application's what a child may know. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with the channel to each child that is started. */
  readonly onChannel: (channel: AgentChannel) => void;
}

/** What became of the child: `waiting` for its next start, or `closed` for good. */
export type ChildState =
  | { readonly state: 'idle' }
  | { readonly state: 'running'; readonly pid: number; readonly restarts: number }
  | { readonly state: 'waiting'; readonly restarts: number; readonly lastExit: string }
  | { readonly state: 'closed' };

/** The first restart comes soon, so that a killed control plane is back within 5 s; one that never starts costs a try every 10 s. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** A child that lived this long was well: the next restart is a first one again. */
const WELL_AFTER_MS = 30_000;
/** How long a child may take to end by itself when its channel closes, and then on a signal. */
const CLOSE_MS = 600;
const TERMINATE_MS = 200;
const DISCONNECTED_MS = 2_000;

/**
 * Keeps a control plane running as a child process: started again when it ends, with a growing delay, ended when this
 * side closes. It ends by itself when this process is gone, because its channel closes. Neither the child, nor its
 * channel, nor a timer keeps this process alive. Its output goes where this process's goes.
 */
export class AgentChild {
  readonly #options: AgentChildOptions;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delayMs = FIRST_DELAY_MS;
  #restarts = 0;
  #state: ChildState = { state: 'idle' };
  #keptPort: string | null = null;

  constructor(options: AgentChildOptions) {
    this.#options = options;
  }

  get state(): ChildState {
    return this.#state;
  }

  /** Does nothing when it was started before. */
  start(): void {
    if (this.#state.state === 'idle') this.#fork();
  }

  /** Ends a child that runs, so that it starts again with the environment of now; does nothing when none does. */
  restart(): void {
    if (this.#state.state === 'running') this.#child?.kill('SIGTERM');
  }

  /**
   * Where the child listens, told once it does: a child whose AUTOPILOT_PORT is 0 is started there again, so that a
   * bookmark goes on working. When that start fails, the next one is free to choose.
   */
  keepPort(address: string): void {
    this.#keptPort = new URL(address).port;
  }

  /** Resolves when the child is gone, which takes a second at most. */
  async close(): Promise<void> {
    this.#state = { state: 'closed' };
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null || child.pid === undefined || hasEnded(child)) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    // While somebody waits for the end, the process may not end before it.
    child.ref();
    if (child.connected) child.disconnect();
    const timers = [
      setTimeout(() => child.kill('SIGTERM'), CLOSE_MS),
      setTimeout(() => child.kill('SIGKILL'), CLOSE_MS + TERMINATE_MS),
    ];
    await ended;
    for (const timer of timers) clearTimeout(timer);
  }

  #fork(): void {
    const startedAtMs = performance.now();
    const { module, args, execArgv, env, onChannel } = this.#options;
    let child: ChildProcess;
    try {
      child = fork(module, args, {
        execArgv: [...execArgv],
        env: this.#environment(env),
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
    } catch (error) {
      // No memory or no process left: the machine may have some later.
      this.#startLater(startedAtMs, String(error));
      return;
    }
    this.#child = child;
    child.on('error', (error) => {
      // A child that was started has failed to take a signal or a message: it lives, and 'exit' is still to come.
      if (child.pid === undefined && this.#child === child) this.#startLater(startedAtMs, error.message);
    });
    // Without a process there is no 'exit': only the error follows.
    if (child.pid === undefined) return;
    this.#state = { state: 'running', pid: child.pid, restarts: this.#restarts };
    child.once('exit', (code, signal) => {
      this.#startLater(startedAtMs, signal === null ? `code ${code ?? 'unknown'}` : signal);
    });
    child.once('disconnect', () => {
      // Without its channel a child is of no use: it ends by itself, or is ended.
      const timer = setTimeout(() => child.kill('SIGKILL'), DISCONNECTED_MS);
      timer.unref();
      child.once('exit', () => clearTimeout(timer));
    });
    onChannel(agentIpcChannel(child));
    child.unref();
    child.channel?.unref();
  }

  #environment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
    const kept = this.#keptPort;
    this.#keptPort = null;
    return env['AUTOPILOT_PORT'] === '0' && kept !== null ? { ...env, AUTOPILOT_PORT: kept } : { ...env };
  }

  #startLater(startedAtMs: number, lastExit: string): void {
    this.#child = null;
    if (this.#state.state === 'closed') return;
    if (performance.now() - startedAtMs >= WELL_AFTER_MS) this.#delayMs = FIRST_DELAY_MS;
    this.#restarts++;
    this.#state = { state: 'waiting', restarts: this.#restarts, lastExit };
    this.#timer = setTimeout(() => this.#fork(), this.#delayMs);
    this.#timer.unref();
    this.#delayMs = Math.min(LONGEST_DELAY_MS, this.#delayMs * 2);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

const passedOn = /^(AUTOPILOT_.*|NODE_.*|HOST|PATH|TZ|LANG|LC_.*|TMPDIR|HOME)$/i;
/** Says nothing to Node: a password for a package registry, and the application's test run. */
const keptBack: ReadonlySet<string> = new Set(['NODE_AUTH_TOKEN', 'NODE_TEST_CONTEXT']);

/** Of an application's environment what a control plane needs; the application's own addresses and passwords stay out. */
export function childEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => passedOn.test(name) && !keptBack.has(name.toUpperCase())),
  );
}
