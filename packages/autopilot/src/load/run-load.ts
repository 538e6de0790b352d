import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { EpochMs } from '../kernel/clock.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import { checkPlan, type LoadCeilings } from './check-plan.ts';
import { compilePlan } from './compiled-plan.ts';
import type { EngineHealth } from './engine.ts';
import type { LoadPlan } from './plan.ts';
import { type GeneratorReport, type LoadResult, latencySummary, type StopReport } from './result.ts';
import { ResultBuilder } from './result-builder.ts';
import { constantFromMs, durationMsOf, openProfileOf, type Share } from './schedule.ts';
import { invalidReasonsOf } from './self-check.ts';
import { machineClock, SharedState, type StopReason, type TargetVitals } from './shared-state.ts';
import { findSteadyState } from './steady-state.ts';
import { admitTarget, LOOPBACK_TARGETS, type PinnedTarget, type Resolve, type TargetRule } from './target.ts';
import { judgeThresholds } from './threshold.ts';
import type { UserSession } from './virtual-user.ts';
import type { StartMessage, WorkerMessage, WorkerOrder } from './worker-protocol.ts';

/** What a run is given beside its plan. */
export interface RunLoadOptions {
  /** Targets that may be tested; default: this machine's loopback addresses. */
  readonly targets?: readonly TargetRule[];
  readonly resolve?: Resolve;
  readonly ceilings?: Partial<LoadCeilings>;
  /** Threads that send; default: one less than there are cores, at least 1 and at most 4. */
  readonly workers?: number;
  /** Of several machines that run the same plan together, with as many workers each: which one this is. */
  readonly machine?: Share;
  /** When the load begins, for machines that start together; default: as soon as all is prepared. */
  readonly startAt?: EpochMs;
  /** Reads the target's vitals; called about five times a second. */
  readonly probe?: () => Promise<TargetVitals>;
  /** Called once a second. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Stops the run; what was measured until then is the result. */
  readonly signal?: AbortSignal;
  /** Default: a random one. Machines of one test share it. */
  readonly runId?: string;
}

/** How a run is getting on. Counts are of the whole run so far, rates and percentiles of the last second. */
export interface LoadProgress {
  readonly phase: 'preparing' | 'warming-up' | 'measuring' | 'draining';
  /** After the load's start; 0 while preparing. */
  readonly elapsedMs: number;
  readonly durationMs: number;
  readonly users: number;
  readonly underWay: number;
  readonly waiting: number;
  readonly requests: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly dropped: number;
  readonly ratePerSecond: number;
  /** Iterations a second that an open plan asks for now; null of a closed one. */
  readonly askedPerSecond: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly vitals: TargetVitals;
}

const PROGRESS_MS = 1000;
const PROBE_MS = 200;
/** From "all are prepared" to the load's start: threads that are woken late must not be late for it. */
const HEAD_START_MS = 50;
const MOST_DEFAULT_WORKERS = 4;

/**
 * Runs a load test: sends from worker threads, so that neither this thread's work disturbs it nor it this thread, and
 * answers when every request is accounted for. A run that is stopped, or that stops itself at one of the plan's limits, is a
 * result too. The threads end with this process, however it ends.
 * @throws LoadPlanError for a plan that can't be run, AutopilotError AP_LOAD_TARGET_REFUSED for a target that may not be
 * tested (in both cases nothing was sent), AP_LOAD_WORKER_FAILED when the generator itself broke.
 */
export async function runLoad(given: LoadPlan, options: RunLoadOptions = {}): Promise<LoadResult> {
  return await admittedRun(given, options, undefined);
}

/** A run that belongs to a test of several. */
export interface TestPart {
  /** What the runs so far have prepared, by number of the user; each adds those it prepares. */
  readonly sessions: Map<number, UserSession>;
  /** Nothing is done but what the plan has for the end, which other parts leave out. */
  readonly farewell: boolean;
}

/**
 * Runs a plan whose users go on with what earlier parts of the test have prepared.
 * @throws as runLoad() does
 */
export async function runPart(given: LoadPlan, options: RunLoadOptions, part: TestPart): Promise<LoadResult> {
  return await admittedRun(given, options, part);
}

async function admittedRun(given: LoadPlan, options: RunLoadOptions, part: TestPart | undefined): Promise<LoadResult> {
  const plan = checkPlan(given, {
    hasProbe: options.probe !== undefined,
    ...(options.ceilings === undefined ? {} : { ceilings: options.ceilings }),
  });
  const target = await admitTarget(plan.target, options.targets ?? LOOPBACK_TARGETS, options.resolve);
  return await new LoadRun(plan, target, options, part).result();
}

