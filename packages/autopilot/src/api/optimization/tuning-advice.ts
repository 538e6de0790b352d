import { droppableIndexes, recommendedDrops } from '../../advise/recommended-drops.ts';
import { recommendedIndexes } from '../../advise/recommended-indexes.ts';
import { questionOf, recommendedSettings, type SettingPlace } from '../../advise/recommended-settings.ts';
import { recommendedTableOptions } from '../../advise/recommended-table-options.ts';
import type { WhatIfQuestion } from '../../advise/what-if.ts';
import { leave, type StatementsSeen, WHAT_IF, type WorkedOut } from '../../advise/worked-out.ts';
import type { Settings } from '../../config/registry.ts';
import type { SettingAdvice } from '../../contract/database.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { readSettingPlaces } from '../../postgres/read-setting-places.ts';
import type { DatabaseWatch, WatchedDatabases } from '../database/database-watch.ts';
import type { IndexAdviceDesk } from '../database/index-advice-desk.ts';
import type { ApplyingDatabases } from './applying-databases.ts';

/** What {@link TuningAdvice} is put together from. */
export interface TuningAdviceOptions {
  readonly watched: WatchedDatabases;
  /** Where indexes are advised on, for whoever asks. */
  readonly indexes: IndexAdviceDesk;
  /** What could be changed of a service's configuration. */
  readonly application: (service: string) => Promise<readonly WorkedOut[]>;
  /** As whoever may change them: where it may keep settings. */
  readonly applying: ApplyingDatabases;
  readonly settingsFor: (service: string) => Settings;
  readonly clock: Clock;
  readonly onTrouble: (message: string) => void;
}

/** Everything that was worked out for a database. */
interface Advice {
  readonly computedAt: number;
  readonly worked: readonly WorkedOut[];
  readonly notes: readonly string[];
  /** It could not be worked out, and is tried again soon. */
  readonly failed: boolean;
}

/** The search for indexes, after the copy of the statistics is made. */
const SEARCH_S = 15;
const DAY_MS = 86_400_000;
const FAILED_MS = 60_000;
const APPLICATION_MS = 60_000;

/** Works out what could be changed in each watched database, and keeps it. */
export class TuningAdvice {
  readonly #options: TuningAdviceOptions;
  readonly #advice = new Map<string, Advice>();
  /** By service. */
  readonly #application = new Map<string, { readonly atMs: number; readonly worked: readonly WorkedOut[] }>();
  readonly #computing = new Map<string, Promise<void>>();
  /** Nothing older says anything of a database any more. */
  readonly #since = new Map<string, number>();

  constructor(options: TuningAdviceOptions) {
    this.#options = options;
  }

  /** What is known. `fresh` works it out first; else what is old or missing is worked out in the background. */
  async of(
    service: string,
    { fresh, database }: { readonly fresh: boolean; readonly database?: string | undefined },
  ): Promise<{
    readonly computedAt: number | null;
    readonly computing: boolean;
    readonly worked: readonly WorkedOut[];
    readonly notes: readonly string[];
  }> {
    const { watched, settingsFor, clock } = this.#options;
    const { adviseMs } = settingsFor(service).optimization;
    const asked = database === undefined ? watched.all : [watched.find(database)];
    const application = (await this.#ofApplication(service, fresh)).filter(
      ({ recommendation }) => database === undefined || recommendation.database === database,
    );
    for (const watch of asked) {
      const known = this.#advice.get(watch.name);
      if (fresh) await this.#compute(watch, service, clock.now());
      else if (known === undefined || clock.now() - known.computedAt > (known.failed ? FAILED_MS : adviseMs))
        void this.#compute(watch, service, Math.max(this.#since.get(watch.name) ?? 0, clock.now() - adviseMs));
    }
    const all = asked.flatMap(({ name }) => this.#advice.get(name) ?? []);
    return {
      computedAt: all.length === 0 ? null : Math.min(...all.map(({ computedAt }) => computedAt)),
      computing: asked.some(({ name }) => this.#computing.has(name)),
      worked: [...all.flatMap((one) => one.worked), ...application],
      notes: watched.all.length === 0 ? ['No database is watched.'] : all.flatMap(({ notes }) => notes),
    };
  }

  /** Whether nothing was worked out yet. */
  get isEmpty(): boolean {
    return this.#advice.size === 0;
  }

  /** @throws AutopilotError AP_RECOMMENDATION_UNKNOWN */
  find(id: string): WorkedOut {
    for (const { worked } of [...this.#advice.values(), ...this.#application.values()]) {
      const found = worked.find(({ recommendation }) => recommendation.id === id);
      if (found !== undefined) return found;
    }
    throw new AutopilotError('AP_RECOMMENDATION_UNKNOWN', `There is no recommendation ${JSON.stringify(id)}.`, {
      remedy: 'They are worked out again now and then: ask GET /api/v1/optimization/recommendations.',
    });
  }

  /** What was tried changes what is advised next: it is worked out again at the next look. */
  forget(database: string): void {
    this.#advice.delete(database);
    this.#application.clear();
    this.#since.set(database, this.#options.clock.now());
  }

  /** It takes a few questions to what is measured, and is kept for a while. */
  async #ofApplication(service: string, fresh: boolean): Promise<readonly WorkedOut[]> {
    const { application, clock, onTrouble } = this.#options;
    const known = this.#application.get(service);
    const atMs = clock.monotonicMs();
    if (!fresh && known !== undefined && atMs - known.atMs < APPLICATION_MS) return known.worked;
    const worked = await application(service).catch((error: unknown) => {
      onTrouble(`The settings of ${service} can't be advised on now: ${messageOf(error)}`);
      return [];
    });
    this.#application.set(service, { atMs, worked });
    return worked;
  }

  #compute(watch: DatabaseWatch, service: string, since: number): Promise<void> {
    const under = this.#computing.get(watch.name);
    if (under !== undefined) return under;
    const computing = this.#worked(watch, service, since)
      .then((advice) => {
        this.#advice.set(watch.name, advice);
      })
      .catch((error: unknown) => {
        const note = `${watch.name} can't be advised on now: ${messageOf(error)}`;
        this.#advice.set(watch.name, {
          computedAt: this.#options.clock.now(),
          worked: [],
          notes: [note],
          failed: true,
        });
        this.#options.onTrouble(note);
      })
      .finally(() => this.#computing.delete(watch.name));
    this.#computing.set(watch.name, computing);
    return computing;
  }

