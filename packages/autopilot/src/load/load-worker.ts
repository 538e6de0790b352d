/** The thread that sends: an engine with real connections. Started by runLoad() alone. */
import { parentPort, workerData } from 'node:worker_threads';
import { compilePlan } from './compiled-plan.ts';
import { socketConnect } from './connector.ts';
import { LoadEngine } from './engine.ts';
import { Http1Transport } from './http1-transport.ts';
import { Http2Transport } from './http2-transport.ts';
import { machineClock, SharedState } from './shared-state.ts';
import type { Transport } from './transport.ts';
import { MetronomeWaker } from './waker.ts';
import type { StartMessage, WorkerMessage, WorkerOrder } from './worker-protocol.ts';

const COUNT_EVERY_MS = 1000;
/** What one read of a socket can give; one buffer serves all connections of the thread. */
const READ_BUFFER_BYTES = 64 * 1024;

// `as`: runLoad(), the only one that starts this thread, hands an order over.
const { plan, target, runId, share, worker, workers, shared, part } = workerData as WorkerOrder;
const port = parentPort;
if (port === null) throw new Error('load-worker runs as a worker thread only.');
const say = (message: WorkerMessage): void => port.postMessage(message);

const now = machineClock();
const http = plan.http ?? {};
const connect = socketConnect(http);
const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
const keepAlive = http.keepAlive ?? true;
const version = http.version ?? 1;
const compiled = compilePlan(plan, { version, secure: target.secure, keepAlive, authority: target.authority, runId });
const engine = new LoadEngine({
  plan,
  compiled,
  runId,
  origin: target.origin,
  share,
  newTransport: (): Transport =>
    version === 2
      ? new Http2Transport({ target, connect })
      : new Http1Transport({ target, connect, keepAlive, readBuffer }),
  newWaker: (wake) => new MetronomeWaker(now, wake),
  now,
  state: new SharedState(workers, shared),
  worker,
  onCrossing: (crossing) => say({ kind: 'crossed', crossing, atMs: now() }),
});

const started = new Promise<StartMessage>((resolve) => port.once('message', resolve));
const failure = await engine.prepare(part?.sessions);
say({ kind: 'prepared', failure, sessions: part === undefined ? new Map() : engine.sessions });
const { startMs } = await started;

const counting = setInterval(() => say({ kind: 'counted', windows: engine.drainTally() }), COUNT_EVERY_MS);
let before = performance.eventLoopUtilization();
// As the rest of the report, the utilization is that of the measured part.
const warmUntilMs = startMs + (plan.warmupMs ?? 0);
const warm = setTimeout(() => (before = performance.eventLoopUtilization()), Math.max(0, warmUntilMs - now()));
if (part?.farewell !== true) await engine.run(startMs);
clearTimeout(warm);
const { utilization } = performance.eventLoopUtilization(before);
clearInterval(counting);
if (part?.farewell !== false) await engine.finish();
engine.close();
say({ kind: 'finished', windows: engine.drainTally(), health: engine.health, utilization });
// Nothing is left to do; what might still hold the thread (a TLS close) is not waited for.
port.close();
