import type { RecommendedChange, WorkedOut } from '../../advise/worked-out.ts';
import { layerOf, withLayer } from '../../config/content.ts';
import type { Settings } from '../../config/registry.ts';
import type { ConfigContent } from '../../contract/configuration.ts';
import {
  type AutoTuneAnswer,
  type AutoTuneOrder,
  type AutoTuneStep,
  type Calibrated,
  type Recommendation,
  type TuningCalibration,
  tuningCategories,
} from '../../contract/tuning.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import { type ChangeRisks, readChangeRisks } from '../../postgres/read-change-risks.ts';
import type { Journal, Trial } from '../../storage/ports.ts';
import { hasEnded } from '../../storage/trial-refusals.ts';
import { type Calibration, calibrate, calibrateEach, type PredictedMeasured } from '../../tune/calibration.ts';
import type { Change } from '../../tune/orders.ts';
import { outOfBounds, settingsOutOfBounds } from '../../tune/setting-bounds.ts';
import { aboutOf } from '../../tune/trial-about.ts';
import { refusalsOf, type TrialFacts } from '../../tune/trial-guards.ts';
import type { TrialRunner } from '../../tune/trial-runner.ts';
import type { ApplyingDatabases } from './applying-databases.ts';
import type { ConfigurationTrials } from './configuration-trials.ts';
import { completed, pastOf } from './recommendation-record.ts';
import type { ServiceStanding } from './service-standing.ts';
import type { TuningAdvice } from './tuning-advice.ts';

/** What a {@link TuningDesk} is put together from. */
export interface TuningDeskOptions {
  readonly journal: Journal;
  readonly runner: TrialRunner;
  readonly advice: TuningAdvice;
  readonly applying: ApplyingDatabases;
  /** Where settings of an application are tried. */
  readonly settings: ConfigurationTrials;
  readonly settingsFor: (service: string) => Settings;
  readonly clock: Clock;
  /** Why the autopilot changes nothing by itself; null: it may. */
  readonly stopped: () => string | null;
  readonly standing: (service: string) => Promise<ServiceStanding>;
  readonly onTrouble: (message: string) => void;
}

const HISTORY = 500;
const DAY_MS = 86_400_000;
const AGAIN_MS = 10 * 60_000;

/** Where recommendations are worked out, ranked, applied and declined. */
export class TuningDesk {
  readonly #options: TuningDeskOptions;
  /** The guards that last said no to what nobody asked for, by recommendation. */
  readonly #refused = new Map<string, { readonly guards: string; readonly at: number }>();
  #closed = false;

  constructor(options: TuningDeskOptions) {
    this.#options = options;
  }

