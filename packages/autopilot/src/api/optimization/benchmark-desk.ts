import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchmarkProgress } from '../../benchmark/benchmark-protocol.ts';
import { BenchmarkRunner } from '../../benchmark/benchmark-runner.ts';
import { machineUse, othersBusyRatio } from '../../benchmark/machine-use.ts';
import { ROUND_MS, SUITE_VERSION } from '../../benchmark/suite.ts';
import type { SettingsView } from '../../config/live-settings.ts';
import type {
  Benchmark,
  BenchmarkHead,
  BenchmarkLimits,
  BenchmarkReport,
  BenchmarkState,
} from '../../contract/benchmarks.ts';
import { hasScope, type Principal } from '../../contract/principal.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { admitTarget, type TargetRule } from '../../load/target.ts';
import {
  BENCHMARK_KIND,
  type JsonValue,
  type KeptLoadTest,
  type ListPart,
  type LoadTestEnd,
} from '../../storage/ports.ts';
import type { KeptRuns, KeptWork } from './kept-runs.ts';
import type { LiveMarks } from './test-marks.ts';

/** What a {@link BenchmarkDesk} is made with. */
export interface BenchmarkDeskOptions {
  readonly runs: KeptRuns;
  readonly marks: LiveMarks;
  /** benchmark.* */
  readonly settings: SettingsView;
  /** How an application calls one of its users; null: none has said. */
  readonly userName: (id: string) => string | null;
  /** What load tests may reach: the first origin is whose API is measured. */
  readonly rules: () => readonly TargetRule[];
  /** The database that is measured, only read; null: none. */
  readonly databaseUrl: string | null;
  /** Where the autopilot keeps its own, and commits are measured; null: nowhere. */
  readonly storeUrl: string | null;
  /** Requests a second of a service in its last seconds; null: nothing was heard of it. */
  readonly requestRate: (service: string) => Promise<number | null>;
  /** The releases of a service that run. */
  readonly releases: (service: string) => readonly string[];
  /** For tests: shorter rounds than the suite's measure less exactly. */
  readonly roundMs?: number;
}

interface Running {
  readonly test: KeptLoadTest;
  progress: BenchmarkProgress | null;
}

/** How long the machine is looked at before it is measured. */
const LOOK_MS = 1000;

