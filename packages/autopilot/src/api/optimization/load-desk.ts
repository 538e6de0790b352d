import { randomUUID } from 'node:crypto';
import type { SettingsView } from '../../config/live-settings.ts';
import {
  LOAD_MARK_HEADER,
  type LoadTest,
  type LoadTestHead,
  type LoadTestKind,
  type LoadTestLevel,
  type LoadTestLimits,
  type LoadTestProgress,
  type LoadTestState,
  type LoadTestSummary,
} from '../../contract/load-tests.ts';
import { hasScope, type Principal } from '../../contract/principal.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import type { LoadCeilings, LoadPlan, TargetVitals } from '../../load/load.ts';
import type { LoadReport } from '../../load/load-report.ts';
import { LoadRunner } from '../../load/load-runner.ts';
import { parsePlan, planFromValue } from '../../load/read-plan.ts';
import { admitTarget, originOf, parseTargetRule, type TargetRule } from '../../load/target.ts';
import {
  BENCHMARK_KIND,
  type JsonValue,
  type KeptLoadTest,
  type ListPart,
  type LoadTestEnd,
} from '../../storage/ports.ts';
import type { KeptRuns, KeptWork } from './kept-runs.ts';
import { levelView, progressView, reasonOf, reportView, stateOf, summaryOf } from './load-report-view.ts';
import type { LiveMarks } from './test-marks.ts';
import type { WatchedVitals } from './watched-vitals.ts';

/** What a {@link LoadDesk} is made with. */
export interface LoadDeskOptions {
  readonly runs: KeptRuns;
  readonly marks: LiveMarks;
  /** load.* */
  readonly settings: SettingsView;
  /** The origin of the application that this control plane belongs to; null: it belongs to none. */
  readonly ownTarget: string | null;
  /** How an application calls one of its users; null: none has said. */
  readonly userName: (id: string) => string | null;
  /** How processes under a test are just now. */
  readonly watched: WatchedVitals;
  /** The instances of a service whose link is open. */
  readonly linked: (service: string) => readonly string[];
  /** What a service's processes and pools used a second or two ago, and have; empty: nothing was heard of them lately. */
  readonly vitals: (service: string) => Promise<{ readonly used: TargetVitals; readonly has: TargetVitals }>;
}

/** A test to be started. */
export interface LoadTestRequest {
  readonly service: string;
  readonly principal: Principal;
  /** As YAML or JSON, whose mistakes are told with their lines, or as a value. One without a target gets the default one. */
  readonly plan: string | Readonly<Record<string, unknown>>;
  readonly kind: LoadTestKind;
  readonly objective?: readonly string[];
  /** Default load.keepApart. */
  readonly apart?: boolean | undefined;
}

interface Running {
  readonly test: KeptLoadTest;
  readonly moments: LoadTestProgress[];
  readonly levels: LoadTestLevel[];
}

const MOST_MOMENTS = 600;
/** How often a test is told how its target is. */
const FEED_MS = 100;

/** Starts load tests in processes of their own, follows them, and keeps what came of them. */
export class LoadDesk {
  readonly #options: LoadDeskOptions;
  readonly #running = new Map<string, Running>();
  #ownTarget: string | null;

  constructor(options: LoadDeskOptions) {
    this.#options = options;
    this.#ownTarget = options.ownTarget;
  }

  /** Where the application listens, as it says itself; what is no origin is passed over. */
  learnOwnTarget(url: unknown): void {
    const rule = typeof url === 'string' ? parseTargetRule(url) : null;
    if (rule !== null) this.#ownTarget = rule.origin;
  }

  /** The most that a caller's tests may ask for. */
  limits(principal: Principal | null): LoadTestLimits {
    const { operatorShare, maxUsers, maxRatePerSecond, maxDurationMs, maxRunning } =
      this.#options.settings.current.load;
    const granted = principal?.scopes ?? [];
    const share = hasScope(granted, 'admin') ? 1 : operatorShare;
    return {
      maxUsers: Math.floor(share * maxUsers),
      maxRatePerSecond: share * maxRatePerSecond,
      maxDurationMs: share * maxDurationMs,
      maxRunning,
      targets: this.rules().map(({ origin }) => origin),
      keepApart: this.#options.settings.current.load.keepApart,
      mayStart: hasScope(granted, 'operate') && share > 0 && maxRunning > 0,
    };
  }

  /**
   * Starts a test.
   * @throws LoadPlanError, AutopilotError AP_LOAD_TARGET_REFUSED, AP_LOAD_TEST_RUNNING, AP_LOAD_STORE_UNAVAILABLE
   */
  async start({ service, principal, plan: given, kind, objective, apart }: LoadTestRequest): Promise<LoadTestHead> {
    const limits = this.limits(principal);
    const rules = this.rules();
    const { settings } = this.#options;
    const ceilings: LoadCeilings = limits;
    const target = rules.find(({ origin }) => !origin.endsWith(':*'))?.origin;
    const reading = { ceilings, source: 'plan', missing: target === undefined ? {} : { target } };
    // From the network: a plan that names files is refused.
    const plan = typeof given === 'string' ? parsePlan(given, reading) : planFromValue(given, reading);
    await admitTarget(plan.target, rules);
    const { runs } = this.#options;
    if (runs.size >= limits.maxRunning) {
      throw new AutopilotError('AP_LOAD_TEST_RUNNING', `${runs.size} load tests run, which is the most.`, {
        remedy: 'Wait for one to end, or stop it; load.maxRunning sets how many may run.',
      });
    }
    const draft = {
      id: randomUUID(),
      service,
      name: plan.name,
      kind,
      target: originOf(plan.target).origin,
      author: principal.id,
    };
    const test = await runs.start(draft, async (entered) => {
      const { has } = await this.#options.vitals(service).catch(() => ({ has: {} }));
      const isApart = apart ?? settings.current.load.keepApart;
      const options = {
        targets: rules,
        ceilings,
        runId: entered.id,
        capacities: has,
        ...(objective === undefined ? {} : { objective }),
      };
      if (!isApart) return this.#run(entered, plan, options);
      return this.#options.marks.begin(entered.id, (mark) => this.#run(entered, withMark(plan, mark), options));
    });
    await runs.tidy(service, false, settings.current.load.keepTests);
    return this.headOf(test);
  }

