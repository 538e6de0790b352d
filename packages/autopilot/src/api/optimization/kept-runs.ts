import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import type { KeptLoadTest, LoadTestDraft, LoadTestEnd, LoadTestStore } from '../../storage/ports.ts';

/** Work that is under way. */
export interface KeptWork {
  /** What came of it; never rejects. */
  readonly end: Promise<LoadTestEnd>;
  /** Called when that is kept, or can't be. */
  readonly kept: () => void;
  /** Asked about twice a second, while it runs. */
  readonly tick: () => Promise<void>;
  /** Asks it to end soon. */
  readonly stop: () => void;
}

interface Running {
  readonly test: KeptLoadTest;
  readonly work: KeptWork;
  readonly timer: NodeJS.Timeout;
  /** Until when it may go on without the store. */
  aliveUntilMs: number;
  isBusy: boolean;
  /** Resolves when it has ended and was kept. */
  readonly over: Promise<void>;
}

const TICK_MS = 500;
const ALIVE_MS = 15_000;

/** Load tests and benchmarks that run here: entered in the store, kept alive in it, stopped, and kept when they have ended. */
export class KeptRuns {
  readonly #store: LoadTestStore;
  readonly #onTrouble: (message: string) => void;
  readonly #running = new Map<string, Running>();
  /** Being entered: they count as running. */
  #starting = 0;
  #closed = false;

  constructor(store: LoadTestStore, onTrouble: (message: string) => void) {
    this.#store = store;
    this.#onTrouble = onTrouble;
  }

  /** Those that run here, or are about to. */
  get size(): number {
    return this.#running.size + this.#starting;
  }

  /**
   * Enters a test, and keeps what its work comes to.
   * @throws AutopilotError AP_LOAD_TEST_RUNNING, AP_LOAD_STORE_UNAVAILABLE, AP_CONTROL_PLANE_CLOSING; what `begin` throws
   */
  async start(draft: LoadTestDraft, begin: (test: KeptLoadTest) => Promise<KeptWork>): Promise<KeptLoadTest> {
    if (this.#closed) throw new AutopilotError('AP_CONTROL_PLANE_CLOSING', 'The control plane is closing.');
    this.#starting++;
    try {
      const { begun, test } = await this.ask((store) => store.begin(draft, ALIVE_MS));
      if (!begun) {
        throw new AutopilotError(
          'AP_LOAD_TEST_RUNNING',
          `${test.target} is being tested already, by ${test.author} since ${test.startedAt}.`,
          {
            remedy: `Wait for it to end, or stop ${test.kind === 'benchmark' ? 'the benchmark' : 'the test'} ${test.id}.`,
          },
        );
      }
      let work: KeptWork;
      try {
        work = await begin(test);
      } catch (error) {
        await this.ask((store) =>
          store.end(test.id, { state: 'failed', reason: messageOf(error), summary: null, report: null }),
        );
        throw error;
      }
      this.#follow(test, work);
      // It was closed in between.
      if (this.#closed) work.stop();
      return test;
    } finally {
      this.#starting--;
    }
  }

  /** Ends a test; it has ended when this resolves, if it runs here. @throws AutopilotError AP_LOAD_STORE_UNAVAILABLE */
  async stop(id: string): Promise<void> {
    const running = this.#running.get(id);
    if (running === undefined) {
      await this.ask((store) => store.stop(id));
      return;
    }
    running.work.stop();
    await running.over;
  }

  /** Asks the store. @throws AutopilotError AP_LOAD_STORE_UNAVAILABLE */
  async ask<Result>(question: (store: LoadTestStore) => Promise<Result>): Promise<Result> {
    try {
      return await question(this.#store);
    } catch (cause) {
      throw new AutopilotError(
        'AP_LOAD_STORE_UNAVAILABLE',
        `Load tests can't be looked up or kept now: ${messageOf(cause)}`,
        { remedy: 'Try again when the database of the autopilot answers.', cause },
      );
    }
  }

  /** Drops all of a service's but the newest; trouble is told, and keeps nobody. */
  async tidy(service: string, isBenchmark: boolean, kept: number): Promise<void> {
    await this.#store.tidy({ service, isBenchmark }, kept).catch((error: unknown) => {
      this.#onTrouble(`Old load tests can't be dropped: ${messageOf(error)}`);
    });
  }

  /** Ends all that runs; resolves when what was measured is kept. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#running.values()];
    for (const { work } of running) work.stop();
    await Promise.all(running.map(({ over }) => over));
    await this.#store.close();
  }

  #follow(test: KeptLoadTest, work: KeptWork): void {
    const running: Running = {
      test,
      work,
      timer: setInterval(() => void this.#tick(running), TICK_MS),
      aliveUntilMs: performance.now() + ALIVE_MS,
      isBusy: false,
      over: this.#finish(test, work),
    };
    this.#running.set(test.id, running);
  }

  async #tick(running: Running): Promise<void> {
    if (running.isBusy) return;
    running.isBusy = true;
    const { test, work } = running;
    try {
      await work.tick();
    } catch (error) {
      this.#onTrouble(`The target's own figures can't be read: ${messageOf(error)}`);
    }
    try {
      const word = await this.#store.renew(test.id, ALIVE_MS);
      if (word === 'go-on') running.aliveUntilMs = performance.now() + ALIVE_MS;
      else work.stop();
    } catch {
      // Another one may begin as soon as this one counts as dead.
      if (performance.now() > running.aliveUntilMs - 2 * TICK_MS) work.stop();
    }
    running.isBusy = false;
  }

  async #finish(test: KeptLoadTest, work: KeptWork): Promise<void> {
    const end = await work.end;
    try {
      await this.#store.end(test.id, end);
    } catch (error) {
      this.#onTrouble(`What came of the load test ${test.id} could not be kept: ${messageOf(error)}`);
    }
    clearInterval(this.#running.get(test.id)?.timer);
    this.#running.delete(test.id);
    work.kept();
  }
}
