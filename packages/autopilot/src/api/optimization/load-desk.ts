import { randomUUID } from 'node:crypto';
import type { SettingsView } from '../../config/live-settings.ts';
import type {
  LoadTest,
  LoadTestHead,
  LoadTestKind,
  LoadTestLevel,
  LoadTestLimits,
  LoadTestProgress,
  LoadTestState,
  LoadTestSummary,
} from '../../contract/load-tests.ts';
import { hasScope, type Principal } from '../../contract/principal.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import type { LoadCeilings, LoadPlan, TargetVitals } from '../../load/load.ts';
import type { LoadReport } from '../../load/load-report.ts';
import { LoadRunner } from '../../load/load-runner.ts';
import { parsePlan } from '../../load/read-plan.ts';
import { admitTarget, originOf, parseTargetRule, type TargetRule } from '../../load/target.ts';
import type { JsonValue, KeptLoadTest, LoadTestStore } from '../../storage/ports.ts';
import { levelView, progressView, reasonOf, reportView, stateOf, summaryOf } from './load-report-view.ts';

/** What a {@link LoadDesk} is made with. */
export interface LoadDeskOptions {
  readonly store: LoadTestStore;
  /** load.* */
  readonly settings: SettingsView;
  /** The origin of the application that this control plane belongs to; null: it belongs to none. */
  readonly ownTarget: string | null;
  /** What a service's processes and pools use now, and have; empty: nothing was heard of them lately. */
  readonly vitals: (service: string) => Promise<{ readonly used: TargetVitals; readonly has: TargetVitals }>;
  readonly onTrouble: (message: string, cause?: unknown) => void;
}

/** A test to be started. */
export interface LoadTestRequest {
  readonly service: string;
  readonly principal: Principal;
  /** A plan without a target gets the default one. */
  readonly plan: Readonly<Record<string, unknown>>;
  readonly kind: LoadTestKind;
  readonly objective?: readonly string[];
}

interface Running {
  readonly test: KeptLoadTest;
  readonly runner: LoadRunner;
  readonly moments: LoadTestProgress[];
  readonly levels: LoadTestLevel[];
  readonly timer: NodeJS.Timeout;
  /** Until when it may go on without the store. */
  aliveUntilMs: number;
  isBusy: boolean;
  /** Resolves when it has ended and was kept. */
  readonly over: Promise<void>;
}

const TICK_MS = 500;
const ALIVE_MS = 15_000;
const MOST_MOMENTS = 600;

/** Starts load tests in processes of their own, follows them, and keeps what came of them. */
export class LoadDesk {
  readonly #options: LoadDeskOptions;
  readonly #running = new Map<string, Running>();
  /** Being entered: they count as running. */
  #starting = 0;
  #closed = false;

