import assert from 'node:assert/strict';
import { signPrincipal } from '../../packages/autopilot/src/access/signed-principal.ts';
import { type Client, createClient } from '../../packages/autopilot/src/client.ts';
import type { KnownName } from '../../packages/autopilot/src/contract/known-name.ts';
import type { HostPrincipal } from '../../packages/autopilot/src/contract/principal.ts';
import type { StatementText, Window } from '../../packages/autopilot/src/contract/series.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  createControlPlane,
} from '../../packages/autopilot/src/control-plane.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import type { ControlChannel, DownMessage, UpMessage } from '../../packages/autopilot/src/link/protocol.ts';
import { gaugeOf, histogramOf, routeOf, seriesOf, windowOf } from './windows.ts';

export const TOKEN = 'a-token-for-tests-0123456789abcdefghij';
export const LINK_KEY = 'a-link-key-for-tests-0123456789abcdef0123456789abcdef';

/** The agent's end of a link in the same process. */
export class FakeAgent {
  readonly heard: DownMessage[] = [];
  readonly channel: ControlChannel;
  closed = false;
  #sequence = 0;
  #toControl: (message: UpMessage) => void = () => {};
  #onClose: () => void = () => {};

  constructor() {
    this.channel = {
      send: (message) => {
        this.heard.push(message);
        return !this.closed;
      },
      onMessage: (listener) => {
        this.#toControl = listener;
      },
      onClose: (listener) => {
        this.#onClose = listener;
      },
      close: () => this.close(),
    };
  }

  say(message: UpMessage): void {
    this.#toControl(message);
  }

  hello(instance: string, more: { service?: string; protocol?: number; startedAt?: number } = {}): void {
    this.say({
      kind: 'hello',
      protocol: more.protocol ?? 1,
      origin: { service: more.service ?? 'orders', instance, release: '1.0.0' },
      pid: 4711,
      startedAt: more.startedAt ?? 1_700_000_000_000,
      databases: ['main'],
    });
  }

