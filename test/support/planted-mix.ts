import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import Fastify from 'fastify';
import { trackRequests } from '../../packages/autopilot/src/host/request-tracking.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { HttpRecorder } from '../../packages/autopilot/src/track/http-recorder.ts';
import { LoopSlices } from '../../packages/autopilot/src/track/loop-slices.ts';
import type { Sink } from '../../packages/autopilot/src/track/observation.ts';
import { RequestContext } from '../../packages/autopilot/src/track/request-scope.ts';

/** Asks in a thread of its own, whose processor time is not the server's. */
const client = `
const { parentPort, workerData } = require('node:worker_threads');
const { Agent, get } = require('node:http');
const agent = new Agent({ keepAlive: true, maxSockets: 200 });
parentPort.on('message', ({ paths, concurrency, ms }) => {
  const until = performance.now() + ms;
  let round = [];
  const next = () => {
    // Each as often as the others, in an order that nothing can fall into step with.
    if (round.length === 0) round = paths.map((path) => [Math.random(), path]).sort(([a], [b]) => a - b);
    return round.pop()[1];
  };
  const one = () => new Promise((resolve, reject) => {
    get({ agent, port: workerData, host: '127.0.0.1', path: next() }, (answer) => {
      answer.resume();
      answer.on('end', resolve);
    }).on('error', reject);
  });
  const worker = async () => { while (performance.now() < until) await one(); };
  Promise.all(Array.from({ length: concurrency }, worker)).then(() => parentPort.postMessage('done'));
});
`;

/** Work of a route, in turns of a loop: each in two slices, with something between them that another request may use. */
const routes: readonly { readonly path: string; readonly turns: number; readonly wait: () => Promise<unknown> }[] = [
  { path: '/immediate', turns: 1, wait: () => nextTurn() },
  { path: '/promise', turns: 2, wait: () => Promise.resolve() },
  { path: '/timer', turns: 4, wait: () => sleep(1) },
  { path: '/nested', turns: 8, wait: async () => Promise.all([nextTurn(), sleep(2)]) },
];
const paths = routes.map(({ path }) => path);
/** A turn of work is about a millisecond: what the system adds to a request must not matter, on a busy machine neither. */
const STEPS_A_TURN = 1_000_000;

/** One route's share of the event loop: as it was, and as estimated. */
export interface PlantedShare {
  readonly path: string;
  readonly share: number;
  readonly estimate: number;
}

/** A server with four routes of known work, whose time is estimated while requests come. */
export interface PlantedMix extends AsyncDisposable {
  /** Asks for so long and forgets what was before; `again` adds to it. */
  ask(concurrency: number, ms: number, again?: 'again'): Promise<readonly PlantedShare[]>;
  /** How much of the time of the routes' work their thread did not have a processor, 0 to 1, in what `ask` told last. */
  interruptedShare(): number;
}

/** How far the worst estimate is from the truth, as a ratio of the true share. */
export function worstError(shares: readonly PlantedShare[]): number {
  return Math.max(...shares.map(({ share, estimate }) => Math.abs(estimate / share - 1)));
}

/** `sampledShare`: of the time, as the setting `resources.sampledShare`. */
export async function startPlantedMix(sampledShare: number): Promise<PlantedMix> {
  const app = Fastify();
  const recorder = new HttpRecorder(systemClock);
  const context = new RequestContext();
  await using resources = new AsyncDisposableStack();
  const estimated = new Map<string, number>();
  const counted = new Map<string, number>();
  const workedMs = new Map<string, number>();
  const add = (to: Map<string, number>, key: string, value: number): void => {
    to.set(key, (to.get(key) ?? 0) + value);
  };
  const sink: Sink = {
    record: (one) => {
      if (one.kind !== 'request' && one.kind !== 'loop-time') return;
      add(estimated, one.route, one.loopMs);
      if (one.kind === 'request') add(counted, one.route, 1);
    },
  };
  let chain = 0;
  const ofWork = { wallMs: 0, cpuMs: 0 };
  /**
   * The truth is by the clock and not by the processor's counter: on a machine that others use too a slice is
   * interrupted now and then, and its loop is kept waiting by that all the same.
   */
  const work = (path: string, turns: number): void => {
    const startedAtMs = performance.now();
    const cpuBefore = process.threadCpuUsage();
    for (let step = 0; step < turns * STEPS_A_TURN; step++) chain = (chain * 31 + step) | 0;
    const { user, system } = process.threadCpuUsage(cpuBefore);
    ofWork.cpuMs += (user + system) / 1_000;
    const wallMs = performance.now() - startedAtMs;
    ofWork.wallMs += wallMs;
    add(workedMs, path, wallMs);
  };
  resources.use(recorder.attach(sink));
  resources.use(trackRequests(app, { recorder, context, tenantOf: null }));
  for (const { path, turns, wait } of routes) {
    app.get(path, async () => {
      work(path, turns);
      await wait();
      work(path, turns);
      return { ok: true };
    });
  }
  app.get('/nothing', async () => ({ ok: true }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  resources.defer(() => app.close());
  const { port } = app.server.address() as AddressInfo; // `as`: it listens on TCP
  const worker = new Worker(client, { eval: true, workerData: port });
  resources.defer(async () => void (await worker.terminate()));
  const ask = async (of: readonly string[], concurrency: number, ms: number): Promise<void> => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage({ paths: of, concurrency, ms });
    await once(worker, 'message');
    await sleep(20);
  };
  // And what every request costs beside: that of one without work.
  await ask(paths, 4, 300);
  counted.clear();
  const before = process.threadCpuUsage();
  await ask(['/nothing'], 1, 400);
  const { user, system } = process.threadCpuUsage(before);
  const besideMs = (user + system) / 1_000 / (counted.get('GET /nothing') ?? 0);
  resources.use(new LoopSlices({ clock: systemClock, context, sampledShare: () => sampledShare }).attach(sink));
  const whole = resources.move();
  return {
    async ask(concurrency, ms, again) {
      if (again === undefined) {
        for (const counters of [estimated, counted, workedMs]) counters.clear();
        ofWork.wallMs = ofWork.cpuMs = 0;
      }
      await ask(paths, concurrency, ms);
      const rows = paths.map((path) => ({
        path,
        trueMs: (workedMs.get(path) ?? 0) + besideMs * (counted.get(`GET ${path}`) ?? 0),
        estimatedMs: estimated.get(`GET ${path}`) ?? 0,
      }));
      const allMs = rows.reduce((sum, { trueMs }) => sum + trueMs, 0);
      const allEstimatedMs = rows.reduce((sum, { estimatedMs }) => sum + estimatedMs, 0);
      return rows.map(({ path, trueMs, estimatedMs }) => ({
        path,
        share: trueMs / allMs,
        estimate: estimatedMs / allEstimatedMs,
      }));
    },
    interruptedShare: () => Math.max(0, 1 - ofWork.cpuMs / ofWork.wallMs),
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  };
}
