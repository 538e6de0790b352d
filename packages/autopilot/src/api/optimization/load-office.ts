import type { SettingsView } from '../../config/live-settings.ts';
import type { InstanceStatus } from '../../contract/performance.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { LoadTestStore } from '../../storage/ports.ts';
import { BenchmarkDesk } from './benchmark-desk.ts';
import { KeptRuns } from './kept-runs.ts';
import { LoadDesk } from './load-desk.ts';
import { recentRequestRate, targetVitals } from './target-vitals.ts';
import { LiveMarks } from './test-marks.ts';
import { WatchedVitals } from './watched-vitals.ts';

/** What a {@link LoadOffice} is made with. */
export interface LoadOfficeOptions {
  readonly store: LoadTestStore;
  /** load.* and benchmark.* */
  readonly settings: SettingsView;
  readonly clock: Clock;
  /** Answers about the live hour. */
  readonly live: QueryEngine;
  /** The instances of a service that are linked. */
  readonly instances: (service: string) => readonly InstanceStatus[];
  /** How an application calls one of its users; null: none has said. */
  readonly userName: (id: string) => string | null;
  /** The origin of the application that this control plane belongs to; null: it belongs to none. */
  readonly ownTarget: string | null;
  /** The database that benchmarks measure, only read; null: none. */
  readonly watchedUrl: string | null;
  /** The autopilot's own; null: it has none. */
  readonly storeUrl: string | null;
  readonly benchmarkRoundMs: number | undefined;
  /** Called when other marks are good. */
  readonly onMarks: () => void;
  /** Called when the processes of a service are watched from now on, or no more. */
  readonly onWatched: (service: string) => void;
  readonly onTrouble: (message: string, cause?: unknown) => void;
}

/** Load tests and benchmarks of a control plane. */
export class LoadOffice {
  readonly desk: LoadDesk;
  readonly benchmarks: BenchmarkDesk;
  /** How processes under a test are just now. */
  readonly watched: WatchedVitals;
  readonly #runs: KeptRuns;
  readonly #marks: LiveMarks;

  constructor(options: LoadOfficeOptions) {
    const { store, settings, clock, live, instances, ownTarget, watchedUrl, storeUrl, onTrouble } = options;
    const { benchmarkRoundMs, userName } = options;
    this.#runs = new KeptRuns(store, onTrouble);
    this.#marks = new LiveMarks(options.onMarks);
    this.watched = new WatchedVitals(clock, options.onWatched);
    this.desk = new LoadDesk({
      runs: this.#runs,
      marks: this.#marks,
      settings,
      ownTarget,
      userName,
      watched: this.watched,
      linked: (service) => instances(service).flatMap(({ instance, state }) => (state === 'gone' ? [] : [instance])),
      vitals: (service) => targetVitals(live, service, clock.now(), instances(service)),
    });
    this.benchmarks = new BenchmarkDesk({
      runs: this.#runs,
      marks: this.#marks,
      settings,
      userName,
      rules: () => this.desk.rules(),
      databaseUrl: watchedUrl,
      storeUrl,
      requestRate: (service) => recentRequestRate(live, service, clock.now()),
      releases: (service) => [...new Set(instances(service).map(({ release }) => release))],
      ...(benchmarkRoundMs === undefined ? {} : { roundMs: benchmarkRoundMs }),
    });
  }

  /** Marks of tests that are kept apart, as digests. */
  get marks(): readonly string[] {
    return this.#marks.digests;
  }

  /** Ends all that runs; resolves when what was measured is kept. */
  close(): Promise<void> {
    return this.#runs.close();
  }
}
