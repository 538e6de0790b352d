import type { Settings } from '../../config/registry.ts';
import type { Health } from '../../contract/performance.ts';
import { judgeHealth } from '../../health/health.ts';
import { HEALTH_STEP_MS, HealthHistory, noTrend } from '../../health/health-history.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { Scope } from '../../query/summaries.ts';
import { repeat } from '../regular-work.ts';

/** What a {@link HealthWatch} is made with. */
export interface HealthWatchOptions {
  readonly engine: QueryEngine;
  readonly clock: Clock;
  readonly services: () => readonly string[];
  /** Instances of a service that are live. */
  readonly linked: (service: string) => Parameters<typeof judgeHealth>[2];
  readonly settingsFor: (service: string) => Settings;
  readonly onTrouble: (message: string, cause?: unknown) => void;
}

/** Twice in each step of the history, so that timers that drift leave none out. */
const JUDGE_EVERY_MS = HEALTH_STEP_MS / 2;

/** Judges the health of services, for whoever asks and now and then, so that there is a trend. */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #history = new HealthHistory();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  /** Of a service or a part of it; only whole services have a trend. */
  async of(scope: Scope): Promise<Health> {
    const isWhole = [scope.instance, scope.release, scope.database].every((part) => part === undefined);
    const trend = isWhole ? this.#history.trend(scope.service, this.#options.clock.now()) : noTrend;
    return { ...(await this.#judge(scope)), trend };
  }

  start(): void {
    const { services, clock, onTrouble } = this.#options;
    this.#timer = repeat(JUDGE_EVERY_MS, onTrouble, async () => {
      const live = services();
      this.#history.keepOnly(live);
      for (const service of live) {
        const { score } = await this.#judge({ service });
        this.#history.record(service, clock.now(), score);
      }
    });
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #judge(scope: Scope): Promise<Omit<Health, 'trend'>> {
    const { engine, linked, clock, settingsFor } = this.#options;
    return judgeHealth(engine, scope, linked(scope.service), clock.now(), settingsFor(scope.service).health);
  }
}