  async #worked(watch: DatabaseWatch, service: string, since: number): Promise<Advice> {
    const { clock, indexes, settingsFor } = this.#options;
    const { value, gaps } = await watch.statements();
    const notes = gaps.map(({ reason, remedy }) => `${reason} ${remedy}`);
    if (value.statements.length === 0) {
      const reason = 'No statements are counted, so there is nothing to advise for.';
      const left = leave(watch.name, { category: 'indexes', subject: 'Indexes', reason, means: WHAT_IF });
      return { computedAt: clock.now(), worked: [left], notes, failed: false };
    }
    const countedSince = value.room.resetAt === null ? Number.NaN : Date.parse(value.room.resetAt);
    const countedMs = Number.isFinite(countedSince) ? clock.now() - countedSince : DAY_MS;
    const seen: StatementsSeen = { statements: value.statements, countedMs };
    const workload = value.statements.map(({ text, calls, totalMs, rows }) => ({ sql: text, calls, totalMs, rows }));
    const advice = await indexes.result(watch, () => Promise.resolve(workload), { seconds: SEARCH_S }, since);
    const look = await watch.look();
    const { droppable, declined } = droppableIndexes(look.indexes, settingsFor(service).optimization.unusedMs);
    const questions: WhatIfQuestion[] = droppable.map(({ index }) => ({
      kind: 'without index',
      schema: index.schema,
      index: index.index,
    }));
    const settings = look.settingsAdvice;
    const asked = settings.flatMap((one) => {
      const question = questionOf(one);
      return question === null ? [] : [{ setting: one.setting, question }];
    });
    const answers = await watch.whatIf(workload, [...questions, ...asked.map(({ question }) => question)]);
    const ofSettings = new Map(
      asked.flatMap(({ setting }, at) => {
        const answer = answers[questions.length + at];
        return answer === undefined ? [] : [[setting, answer] as const];
      }),
    );
    const trends = await watch.collector.tableTrends().catch(() => null);
    const worked = [
      ...recommendedIndexes(watch.name, advice, seen),
      ...recommendedDrops(watch.name, droppable, answers, declined, seen),
      ...recommendedSettings(watch.name, settings, ofSettings, await this.#placesOf(watch.name, settings), seen),
      ...recommendedTableOptions(
        watch.name,
        look.tables,
        ({ schema, table }) => trends?.get(`${schema}.${table}`) ?? null,
        seen,
      ),
    ];
    return { computedAt: clock.now(), worked, notes: [...notes, ...advice.notes], failed: false };
  }

  async #placesOf(database: string, advice: readonly SettingAdvice[]): Promise<ReadonlyMap<string, SettingPlace>> {
    if (advice.length === 0) return new Map();
    const names = advice.map(({ setting }) => setting);
    try {
      return await readSettingPlaces(this.#options.applying.of(database), names);
    } catch (error) {
      // Advice is worth having where nothing can be changed.
      this.#options.onTrouble(`Where settings of ${database} may be kept is not known now: ${messageOf(error)}`);
      return new Map();
    }
  }
}