  /** @throws AutopilotError AP_LOAD_TEST_UNKNOWN */
  async read(id: string): Promise<LoadTest> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      return { ...this.headOf(running.test), moments: [...running.moments], levels: [...running.levels], report: null };
    }
    const { test, report } = await this.#existing(id);
    return { ...this.headOf(test), moments: [], levels: [], report: report === null ? null : reportView(report) };
  }

  /**
   * The whole report of a test that has ended.
   * @throws AutopilotError AP_LOAD_TEST_UNKNOWN
   */
  async report(id: string): Promise<{ readonly head: LoadTestHead; readonly report: LoadReport | null }> {
    const { test, report } = await this.#existing(id);
    return { head: this.headOf(test), report };
  }

  async list(service: string, part: ListPart): Promise<readonly KeptLoadTest[]> {
    return await this.#options.runs.ask((store) => store.list({ service, isBenchmark: false }, part));
  }

  async running(): Promise<readonly LoadTestHead[]> {
    const running = await this.#options.runs.ask((store) => store.running());
    return running.filter(({ kind }) => kind !== BENCHMARK_KIND).map((test) => this.headOf(test));
  }

  /**
   * Stops a test; it has ended when this resolves, if it runs here.
   * @throws AutopilotError AP_LOAD_TEST_UNKNOWN
   */
  async stop(id: string): Promise<LoadTestHead> {
    await this.#existing(id);
    await this.#options.runs.stop(id);
    return this.headOf((await this.#existing(id)).test);
  }

  /** A kept test as the API gives it. */
  headOf(test: KeptLoadTest): LoadTestHead {
    const { number: _, kind, state, summary, ...rest } = test;
    return {
      ...rest,
      authorName: this.#options.userName(test.author),
      // `as`: what the desk has entered itself.
      kind: kind as LoadTestKind,
      // `as`: likewise.
      state: state as LoadTestState,
      // `as`: likewise.
      summary: summary as unknown as LoadTestSummary | null,
    };
  }

  /** The application itself, and what the setting opens. */
  rules(): readonly TargetRule[] {
    const { settings } = this.#options;
    const ownTarget = this.#ownTarget;
    const set = settings.current.load.targets.flatMap((text) => parseTargetRule(text) ?? []);
    return ownTarget === null ? set : [{ origin: ownTarget }, ...set];
  }

  #run(test: KeptLoadTest, plan: LoadPlan, options: ConstructorParameters<typeof LoadRunner>[2]): KeptWork {
    const running: Running = { test, moments: [], levels: [] };
    const { moments, levels } = running;
    // `as`: what the API took for the draft.
    const runner = new LoadRunner(test.kind as LoadTestKind, plan, options, {
      onProgress: (progress) => {
        moments.push(progressView(progress));
        if (moments.length > MOST_MOMENTS) moments.shift();
      },
      onStep: (step) => levels.push(levelView(step)),
    });
    this.#running.set(test.id, running);
    const { watched, linked } = this.#options;
    const watching = watched.watch(test.service);
    const current = (): TargetVitals | null => watched.of(test.service, linked(test.service));
    // After what has come over the links meanwhile: else a pause of this process would look like one of the target.
    const feeding = setInterval(() => setImmediate(() => feed(current())), FEED_MS);
    const feed = (vitals: TargetVitals | null): void => {
      if (vitals !== null && Object.keys(vitals).length > 0) runner.feed(vitals);
    };
    return {
      end: this.#endOf(runner),
      kept: () => {
        clearInterval(feeding);
        watching[Symbol.dispose]();
        this.#running.delete(test.id);
        this.#options.marks.drop(test.id);
      },
      stop: () => runner.stop(),
      tick: async () => {
        // Agents of an older release say nothing between their windows.
        if (current() === null) feed((await this.#options.vitals(test.service)).used);
      },
    };
  }

  async #endOf(runner: LoadRunner): Promise<LoadTestEnd> {
    let end: LoadTestEnd;
    try {
      const report = await runner.report;
      // `as`: summaries are plain JSON, which their type can't say.
      const summary = summaryOf(report) as unknown as JsonValue;
      // `as`: likewise reports.
      end = { state: stateOf(report), reason: reasonOf(report), summary, report: report as unknown as JsonValue };
    } catch (error) {
      end = { state: 'failed', reason: messageOf(error), summary: null, report: null };
    }
    await runner.gone();
    return end;
  }

  async #existing(id: string): Promise<{ readonly test: KeptLoadTest; readonly report: LoadReport | null }> {
    const found = await this.#options.runs.ask((store) => store.read(id));
    if (found === null || found.test.kind === BENCHMARK_KIND) {
      throw new AutopilotError('AP_LOAD_TEST_UNKNOWN', `There is no load test ${JSON.stringify(id)}.`, {
        remedy: 'GET /api/v1/optimization/load-test lists them.',
      });
    }
    // What end() has kept.
    return { test: found.test, report: found.report as unknown as LoadReport | null };
  }
}

/** The plan whose every request carries the mark. */
function withMark(plan: LoadPlan, mark: string): LoadPlan {
  return { ...plan, headers: { ...plan.headers, [LOAD_MARK_HEADER]: mark } };
}