class LoadRun {
  readonly #plan: LoadPlan;
  readonly #target: PinnedTarget;
  readonly #options: RunLoadOptions;
  readonly #part: TestPart | undefined;
  readonly #runId: string;
  readonly #workers: number;
  readonly #state: SharedState;
  readonly #now: () => number = machineClock();
  readonly #builder: ResultBuilder = new ResultBuilder();
  readonly #durationMs: number;
  readonly #healths: EngineHealth[] = [];
  readonly #utilizations: number[] = [];
  #startMs: number = Number.POSITIVE_INFINITY;
  #stop: { reason: StopReason; message: string; atMs: number } | undefined;

  constructor(plan: LoadPlan, target: PinnedTarget, options: RunLoadOptions, part: TestPart | undefined) {
    this.#plan = plan;
    this.#target = target;
    this.#options = options;
    this.#part = part;
    this.#runId = options.runId ?? randomUUID();
    this.#workers = options.workers ?? Math.min(MOST_DEFAULT_WORKERS, Math.max(1, availableParallelism() - 1));
    this.#state = new SharedState(this.#workers);
    this.#durationMs = durationMsOf(plan.load);
  }

  async result(): Promise<LoadResult> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#halt('requested', 'the run was stopped by request');
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort);
    const over = new AbortController();
    const helpers = Promise.all([this.#probe(over.signal), this.#report(over.signal)]);
    try {
      await this.#runWorkers();
    } finally {
      signal?.removeEventListener('abort', onAbort);
      over.abort();
      await helpers;
    }
    return this.#assemble();
  }

  async #runWorkers(): Promise<void> {
    const threads = Array.from({ length: this.#workers }, (_, worker) => this.#startWorker(worker));
    try {
      const prepared = await Promise.race([
        Promise.all(threads.map(({ prepared }) => prepared)),
        // A worker that fails to begin never says that it is prepared.
        Promise.all(threads.map(({ finished }) => finished)).then(() => []),
      ]);
      const failure = prepared.find((one) => one !== undefined);
      if (failure !== undefined) this.#halt('preparation', failure);
      this.#startMs = this.#now() + this.#headStartMs();
      const start: StartMessage = { startMs: this.#startMs };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      for (const { thread } of threads) thread.postMessage(start);
      await Promise.all(threads.map(({ finished }) => finished));
    } catch (thrown) {
      this.#state.stop('worker-failed');
      throw new AutopilotError('AP_LOAD_WORKER_FAILED', `The load generator broke: ${messageOf(thrown)}.`, {
        remedy: 'Report it with the plan; this is a mistake in the generator, not in the target.',
        cause: thrown,
      });
    } finally {
      await Promise.all(threads.map(({ thread }) => thread.terminate()));
    }
  }

  #headStartMs(): number {
    const { startAt } = this.#options;
    if (startAt === undefined || this.#state.stopped) return HEAD_START_MS;
    const left = startAt - Date.now();
    if (left < 0) this.#halt('preparation', `the preparation ended ${-left} ms after the time to start`);
    return left;
  }

  #startWorker(worker: number): {
    thread: Worker;
    prepared: Promise<string | undefined>;
    finished: Promise<void>;
  } {
    const { index, count } = this.#options.machine ?? { index: 0, count: 1 };
    const order: WorkerOrder = {
      plan: this.#plan,
      target: this.#target,
      runId: this.#runId,
      share: { index: index * this.#workers + worker, count: count * this.#workers },
      worker,
      workers: this.#workers,
      shared: this.#state.buffer,
      ...(this.#part === undefined ? {} : { part: this.#part }),
    };
    const thread = new Worker(
      import.meta.url.endsWith('.ts')
        ? new URL('./load-worker.ts', import.meta.url)
        : new URL('./load-worker.js', import.meta.url),
      { workerData: order, execArgv: [], name: `load-${worker}` },
    );
    const prepared = Promise.withResolvers<string | undefined>();
    const finished = Promise.withResolvers<void>();
    thread.on('message', (message: WorkerMessage) => {
      switch (message.kind) {
        case 'prepared':
          if (message.failure === undefined) {
            for (const [user, session] of message.sessions) this.#part?.sessions.set(user, session);
          }
          prepared.resolve(message.failure);
          break;
        case 'counted':
          this.#builder.add(message.windows);
          break;
        case 'crossed':
          this.#stop ??= { ...message.crossing, atMs: message.atMs };
          break;
        case 'finished':
          this.#builder.add(message.windows);
          this.#healths.push(message.health);
          this.#utilizations.push(message.utilization);
          finished.resolve();
          break;
      }
    });
    thread.on('error', (error) => finished.reject(error));
    thread.on('exit', (code) => finished.reject(new Error(`worker ${worker} ended early with code ${code}`)));
    return { thread, prepared: prepared.promise, finished: finished.promise };
  }

  #halt(reason: StopReason, message: string): void {
    if (this.#state.stop(reason)) this.#stop = { reason, message, atMs: this.#now() };
  }

  async #probe(over: AbortSignal): Promise<void> {
    const { probe } = this.#options;
    while (probe !== undefined && !over.aborted) {
      try {
        // One that hangs must not keep the run from ending; the workers see that nothing is heard.
        const vitals = await Promise.race([probe(), sleep(10 * PROBE_MS, undefined, { signal: over, ref: false })]);
        if (vitals !== undefined) this.#state.setVitals(vitals, this.#now());
      } catch {
        // Vitals that can't be read grow old, and the workers end a run that rests on them.
      }
      await sleep(PROBE_MS, undefined, { signal: over }).catch(() => undefined);
    }
  }

  async #report(over: AbortSignal): Promise<void> {
    const { onProgress } = this.#options;
    let before = { done: 0, atMs: this.#now() };
    while (onProgress !== undefined && !over.aborted) {
      await sleep(PROGRESS_MS, undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) return;
      const reading = this.#state.read();
      const nowMs = this.#now();
      const elapsedMs = Math.max(0, nowMs - this.#startMs);
      const recent = latencySummary(this.#builder.takeRecent());
      const { load, warmupMs = 0 } = this.#plan;
      onProgress({
        phase:
          nowMs < this.#startMs
            ? 'preparing'
            : elapsedMs < warmupMs
              ? 'warming-up'
              : elapsedMs < this.#durationMs
                ? 'measuring'
                : 'draining',
        elapsedMs,
        durationMs: this.#durationMs,
        users: reading.users,
        underWay: reading.underWay,
        waiting: reading.waiting,
        requests: reading.started,
        failed: reading.failed,
        timedOut: reading.timedOut,
        dropped: reading.dropped,
        ratePerSecond: (1000 * (reading.done - before.done)) / (nowMs - before.atMs),
        askedPerSecond: load.kind === 'users' ? null : openProfileOf(load).ratePerSecondAt(elapsedMs),
        p50Ms: recent.p50Ms,
        p95Ms: recent.p95Ms,
        p99Ms: recent.p99Ms,
        vitals: this.#state.vitals().values,
      });
      before = { done: reading.done, atMs: nowMs };
    }
  }

  #assemble(): LoadResult {
    const { load, warmupMs = 0, name, seed = 1, thresholds = [] } = this.#plan;
    const builder = this.#builder;
    const stop = this.#stopReport();
    const elapsedMs = stop === null ? this.#durationMs : Math.min(this.#durationMs, Math.max(0, stop.atMs));
    const measuredMs = Math.max(0, elapsedMs - warmupMs);
    const measured = builder.measured.part(measuredMs);
    const steps = builder.steps(this.#stepNames());
    const generator = this.#generator();
    const windows = builder.windows(warmupMs, measuredMs);
    const invalidReasons = invalidReasonsOf(generator, measured);
    return {
      format: 1,
      runId: this.#runId,
      name,
      target: this.#target.origin,
      seed,
      load,
      warmupMs,
      startedAt: Date.now() - (this.#now() - this.#startMs),
      state: stop === null ? 'completed' : stop.reason === 'requested' ? 'stopped' : 'aborted',
      stop,
      valid: invalidReasons.length === 0,
      invalidReasons,
      prepare: builder.prepare.part(0),
      warmup: builder.warmup.part(Math.min(warmupMs, elapsedMs)),
      measured,
      after: builder.after.part(0),
      steps,
      windows,
      steady: findSteadyState(
        windows.map(({ fromMs, durationMs, done, response }) => ({ fromMs, durationMs, done, p50Ms: response.p50Ms })),
        Math.max(0, constantFromMs(load) - warmupMs),
      ),
      thresholds: judgeThresholds(thresholds, measured, steps),
      generator,
    };
  }

  #stopReport(): StopReport | null {
    if (this.#stop === undefined) return null;
    const { reason, message, atMs } = this.#stop;
    const started = Number.isFinite(this.#startMs);
    const { lastSentMs } = this.#state.read();
    return {
      reason,
      message,
      atMs: started ? Math.max(0, atMs - this.#startMs) : 0,
      lastSentMs: started ? Math.max(0, lastSentMs - this.#startMs) : 0,
    };
  }

  #generator(): GeneratorReport {
    const slip = new ExponentialHistogram();
    const loopDelay = new ExponentialHistogram();
    let iterationsFailed = 0;
    let iterationsCut = 0;
    for (const health of this.#healths) {
      slip.mergeEncoded(health.slip);
      loopDelay.mergeEncoded(health.loopDelay);
      iterationsFailed += health.iterationsFailed;
      iterationsCut += health.iterationsCut;
    }
    return {
      workers: this.#workers,
      machines: 1,
      slip: latencySummary(slip),
      loopDelay: latencySummary(loopDelay),
      utilization: Math.max(0, ...this.#utilizations),
      iterationsFailed,
      iterationsCut,
    };
  }

  /** As the workers number them. */
  #stepNames(): readonly string[] {
    const { secure, authority } = this.#target;
    const version = this.#plan.http?.version ?? 1;
    return compilePlan(this.#plan, { version, secure, keepAlive: true, authority, runId: this.#runId }).stepNames;
  }
}
