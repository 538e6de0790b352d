import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '@teamflow/autopilot/client';
import type { ConfigChange } from '../../packages/autopilot/src/contract/configuration.ts';
import { withProgramDatabase } from '../../test/support/program-database.ts';
import { startServe } from '../../test/support/serve-process.ts';
import { until } from '../../test/support/until.ts';
import { type BenchFindings, type BenchOptions, type BenchRow, median } from '../result.ts';

const INSTANCES = 50;
const CONNECTIONS = 8;
/** Where a fleet would be given up. */
const LIMIT_MS = 30_000;
const TOKEN = 'a-token-of-the-benchmark-0123456789abcdef';
const KEY = 'a-link-key-of-the-benchmark-0123456789abcdef';

/** What a live change costs: requests while it happens, how long a fleet takes to run it, and how long the way back. */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  return await withProgramDatabase(async ({ url }) => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-config-'));
    const variables = { AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_LINK_KEY: KEY, AUTOPILOT_STATE_DIR: folder };
    const serve = await startServe({ ...variables, AUTOPILOT_DATABASE_URL: url });
    try {
      const client = createClient({ baseUrl: serve.address, token: () => TOKEN });
      const at = { ...variables, AUTOPILOT_URL: serve.address };
      const changes = quick ? 100 : 1_000;
      log(`${changes} changes on one instance under load`);
      const load = await underLoad(client, at, url, changes);
      log(`${INSTANCES} instances follow`);
      const spread = await convergence(client, at, quick ? 20 : 200);
      return findings(changes, load, spread);
    } finally {
      await serve[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    }
  });
}

function findings(changes: number, load: UnderLoad, spread: Convergence): BenchFindings {
  const rows: BenchRow[] = [
    { what: 'changes on one instance under load', count: changes, p50Ms: load.p50Ms, p99Ms: load.p99Ms },
    { what: `${INSTANCES} instances run a change`, count: spread.ms.length, ...quantiles(spread.ms) },
    { what: `the last of ${INSTANCES} runs a change`, count: spread.lastMs.length, ...quantiles(spread.lastMs) },
    {
      what: `the last of ${INSTANCES} runs a restored version`,
      count: spread.restoreMs.length,
      ...quantiles(spread.restoreMs),
    },
  ];
  const lastP99Ms = quantiles(spread.lastMs).p99Ms;
  const restoreMs = Math.max(...spread.restoreMs);
  return {
    rows,
    goals: [
      {
        goal: `${changes} live changes under load: 0 requests failed`,
        measured: `${load.failed} of ${load.requests} failed, ${load.wrong} saw half a change, ${load.refused} changes were not taken`,
        met: load.failed === 0 && load.wrong === 0 && load.refused === 0 && load.requests > changes,
      },
      {
        goal: `${INSTANCES} instances run a change within 2 s, p99`,
        measured: `${lastP99Ms.toFixed(1)} ms until the last one does`,
        met: lastP99Ms <= 2_000,
      },
      {
        goal: 'a restored version runs everywhere within 1 s',
        measured: `${restoreMs.toFixed(1)} ms at most`,
        met: restoreMs <= 1_000,
      },
    ],
    notes: [
      `One \`autopilot serve\` with PostgreSQL; each instance is a process of its own with an agent, linked over HTTP by a connection of its own. Changes are made by PATCH /api/v1/config, restores by POST /api/v1/config/versions/{n}/restore; times begin when the administrator asks.`,
      `Under load: ${CONNECTIONS} connections ask a Fastify application with every request layer but the overload guard; each request calls PostgreSQL. Each change sets four settings at once, the size of the pool and the threshold of compression among them; its time is until the answer, which says what the instance made of it.`,
    ],
  };
}

