import type { Clock } from '../../kernel/clock.ts';
import {
  BENCHMARK_KIND,
  type JsonValue,
  type KeptLoadTest,
  type ListPart,
  LOAD_TEST_ORPHANED,
  type LoadTestDraft,
  type LoadTestEnd,
  type LoadTestGroup,
  type LoadTestStore,
} from '../ports.ts';
import { partOf } from './list-part.ts';

interface Entry {
  test: KeptLoadTest;
  report: JsonValue;
  aliveUntilMs: number;
  stopping: boolean;
}

/** Load tests that are kept as long as this process lives. */
export class MemoryLoadTestStore implements LoadTestStore {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #number = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(draft: LoadTestDraft, aliveMs: number): Promise<{ begun: boolean; test: KeptLoadTest }> {
    this.#endOrphans();
    const other = this.#live().find(({ test }) => test.target === draft.target);
    if (other !== undefined) return Promise.resolve({ begun: false, test: other.test });
    const test: KeptLoadTest = {
      ...draft,
      number: ++this.#number,
      state: 'running',
      reason: null,
      startedAt: new Date(this.#clock.now()).toISOString(),
      endedAt: null,
      summary: null,
    };
    const aliveUntilMs = this.#clock.monotonicMs() + aliveMs;
    this.#entries.set(test.id, { test, report: null, aliveUntilMs, stopping: false });
    return Promise.resolve({ begun: true, test });
  }

  renew(id: string, aliveMs: number): Promise<'go-on' | 'stop' | 'gone'> {
    const entry = this.#entries.get(id);
    if (entry?.test.state !== 'running') return Promise.resolve('gone');
    entry.aliveUntilMs = this.#clock.monotonicMs() + aliveMs;
    return Promise.resolve(entry.stopping ? 'stop' : 'go-on');
  }

  stop(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.stopping = true;
    return Promise.resolve();
  }

  end(id: string, { report, ...end }: LoadTestEnd): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (entry?.test.state !== 'running') return Promise.resolve(false);
    entry.test = { ...entry.test, ...end, endedAt: new Date(this.#clock.now()).toISOString() };
    entry.report = report;
    return Promise.resolve(true);
  }

  list(of: LoadTestGroup, part: ListPart): Promise<readonly KeptLoadTest[]> {
    this.#endOrphans();
    return Promise.resolve(partOf(this.#of(of), part));
  }

  running(): Promise<readonly KeptLoadTest[]> {
    this.#endOrphans();
    return Promise.resolve(this.#live().map(({ test }) => test));
  }

  read(id: string): Promise<{ test: KeptLoadTest; report: JsonValue } | null> {
    this.#endOrphans();
    const entry = this.#entries.get(id);
    return Promise.resolve(entry === undefined ? null : { test: entry.test, report: entry.report });
  }

  tidy(of: LoadTestGroup, kept: number): Promise<void> {
    this.#endOrphans();
    const old = this.#of(of).filter(({ state }) => state !== 'running');
    for (const { id } of old.slice(kept)) this.#entries.delete(id);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Newest first. */
  #of({ service, isBenchmark }: LoadTestGroup): KeptLoadTest[] {
    return [...this.#entries.values()]
      .map(({ test }) => test)
      .filter((test) => test.service === service && (test.kind === BENCHMARK_KIND) === isBenchmark)
      .sort((a, b) => b.number - a.number);
  }

  #live(): Entry[] {
    return [...this.#entries.values()].filter(({ test }) => test.state === 'running');
  }

  #endOrphans(): void {
    for (const entry of this.#live()) {
      if (entry.aliveUntilMs > this.#clock.monotonicMs()) continue;
      const endedAt = new Date(this.#clock.now()).toISOString();
      entry.test = { ...entry.test, state: 'failed', reason: LOAD_TEST_ORPHANED, endedAt };
    }
  }
}