  /** What is recommended now. `fresh` works it out first; else what is old or missing is worked out in the background. */
  async list(
    service: string,
    fresh: boolean,
    database?: string,
  ): Promise<{
    readonly computedAt: number | null;
    readonly computing: boolean;
    readonly recommendations: readonly Recommendation[];
    readonly notes: readonly string[];
  }> {
    const { worked, ...rest } = await this.#options.advice.of(service, { fresh, database });
    return { ...rest, recommendations: await this.#ranked(service, worked) };
  }

  /** Begins a trial. @throws AutopilotError AP_RECOMMENDATION_UNKNOWN, AP_RECOMMENDATION_FIXED, AP_ORDER_REFUSED, AP_TRIAL_SCOPE_TAKEN */
  async apply(service: string, id: string, author: string, origin: 'person' | 'autopilot'): Promise<Trial> {
    const worked = this.#options.advice.find(id);
    const recommendation = await this.#one(service, worked);
    if (!recommendation.automatic) {
      throw new AutopilotError(
        'AP_RECOMMENDATION_FIXED',
        `"${recommendation.subject}" can't be applied: ${recommendation.obstacle ?? ''}`,
        { remedy: 'Do by hand what its field `change` says, where you agree.' },
      );
    }
    const refusals = await this.#refusals(service, worked, origin);
    if (refusals.length > 0) {
      await this.#journalRefusal(service, worked, author, origin, refusals);
      throw new AutopilotError(
        'AP_ORDER_REFUSED',
        `The change of ${recommendation.subject} is not allowed. ${refusals.join(' ')}`,
        { remedy: 'Each guard is named with its figures; settings under optimization move some of them.' },
      );
    }
    const predicted = {
      ...(recommendation.predicted ?? { effect: 1, low: 0, high: 1, savedMsPerHour: 0, learntFrom: 0 }),
      modelled: worked.effect,
    };
    const { category, database, subject } = recommendation;
    const { change, aim } = worked;
    if (change?.kind === 'application-settings') {
      const revise = (content: ConfigContent): ConfigContent =>
        withLayer(content, null, { ...layerOf(content, null), ...change.settings });
      const proposal = { service, ifVersion: null, author, note: `Tries ${subject}`, cause: 'trial', revise } as const;
      const advised = { recommendation: id, database, predicted, subject, origin, aim };
      return await this.#options.settings.begin(proposal, null, advised);
    }
    return await this.#options.runner.propose({
      change: changeOf(service, worked, author, origin),
      scope: `database ${database}`,
      about: {
        category,
        recommendation: id,
        database,
        question: { affected: Object.keys(worked.affected), controls: worked.controls, aim },
        texts: worked.affected,
        predicted,
      },
    });
  }

  /** How much of the time that a trial may take has passed since its change was made, 0 to 1. */
  progressOf(trial: Trial): number {
    if (hasEnded(trial.state)) return 1;
    const since = aboutOf(trial)?.appliedAt ?? null;
    if (since === null) return 0;
    const { settingsFor, clock } = this.#options;
    return Math.min(1, (clock.now() - Date.parse(since)) / settingsFor(trial.service).optimization.trialMaxMs);
  }

  /** Declines a recommendation. @throws AutopilotError AP_RECOMMENDATION_UNKNOWN */
  async dismiss(service: string, id: string, author: string, reason: string): Promise<Recommendation> {
    const worked = this.#options.advice.find(id);
    const { predicted } = await this.#one(service, worked);
    const promised = predicted?.savedMsPerHour ?? 0;
    await this.#options.journal.dismiss(service, { recommendation: id, parts: worked.parts, promised, author, reason });
    return await this.#one(service, worked);
  }

  /** What would be changed now, and with mode `apply` the trials of it. Plan mode writes nothing anywhere. */
  async autoTune(
    service: string,
    { mode = 'plan', maxChanges = 1, categories }: AutoTuneOrder,
    author: string,
    origin: 'person' | 'autopilot',
    database?: string,
  ): Promise<AutoTuneAnswer> {
    const { recommendations, notes } = await this.list(service, this.#options.advice.isEmpty, database);
    const steps: AutoTuneStep[] = [];
    let begun = 0;
    for (const one of recommendations) {
      if (one.verdict !== 'change' || one.state !== 'open') continue;
      if (categories !== undefined && !categories.includes(one.category)) continue;
      const refusals = one.automatic
        ? [
            ...(await this.#refusals(
              service,
              this.#options.advice.find(one.id),
              origin === 'person' ? 'auto-tune' : origin,
            )),
          ]
        : [`no way: ${one.obstacle ?? ''}`];
      if (mode === 'apply' && origin === 'autopilot' && one.automatic && refusals.length > 0) {
        await this.#noteRefusal(service, this.#options.advice.find(one.id), author, refusals);
      }
      if (refusals.length === 0 && begun >= maxChanges) refusals.push(`most changes: ${maxChanges} at a time.`);
      let trial: string | null = null;
      if (mode === 'apply' && refusals.length === 0) {
        try {
          trial = (await this.apply(service, one.id, author, origin)).id;
        } catch (error) {
          refusals.push(messageOf(error));
        }
      }
      const allowed = refusals.length === 0;
      if (allowed) begun++;
      const { id, subject, category, change, predicted } = one;
      steps.push({ recommendation: id, subject, category, change, predicted, allowed, refusals, trial });
    }
    return { service, mode, steps, notes };
  }

  /** How predictions of a service have held. */
  async calibration(service: string): Promise<TuningCalibration> {
    const past = await this.#past(service);
    const told = ({ trials, within, bias, factor }: Calibration): Calibrated => ({
      trials,
      within,
      nextBias: bias,
      nextFactor: factor,
    });
    const each = Array.from(calibrateEach(past), ([category, one]) => ({ category, ...told(one) }));
    return { ...told(calibrate(past)), categories: each };
  }

  /** What the autopilot does without being asked: for each service, whatever is automatic. Never rejects. */
  async goOn(service: string): Promise<void> {
    const { optimization } = this.#options.settingsFor(service);
    const categories = tuningCategories.filter((one) => optimization[one] === 'automatic');
    if (categories.length === 0 || this.#closed || this.#options.stopped() !== null) return;
    try {
      const open = await this.#options.journal.open(service);
      if (open.some(({ scope }) => scope !== null)) return;
      await this.autoTune(service, { mode: 'apply', categories }, 'autopilot', 'autopilot');
    } catch (error) {
      this.#options.onTrouble(`Tuning ${service} can't go on now: ${messageOf(error)}`);
    }
  }

  /** Begins nothing any more. */
  close(): void {
    this.#closed = true;
  }

  async #one(service: string, worked: WorkedOut): Promise<Recommendation> {
    const [recommendation] = await this.#ranked(service, [worked]);
    if (recommendation === undefined) throw new TypeError('What goes in comes out.');
    return recommendation;
  }

  /** Those that save most first; without figures, and "leave", last. */
  async #ranked(service: string, worked: readonly WorkedOut[]): Promise<readonly Recommendation[]> {
    const { journal } = this.#options;
    const [history, dismissals] = await Promise.all([
      journal.history(service, HISTORY, { tried: true }),
      journal.dismissals(service),
    ]);
    return worked
      .map((one) => completed(one, history, dismissals))
      .toSorted((a, b) => (b.predicted?.savedMsPerHour ?? -1) - (a.predicted?.savedMsPerHour ?? -1));
  }

  async #past(service: string): Promise<readonly PredictedMeasured[]> {
    return pastOf(await this.#options.journal.history(service, HISTORY, { tried: true }));
  }

  async #refusals(service: string, worked: WorkedOut, origin: TrialFacts['origin']): Promise<readonly string[]> {
    const { journal, applying, settingsFor, stopped, standing, clock } = this.#options;
    const { optimization } = settingsFor(service);
    const { recommendation, change } = worked;
    const [history, open] = await Promise.all([journal.history(service, HISTORY, { tried: true }), journal.open()]);
    const isApplication = change?.kind === 'application-settings';
    const risks = isApplication ? noRisks : await readChangeRisks(applying.of(recommendation.database), worked.tables);
    const { busyRatio, ioRatio, incident } = await standing(service);
    const now = clock.now();
    const same = history.filter((one) => aboutOf(one)?.recommendation === recommendation.id);
    const reverted = same.find(({ state }) => state === 'reverted');
    const facts: TrialFacts = {
      origin,
      mode: optimization[recommendation.category],
      stopped: stopped(),
      // What an application does to its database, and what that does to it, can't be told apart.
      openInScope:
        open.find(
          ({ scope, service: of }) =>
            scope !== null &&
            (scope === scopeOf(service, worked) ||
              (of === service && (isApplication || scope === applicationScope(service)))),
        )?.subject ?? null,
      sinceRevertMs: reverted === undefined ? null : now - Date.parse(reverted.updatedAt),
      changesToday: history.filter(
        (one) => one.scope !== null && one.origin === 'autopilot' && now - Date.parse(one.at) < DAY_MS,
      ).length,
      minuteOfDay: Math.floor((now % DAY_MS) / 60_000),
      busyRatio,
      // Where its directory can be looked at, the server is on this machine.
      ioRatio: risks.diskBytes === null ? null : ioRatio,
      incident,
      lacksRight:
        risks.notOwned.length === 0
          ? null
          : `the role may not change ${risks.notOwned.join(', ')}: it has to own them. AUTOPILOT_APPLY_DATABASE_URL names one that does.`,
      outOfBounds: change === null ? null : boundsTrouble(change),
      isStandby: risks.isStandby,
      lagSeconds: risks.lagSeconds,
      oldestTransactionSeconds: risks.oldestTransactionSeconds,
      needsBytes: recommendation.bytes ?? 0,
      freeBytes: risks.freeBytes,
      diskBytes: risks.diskBytes,
    };
    return refusalsOf(facts, optimization);
  }

  /** What nobody asked for is looked at every few seconds: the same guards saying no is written down once a day. */
  async #noteRefusal(service: string, worked: WorkedOut, author: string, refusals: readonly string[]): Promise<void> {
    const { id } = worked.recommendation;
    const guards = refusals.map((one) => one.slice(0, one.indexOf(':'))).join();
    const known = this.#refused.get(id);
    const now = this.#options.clock.now();
    // Guards that come and go (load, a long transaction) are not written down each time either.
    if (known !== undefined && now - known.at < (known.guards === guards ? DAY_MS : AGAIN_MS)) return;
    // What is not recommended any more needs no memory.
    for (const [other, { at }] of this.#refused) if (now - at >= DAY_MS) this.#refused.delete(other);
    this.#refused.set(id, { guards, at: now });
    await this.#journalRefusal(service, worked, author, 'autopilot', refusals);
  }

  async #journalRefusal(
    service: string,
    worked: WorkedOut,
    author: string,
    origin: 'person' | 'autopilot',
    refusals: readonly string[],
  ): Promise<void> {
    const { runner } = this.#options;
    await runner.refuse(changeOf(service, worked, author, origin), refusals.join(' '));
  }
}