interface UnderLoad {
  readonly requests: number;
  readonly failed: number;
  readonly wrong: number;
  /** Changes that the instance did not put in force. */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function underLoad(
  client: Client,
  variables: Readonly<Record<string, string>>,
  database: string,
  changes: number,
): Promise<UnderLoad> {
  const service = 'load';
  await using instance = new Instance(
    { ...variables, AUTOPILOT_SERVICE: service, AUTOPILOT_INSTANCE: 'one', AUTOPILOT__OVERLOAD__ENABLED: 'false' },
    [database],
  );
  const port = await instance.port;
  await followed(client, service, 1);
  let requests = 0;
  let failed = 0;
  let wrong = 0;
  let refused = 0;
  let ended = false;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const clients = Array.from({ length: CONNECTIONS }, async () => {
    while (!ended) {
      const status = await statusOf(port, agent);
      requests++;
      if (status === 500) wrong++;
      else if (status !== 200) failed++;
    }
  });
  const times: number[] = [];
  for (let ifVersion = 0; ifVersion < changes; ifVersion++) {
    const value = 11 + (ifVersion % 9_000);
    const patch = {
      monitoring: { maxRoutes: value, maxTenants: value },
      database: { poolMax: 2 + (ifVersion % 5) },
      compression: { minBytes: 512 + ifVersion },
    };
    const startedAtMs = performance.now();
    const { instances } = await client.patchConfig(patch, { service, ifVersion });
    times.push(performance.now() - startedAtMs);
    if (!instances.some(({ instance: name, state }) => name === 'one' && state === 'applied')) refused++;
  }
  ended = true;
  await Promise.all(clients);
  agent.destroy();
  return { requests, failed, wrong, refused, ...quantiles(times) };
}

interface Convergence {
  /** Until each instance runs a change. */
  readonly ms: readonly number[];
  /** Until the last one does. */
  readonly lastMs: readonly number[];
  readonly restoreMs: readonly number[];
}

async function convergence(
  client: Client,
  variables: Readonly<Record<string, string>>,
  changes: number,
): Promise<Convergence> {
  const service = 'fleet';
  await using started = new AsyncDisposableStack();
  const fleet = Array.from({ length: INSTANCES }, (_, index) =>
    started.use(
      new Instance({ ...variables, AUTOPILOT_SERVICE: service, AUTOPILOT_INSTANCE: `instance ${index}` }, []),
    ),
  );
  await followed(client, service, INSTANCES);
  const ms: number[] = [];
  const lastMs: number[] = [];
  const restoreMs: number[] = [];
  let version = 0;
  for (let change = 0; change < changes; change++) {
    const value = 11 + change;
    const patch = { monitoring: { maxRoutes: value, maxTenants: value } };
    const spread = await spreadOf(fleet, value, () => client.patchConfig(patch, { service, ifVersion: version }));
    version = spread.version;
    ms.push(...spread.ms);
    lastMs.push(Math.max(...spread.ms));
    if (change % 10 === 9) {
      const before = version - 1;
      const back = await spreadOf(fleet, value - 1, () => client.restoreConfigVersion(before, { service }));
      version = back.version;
      restoreMs.push(Math.max(...back.ms));
    }
    // Changes come between the messages that agents send each second, at no time of their own.
    await delay(20 + 30 * Math.random());
  }
  return { ms, lastMs, restoreMs };
}

/** From asking until each instance runs it. */
async function spreadOf(
  fleet: readonly Instance[],
  value: number,
  act: () => Promise<ConfigChange>,
): Promise<{ readonly ms: readonly number[]; readonly version: number }> {
  const startedAtMs = sharedMs();
  const { version } = await act();
  if (version === null) throw new Error(`nothing was changed to ${value}`);
  while (fleet.some((instance) => instance.value !== value)) {
    if (sharedMs() - startedAtMs > LIMIT_MS) throw new Error(`the change to ${value} did not come everywhere`);
    await delay(1);
  }
  return { ms: fleet.map(({ appliedAtMs }) => appliedAtMs - startedAtMs), version: version.version };
}

/** Until so many instances of a service are linked, and run what they should. */
async function followed(client: Client, service: string, count: number): Promise<void> {
  await until(
    120_000,
    () => client.listConfigInstances({ service }),
    ({ instances }) => instances.filter(({ role, current }) => role === 'agent' && current).length === count,
  );
}

/** An instance in a process of its own. */
class Instance implements AsyncDisposable {
  /** Of monitoring.maxRoutes, in force there. */
  value = Number.NaN;
  /** When it came into force, by sharedMs(). */
  appliedAtMs = Number.NaN;
  readonly port: Promise<number>;
  readonly #child: ChildProcess;

  constructor(variables: Readonly<Record<string, string>>, args: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, 'instance-process.ts'), args, {
      execArgv: ['-C', 'source'],
      env: { ...process.env, DATABASE_URL: undefined, ...variables },
    });
    this.port = new Promise((resolve) => {
      this.#child.on('message', (message: { port: number } | { value: number; atMs: number }) => {
        if ('port' in message) return resolve(message.port);
        this.value = message.value;
        this.appliedAtMs = message.atMs;
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

/** The clock that all processes of a machine share. */
function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** null: no answer, or a part of one. */
function statusOf(port: number, agent: Agent): Promise<number | null> {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1', agent }, (response) => {
      response
        .resume()
        .on('end', () => resolve(response.complete ? (response.statusCode ?? null) : null))
        .on('error', () => resolve(null));
    }).on('error', () => resolve(null));
  });
}

function quantiles(values: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50Ms: median(values), p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN };
}