/** Starts benchmarks in processes of their own, follows them, and keeps what came of them. */
export class BenchmarkDesk {
  readonly #options: BenchmarkDeskOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: BenchmarkDeskOptions) {
    this.#options = options;
  }

  limits(principal: Principal | null): BenchmarkLimits {
    const { maxBusyRatio, maxRequestsPerSecond } = this.#options.settings.current.benchmark;
    return { maxBusyRatio, maxRequestsPerSecond, mayStart: hasScope(principal?.scopes ?? [], 'operate') };
  }

  /**
   * Starts a benchmark, after a second's look at the machine.
   * @throws AutopilotError AP_BENCHMARK_BUSY, AP_LOAD_TARGET_REFUSED, AP_LOAD_TEST_RUNNING, AP_LOAD_STORE_UNAVAILABLE
   */
  async start(service: string, principal: Principal): Promise<BenchmarkHead> {
    const { runs, settings, rules, databaseUrl, storeUrl, releases, roundMs = ROUND_MS } = this.#options;
    const { path, keepResults } = settings.current.benchmark;
    const allowed = rules();
    const origin = allowed.find((rule) => !rule.origin.endsWith(':*'))?.origin ?? null;
    if (origin !== null) await admitTarget(origin, allowed);
    await this.#refuseBusy(service);
    if (runs.size > 0) {
      throw new AutopilotError('AP_LOAD_TEST_RUNNING', 'A load test or a benchmark runs on this machine.', {
        remedy: 'Wait for it to end, or stop it.',
      });
    }
    const draft = {
      id: randomUUID(),
      service,
      name: `suite ${SUITE_VERSION}`,
      kind: BENCHMARK_KIND,
      target: origin ?? `machine ${hostname()}`,
      author: principal.id,
    };
    const test = await runs.start(draft, async (entered) =>
      this.#options.marks.begin(entered.id, (mark) =>
        this.#run(entered, (onProgress) => {
          const order = {
            runId: entered.id,
            mark,
            target: origin === null ? null : { origin, path, rules: allowed },
            databaseUrl: databaseUrl ?? storeUrl,
            commitUrl: storeUrl,
            maxBusyRatio: settings.current.benchmark.maxBusyRatio,
            releases: releases(service),
            roundMs,
          };
          return new BenchmarkRunner(order, onProgress);
        }),
      ),
    );
    await runs.tidy(service, true, keepResults);
    return this.keptHeadOf(test);
  }

  /** @throws AutopilotError AP_BENCHMARK_UNKNOWN */
  async read(id: string): Promise<Benchmark> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      const { test, progress } = running;
      const doing = progress?.part ?? null;
      return { ...this.keptHeadOf(test), progress: progress?.progress ?? 0, doing, report: null };
    }
    const found = await this.#options.runs.ask((store) => store.read(id));
    if (found === null || found.test.kind !== BENCHMARK_KIND) {
      throw new AutopilotError('AP_BENCHMARK_UNKNOWN', `There is no benchmark ${JSON.stringify(id)}.`, {
        remedy: 'GET /api/v1/optimization/benchmark lists them.',
      });
    }
    const isOver = found.test.state !== 'running';
    // `as`: what end() has kept.
    const report = found.report as unknown as BenchmarkReport | null;
    return { ...this.keptHeadOf(found.test), progress: isOver ? 1 : 0, doing: null, report };
  }

  async list(service: string, part: ListPart): Promise<readonly KeptLoadTest[]> {
    return await this.#options.runs.ask((store) => store.list({ service, isBenchmark: true }, part));
  }

  /** @throws AutopilotError AP_BENCHMARK_UNKNOWN */
  async stop(id: string): Promise<BenchmarkHead> {
    await this.read(id);
    await this.#options.runs.stop(id);
    return headOf(await this.read(id));
  }

  /** A kept benchmark as the API gives it. */
  keptHeadOf(test: KeptLoadTest): BenchmarkHead {
    const { number: _, kind: __, name: ___, state, summary, ...rest } = test;
    // `as`: what the desk has kept itself.
    const kept = summary as unknown as Pick<BenchmarkHead, 'suite' | 'score' | 'scores'> | null;
    return {
      ...rest,
      authorName: this.#options.userName(rest.author),
      suite: kept?.suite ?? SUITE_VERSION,
      // `as`: what the desk has entered itself; a control plane that died leaves "failed".
      state: state as BenchmarkState,
      score: kept?.score ?? null,
      scores: kept?.scores ?? [],
    };
  }

  /** @throws AutopilotError AP_BENCHMARK_BUSY */
  async #refuseBusy(service: string): Promise<void> {
    const { maxBusyRatio } = this.#options.settings.current.benchmark;
    const served = await this.#overServed(service);
    if (served !== null) {
      throw new AutopilotError('AP_BENCHMARK_BUSY', served, {
        remedy: 'Measure when fewer ask for it, or allow more (benchmark.maxRequestsPerSecond).',
      });
    }
    // With a limit of 1 nothing is too busy, and nobody need wait for the look.
    if (maxBusyRatio >= 1) return;
    const from = machineUse();
    await delay(LOOK_MS);
    const busy = othersBusyRatio(from, machineUse());
    if (busy > maxBusyRatio) {
      throw new AutopilotError(
        'AP_BENCHMARK_BUSY',
        `The machine is ${Math.round(100 * busy)} % busy with other work; at most ${Math.round(100 * maxBusyRatio)} % may be.`,
        { remedy: 'Measure when it is idle, or allow more (benchmark.maxBusyRatio): the result is then of both.' },
      );
    }
  }

  /** What a service has too much to do, as a sentence; null: it has not. */
  async #overServed(service: string): Promise<string | null> {
    const { maxRequestsPerSecond } = this.#options.settings.current.benchmark;
    const rate = await this.#options.requestRate(service);
    if (rate === null || rate <= maxRequestsPerSecond) return null;
    return `${service} has ${rate.toFixed(1)} requests a second; at most ${maxRequestsPerSecond} may be while it is measured.`;
  }

  #run(test: KeptLoadTest, begin: (onProgress: (progress: BenchmarkProgress) => void) => BenchmarkRunner): KeptWork {
    const running: Running = { test, progress: null };
    let ending: { readonly state: BenchmarkState; readonly reason: string | null } | null = null;
    const runner = begin((progress) => {
      running.progress = progress;
    });
    const stop = (state: BenchmarkState, reason: string | null): void => {
      ending ??= { state, reason };
      runner.stop();
    };
    this.#running.set(test.id, running);
    const end = async (): Promise<LoadTestEnd> => {
      try {
        const report = await runner.report;
        const { score, parts, invalidReasons } = report;
        const scores = parts.flatMap((part) => (part.score === null ? [] : [{ part: part.id, score: part.score }]));
        return {
          state: invalidReasons.length > 0 ? 'invalid' : 'done',
          reason: invalidReasons.length > 0 ? invalidReasons.join(' ') : null,
          summary: { suite: report.suite, score, scores },
          // `as`: reports are plain JSON, which their type can't say.
          report: report as unknown as JsonValue,
        };
      } catch (error) {
        const { state, reason } = ending ?? { state: 'failed', reason: messageOf(error) };
        return { state, reason, summary: null, report: null };
      } finally {
        await runner.gone();
      }
    };
    return {
      end: end(),
      kept: () => {
        this.#running.delete(test.id);
        this.#options.marks.drop(test.id);
      },
      stop: () => stop('stopped', null),
      tick: async () => {
        // The API comes last: what the service has to do before is its users' doing.
        if (running.progress?.part === 'api') return;
        const served = await this.#overServed(test.service);
        if (served !== null) stop('aborted', served);
      },
    };
  }
}

/** What a list has of a benchmark. */
export function headOf(benchmark: Benchmark): BenchmarkHead {
  const { progress: _, doing: __, report: ___, ...head } = benchmark;
  return head;
}