  constructor(options: LoadDeskOptions) {
    this.#options = options;
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
      targets: this.#rules().map(({ origin }) => origin),
      mayStart: hasScope(granted, 'operate') && share > 0 && maxRunning > 0,
    };
  }

  /**
   * Starts a test.
   * @throws LoadPlanError, AutopilotError AP_LOAD_TARGET_REFUSED, AP_LOAD_TEST_RUNNING, AP_LOAD_STORE_UNAVAILABLE
   */
  async start({ service, principal, plan: given, kind, objective }: LoadTestRequest): Promise<LoadTestHead> {
    const limits = this.limits(principal);
    const rules = this.#rules();
    const { store, settings } = this.#options;
    const ceilings: LoadCeilings = limits;
    const target = given['target'] ?? rules.find(({ origin }) => !origin.endsWith(':*'))?.origin;
    // From the network: a plan that names files is refused.
    const plan = parsePlan(JSON.stringify({ ...given, ...(target === undefined ? {} : { target }) }), {
      ceilings,
      source: 'plan',
    });
    await admitTarget(plan.target, rules);
    if (this.#closed) throw new AutopilotError('AP_CONTROL_PLANE_CLOSING', 'The control plane is closing.');
    if (this.#running.size + this.#starting >= limits.maxRunning) {
      throw new AutopilotError('AP_LOAD_TEST_RUNNING', `${this.#running.size} load tests run, which is the most.`, {
        remedy: 'Wait for one to end, or stop it; load.maxRunning sets how many may run.',
      });
    }
    this.#starting++;
    try {
      const draft = {
        id: randomUUID(),
        service,
        name: plan.name,
        kind,
        target: originOf(plan.target).origin,
        author: principal.id,
      };
      const { begun, test } = await this.#kept(() => store.begin(draft, ALIVE_MS));
      if (!begun) {
        throw new AutopilotError(
          'AP_LOAD_TEST_RUNNING',
          `${test.target} is being tested already, by ${test.author} since ${test.startedAt}.`,
          {
            remedy: `Wait for it to end, or stop the test ${test.id}.`,
          },
        );
      }
      const { has } = await this.#options.vitals(service).catch(() => ({ has: {} }));
      this.#run(test, plan, {
        targets: rules,
        ceilings,
        runId: test.id,
        capacities: has,
        ...(objective === undefined ? {} : { objective }),
      });
      await store.tidy(service, settings.current.load.keepTests).catch((error: unknown) => {
        this.#options.onTrouble(`Old load tests can't be dropped: ${messageOf(error)}`);
      });
      return headOf(test);
    } finally {
      this.#starting--;
    }
  }

  /** @throws AutopilotError AP_LOAD_TEST_UNKNOWN */
  async read(id: string): Promise<LoadTest> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      return { ...headOf(running.test), moments: [...running.moments], levels: [...running.levels], report: null };
    }
    const { test, report } = await this.#existing(id);
    return { ...headOf(test), moments: [], levels: [], report: report === null ? null : reportView(report) };
  }

  /**
   * The whole report of a test that has ended.
   * @throws AutopilotError AP_LOAD_TEST_UNKNOWN
   */
  async report(id: string): Promise<{ readonly head: LoadTestHead; readonly report: LoadReport | null }> {
    const { test, report } = await this.#existing(id);
    return { head: headOf(test), report };
  }

  async list(service: string, before: number | null, limit: number): Promise<readonly KeptLoadTest[]> {
    return await this.#kept(() => this.#options.store.list(service, before, limit));
  }

  async running(): Promise<readonly LoadTestHead[]> {
    return (await this.#kept(() => this.#options.store.running())).map(headOf);
  }

  /**
   * Stops a test; it has ended when this resolves, if it runs here.
   * @throws AutopilotError AP_LOAD_TEST_UNKNOWN
   */
  async stop(id: string): Promise<LoadTestHead> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.runner.stop();
      await running.over;
    } else await this.#kept(() => this.#options.store.stop(id));
    return headOf((await this.#existing(id)).test);
  }

  /** Ends all that runs; resolves when what was measured is kept. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#running.values()];
    for (const { runner } of running) runner.stop();
    await Promise.all(running.map(({ over }) => over));
    await this.#options.store.close();
  }

  /** The application itself, and what the setting opens. */
  #rules(): readonly TargetRule[] {
    const { ownTarget, settings } = this.#options;
    const set = settings.current.load.targets.flatMap((text) => parseTargetRule(text) ?? []);
    return ownTarget === null ? set : [{ origin: ownTarget }, ...set];
  }

  #run(test: KeptLoadTest, plan: LoadPlan, options: ConstructorParameters<typeof LoadRunner>[2]): void {
    const moments: LoadTestProgress[] = [];
    const levels: LoadTestLevel[] = [];
    // `as`: what the API took for the draft.
    const runner = new LoadRunner(test.kind as LoadTestKind, plan, options, {
      onProgress: (progress) => {
        moments.push(progressView(progress));
        if (moments.length > MOST_MOMENTS) moments.shift();
      },
      onStep: (step) => levels.push(levelView(step)),
    });
    const over = this.#finish(test, runner);
    const running: Running = {
      test,
      runner,
      moments,
      levels,
      timer: setInterval(() => void this.#tick(running), TICK_MS),
      aliveUntilMs: performance.now() + ALIVE_MS,
      isBusy: false,
      over,
    };
    this.#running.set(test.id, running);
  }

  async #tick(running: Running): Promise<void> {
    if (running.isBusy) return;
    running.isBusy = true;
    const { test, runner } = running;
    try {
      const { used } = await this.#options.vitals(test.service);
      if (Object.keys(used).length > 0) runner.feed(used);
    } catch (error) {
      this.#options.onTrouble(`The target's own figures can't be read: ${messageOf(error)}`);
    }
    try {
      const word = await this.#options.store.renew(test.id, ALIVE_MS);
      if (word === 'go-on') running.aliveUntilMs = performance.now() + ALIVE_MS;
      else runner.stop();
    } catch {
      // Another one may begin as soon as this one counts as dead.
      if (performance.now() > running.aliveUntilMs - 2 * TICK_MS) runner.stop();
    }
    running.isBusy = false;
  }

  async #finish(test: KeptLoadTest, runner: LoadRunner): Promise<void> {
    let end: {
      state: LoadTestState;
      reason: string | null;
      summary: LoadTestSummary | null;
      report: LoadReport | null;
    };
    try {
      const report = await runner.report;
      end = { state: stateOf(report), reason: reasonOf(report), summary: summaryOf(report), report };
    } catch (error) {
      end = { state: 'failed', reason: messageOf(error), summary: null, report: null };
    }
    await runner.gone();
    try {
      // `as`: summaries are plain JSON, which their type can't say.
      const summary = end.summary as unknown as JsonValue;
      // `as`: likewise reports.
      const plain = { ...end, summary, report: end.report as unknown as JsonValue };
      await this.#options.store.end(test.id, plain);
    } catch (error) {
      this.#options.onTrouble(`What came of the load test ${test.id} could not be kept: ${messageOf(error)}`);
    }
    clearInterval(this.#running.get(test.id)?.timer);
    this.#running.delete(test.id);
  }

  async #existing(id: string): Promise<{ readonly test: KeptLoadTest; readonly report: LoadReport | null }> {
    const found = await this.#kept(() => this.#options.store.read(id));
    if (found === null) {
      throw new AutopilotError('AP_LOAD_TEST_UNKNOWN', `There is no load test ${JSON.stringify(id)}.`, {
        remedy: 'GET /api/v1/optimization/load-test lists them.',
      });
    }
    // What end() has kept.
    return { test: found.test, report: found.report as unknown as LoadReport | null };
  }

  async #kept<Result>(ask: () => Promise<Result>): Promise<Result> {
    try {
      return await ask();
    } catch (cause) {
      throw new AutopilotError(
        'AP_LOAD_STORE_UNAVAILABLE',
        `Load tests can't be looked up or kept now: ${messageOf(cause)}`,
        {
          remedy: 'Try again when the database of the autopilot answers.',
          cause,
        },
      );
    }
  }
}

/** A kept test as the API gives it. */
export function headOf(test: KeptLoadTest): LoadTestHead {
  const { number: _, kind, state, summary, ...rest } = test;
  return {
    ...rest,
    // `as`: what the desk has entered itself.
    kind: kind as LoadTestKind,
    // `as`: likewise.
    state: state as LoadTestState,
    // `as`: likewise.
    summary: summary as unknown as LoadTestSummary | null,
  };
}