  async windows(
    windows: readonly Window[],
    statements: readonly StatementText[] = [],
    names: readonly KnownName[] = [],
  ): Promise<void> {
    this.say({ kind: 'windows', sequence: ++this.#sequence, windows, statements, names });
    // Windows are acknowledged when the store has taken them, which it does without waiting for anything.
    await new Promise((resolve) => setImmediate(resolve));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#onClose();
  }
}

/** A control plane on a clock that stands still, with what tests ask it. */
export interface ControlWorld extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly plane: ControlPlane;
  readonly trouble: string[];
  link(instance: string, service?: string): FakeAgent;
  /** Asks the handler with the token; `headers` replace what is sent otherwise. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Sends a change with the token; `headers` are added. */
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Asks as the application forwards a signed-in user. */
  getAs(principal: HostPrincipal, path: string): Promise<Response>;
}

export async function controlWorld(options: Partial<ControlPlaneOptions> = {}): Promise<ControlWorld> {
  const clock = new FakeClock(1_700_000_040_000);
  const trouble: string[] = [];
  const plane = await createControlPlane({
    port: 0,
    token: TOKEN,
    linkKeys: [LINK_KEY],
    clock,
    onTrouble: (message, cause) => trouble.push(`${message} ${String(cause)}`),
    ...options,
  });
  const get = (path: string, headers: Readonly<Record<string, string>> = { authorization: `Bearer ${TOKEN}` }) =>
    plane.handler(new Request(`http://127.0.0.1${path}`, { headers }));
  return {
    clock,
    plane,
    trouble,
    link: (instance, service) => {
      const agent = new FakeAgent();
      plane.accept(agent.channel);
      agent.hello(instance, service === undefined ? {} : { service });
      return agent;
    },
    get,
    send: (method, path, body, headers = {}) =>
      plane.handler(
        new Request(`http://127.0.0.1${path}`, {
          method,
          headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      ),
    getAs: (principal, path) => get(path, { 'x-autopilot-principal': signPrincipal(principal, LINK_KEY, clock.now()) }),
    [Symbol.asyncDispose]: () => plane.close(),
  };
}

/** The client of the API, over the world's handler and with its token. */
export function clientOf(world: ControlWorld): Client {
  return createClient({
    baseUrl: 'http://127.0.0.1',
    token: () => TOKEN,
    fetch: (input, init) => world.plane.handler(new Request(input, init)),
  });
}

/** One second of a service that does something of everything. */
export function busySecond(start: number): Window {
  return windowOf(
    start,
    [
      routeOf('GET /tasks', [12, 15, 20, 40, 300], 1),
      routeOf('POST /tasks', [50, 60]),
      routeOf('GET /boards/:id', [80, 90, 100]),
      seriesOf('tenant', 'acme', { requests: 10, durationMs: histogramOf([10, 20]) }),
      seriesOf('statement', 'a1b2', { calls: 8, rows: 80, durationMs: histogramOf([3, 4, 5]) }, { database: 'main' }),
      seriesOf('statement', 'c3d4', { calls: 2, errors: 1, durationMs: histogramOf([40]) }, { database: 'archive' }),
      seriesOf('route-statement', 'a1b2', { calls: 8, totalMs: 12 }, { route: 'GET /tasks' }),
      seriesOf(
        'pool',
        'main',
        {
          size: gaugeOf(4),
          idle: gaugeOf(2),
          waiting: gaugeOf(0),
          max: gaugeOf(10),
          ageMs: gaugeOf(60_000),
          leaked: gaugeOf(0),
          acquired: 9,
          waitMs: histogramOf([0.2]),
          useMs: histogramOf([2]),
        },
        { database: 'main' },
      ),
      seriesOf('compression', 'zstd:1 GET /tasks', {
        answers: 6,
        bytesIn: 60_000,
        bytesOut: 15_000,
        cpuMs: 1.25,
        addedMs: histogramOf([0.1, 0.2]),
      }),
      seriesOf('compression', 'zstd:1:cached GET /tasks', {
        answers: 4,
        bytesIn: 40_000,
        bytesOut: 10_000,
        cpuMs: 0.25,
        addedMs: histogramOf([0.01]),
      }),
      seriesOf('compression', 'too-small GET /tasks', { answers: 4, bytesIn: 800, bytesOut: 800 }),
      seriesOf('compression', 'client-cannot POST /tasks', { answers: 1, bytesIn: 3_000, bytesOut: 3_000 }),
      seriesOf('job', 'digest', {
        runs: 2,
        failures: 1,
        durationMs: histogramOf([20, 40]),
        waitMs: histogramOf([5]),
        databaseMs: 6,
      }),
      seriesOf('runtime', 'process', {
        eventLoopDelayMs: histogramOf([1, 2, 3]),
        eventLoopUtilization: gaugeOf(0.2, 0.4),
        cpuUserMs: 210.5,
        cpuSystemMs: 31,
        rssBytes: gaugeOf(120e6),
        heapUsedBytes: gaugeOf(60e6),
        heapLimitBytes: gaugeOf(2e9),
        externalBytes: gaugeOf(5e6),
        gcMs: histogramOf([1.5]),
        activeRequests: gaugeOf(1, 3),
      }),
    ],
    { overflow: { tenant: 2 } },
  );
}

/** Lets an agent report this many seconds up to now. */
export async function report(world: ControlWorld, agent: FakeAgent, seconds: number): Promise<void> {
  const now = Math.floor(world.clock.now() / 1000) * 1000;
  const windows = Array.from({ length: seconds }, (_, index) => busySecond(now - (seconds - index) * 1000));
  await agent.windows(windows, [
    { id: 'a1b2', database: 'main', text: 'select * from tasks where id = ?' },
    { id: 'c3d4', database: 'archive', text: `select ${'x'.repeat(5000)}` },
  ]);
}

/** The body of an answer that must have this status. */
export async function json<T>(response: Response, status = 200): Promise<T> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  return JSON.parse(text) as T; // as the operation table declares
}
