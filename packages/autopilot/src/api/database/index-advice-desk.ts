import { randomUUID } from 'node:crypto';
import type { ObservedWorkload } from '../../advise/observed-workload.ts';
import type { IndexAdvice, IndexAdviceAnswer, IndexAdviceRun } from '../../contract/index-advice.ts';
import type { StartIndexAdviceQuery } from '../../contract/index-advice-operations.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import type { DatabaseHistory } from '../../storage/database-history.ts';
import type { DatabaseWatch } from './database-watch.ts';
import { indexCatalog } from './index-catalog.ts';

interface Entry {
  run: IndexAdviceRun;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** Why it failed. */
  failure: Error | null;
}

/** What is known of one database. */
interface Known {
  running: Entry | null;
  latest: IndexAdviceRun | null;
  /** What was kept before this process began has been asked for. */
  isRead: boolean;
}

/** Works out index advice for watched databases, one at a time for each, and keeps the latest of each. */
export class IndexAdviceDesk {
  readonly #clock: Clock;
  readonly #history: Pick<DatabaseHistory, 'indexAdvice' | 'keepIndexAdvice'>;
  readonly #onTrouble: (message: string) => void;
  readonly #entries = new Map<string, Known>();

  constructor(
    clock: Clock,
    history: Pick<DatabaseHistory, 'indexAdvice' | 'keepIndexAdvice'>,
    onTrouble: (message: string) => void,
  ) {
    this.#clock = clock;
    this.#history = history;
    this.#onTrouble = onTrouble;
  }