/** Where there is no database in it. */
const noRisks: ChangeRisks = {
  isStandby: false,
  notOwned: [],
  isSuperuser: false,
  lagSeconds: null,
  oldestTransactionSeconds: null,
  freeBytes: null,
  diskBytes: null,
};

function scopeOf(service: string, { recommendation: { database }, change }: WorkedOut): string {
  return change?.kind === 'application-settings' ? applicationScope(service) : `database ${database}`;
}

function applicationScope(service: string): string {
  return `configuration ${service}`;
}

function boundsTrouble(change: RecommendedChange): string | null {
  if (change.kind === 'application-settings') return settingsOutOfBounds(change.settings);
  return change.kind === 'indexes' ? null : outOfBounds(change.values);
}

function changeOf(
  service: string,
  { recommendation, change }: WorkedOut,
  author: string,
  origin: 'person' | 'autopilot',
): Change {
  if (change === null) throw new TypeError('What is left as it is has no change.');
  const { database, subject } = recommendation;
  const head = { service, subject, author, origin, database };
  if (change.kind === 'application-settings') {
    const differences = Object.entries(change.settings).map(
      ([key, after]) => ({ key, layer: 'fleet', after }) as const,
    );
    const tried = { kind: 'configuration-trial', differences, note: subject } as const;
    return { ...tried, ...head };
  }
  return { ...change, ...head };
}