  /** Starts one. @throws AutopilotError AP_ADVICE_RUNNING */
  start(
    watch: DatabaseWatch,
    workload: () => Promise<ObservedWorkload>,
    limits: Pick<StartIndexAdviceQuery, 'budgetBytes' | 'mostPerTable' | 'seconds' | 'engine' | 'withoutSamples'>,
    by: string,
  ): IndexAdviceRun {
    const known = this.#of(watch.name);
    if (known.running !== null) {
      throw new AutopilotError(
        'AP_ADVICE_RUNNING',
        `Advice for ${watch.name} is being worked out since ${known.running.run.startedAt}.`,
        { remedy: `Wait for it, or cancel it: POST /api/v1/jobs/${known.running.run.id}/cancel.` },
      );
    }
    const stop = new AbortController();
    const run: IndexAdviceRun = {
      id: randomUUID(),
      database: watch.name,
      state: 'running',
      progress: 0,
      message: 'Reading what is asked of the database',
      startedAt: this.#now(),
      startedBy: by,
      endedAt: null,
      catalog: null,
      advice: null,
    };
    const work = async (): Promise<void> => {
      let ending: Partial<IndexAdviceRun>;
      try {
        const statements = await workload();
        // Read before it is worked out: what changes meanwhile makes it old.
        const catalog = indexCatalog((await watch.lookAgain()).indexes);
        entry.run = { ...entry.run, catalog };
        const advice = await watch.adviseIndexes({
          workload: statements,
          ...(limits.budgetBytes === undefined ? {} : { budgetBytes: limits.budgetBytes }),
          ...(limits.mostPerTable === undefined ? {} : { mostPerTable: limits.mostPerTable }),
          ...(limits.seconds === undefined ? {} : { searchMs: 1_000 * limits.seconds }),
          ...(limits.engine === undefined ? {} : { engine: limits.engine }),
          ...(limits.withoutSamples === undefined ? {} : { withoutSamples: limits.withoutSamples }),
          signal: stop.signal,
          onProgress: (progress, message) => {
            entry.run = { ...entry.run, progress, message };
          },
        });
        ending = stop.signal.aborted
          ? { state: 'cancelled', message: 'It was cancelled.' }
          : { state: 'done', message: advice.reason, advice };
      } catch (error) {
        entry.failure = error instanceof Error ? error : new Error(messageOf(error));
        ending = { state: 'failed', message: messageOf(error) };
      }
      const ended = { ...entry.run, ...ending, progress: 1, endedAt: this.#now() };
      known.latest = ended;
      known.running = null;
      if (ended.advice !== null) {
        // What can't be kept is still answered as long as this process lives.
        await this.#history.keepIndexAdvice(ended).catch((error: unknown) => {
          this.#onTrouble(`Index advice for ${watch.name} is not kept: ${messageOf(error)}`);
        });
      }
    };
    const entry: Entry = { run, stop, ended: Promise.resolve().then(work), failure: null };
    known.running = entry;
    return run;
  }

  /**
   * The advice itself: that which was worked out after `since` (ms since 1970) among the indexes that there are now, by this process or
   * one before it, or is being worked out; else a new one.
   * @throws AutopilotError AP_ADVICE_CANCELLED; what kept it from being worked out
   */
  async result(
    watch: DatabaseWatch,
    workload: () => Promise<ObservedWorkload>,
    limits: Pick<StartIndexAdviceQuery, 'seconds'>,
    since: number,
  ): Promise<IndexAdvice> {
    const known = await this.advised(watch);
    if (known !== null && Date.parse(known.at) > since) return known.advice;
    const running = this.#of(watch.name).running;
    if (running === null) this.start(watch, workload, limits, 'autopilot');
    const entry = running ?? this.#of(watch.name).running;
    await entry?.ended;
    const ended = this.#of(watch.name).latest;
    if (entry !== null && entry.failure !== null) throw entry.failure;
    if (ended?.advice != null) return ended.advice;
    throw new AutopilotError('AP_ADVICE_CANCELLED', `The advice for ${watch.name} was cancelled before it was whole.`, {
      remedy: 'Ask for it again: GET /api/v1/optimization/recommendations?fresh=true.',
    });
  }

  /** Of a database; what was kept before this process began is part of it. */
  async read(watch: DatabaseWatch): Promise<IndexAdviceAnswer> {
    const { name } = watch;
    const known = this.#of(name);
    if (!known.isRead && known.latest === null) {
      try {
        const kept = await this.#history.indexAdvice(name);
        known.latest ??= kept;
        known.isRead = true;
      } catch (error) {
        // Asked again the next time.
        this.#onTrouble(`Index advice for ${name} that was kept can't be read: ${messageOf(error)}`);
      }
    }
    const { latest } = known;
    const outdated = latest?.advice != null && (await isOutdated(latest, watch));
    return { name, running: known.running?.run ?? null, latest, outdated };
  }

  /** The latest advice of a database that was worked out whole, and when; null: there is none, or its indexes have changed since. */
  async advised(watch: DatabaseWatch): Promise<{ readonly at: string; readonly advice: IndexAdvice } | null> {
    const { latest, outdated } = await this.read(watch);
    if (latest?.advice == null || outdated) return null;
    return { at: latest.endedAt ?? latest.startedAt, advice: latest.advice };
  }

  /** Running or the latest of its database; null: it is no id of an advice that is kept. */
  find(id: string): IndexAdviceRun | null {
    for (const { running, latest } of this.#entries.values()) {
      if (running?.run.id === id) return running.run;
      if (latest?.id === id) return latest;
    }
    return null;
  }

  /** Ends one before its time. */
  cancel(id: string): void {
    for (const { running } of this.#entries.values()) if (running?.run.id === id) running.stop.abort();
  }

  /** Ends all that run; resolves when their shadows are gone. */
  async close(): Promise<void> {
    const running = [...this.#entries.values()].flatMap((one) => one.running ?? []);
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  #of(name: string): Known {
    const known = this.#entries.get(name) ?? { running: null, latest: null, isRead: false };
    this.#entries.set(name, known);
    return known;
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}

/** Of a database that does not answer nothing is known to have changed. */
async function isOutdated({ catalog }: IndexAdviceRun, watch: DatabaseWatch): Promise<boolean> {
  try {
    return catalog !== indexCatalog((await watch.look()).indexes);
  } catch {
    return false;
  }
}
