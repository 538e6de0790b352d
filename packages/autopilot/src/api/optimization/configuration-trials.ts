import { randomUUID } from 'node:crypto';
import { layerOf, withLayer } from '../../config/content.ts';
import { registry, type Settings } from '../../config/registry.ts';
import type { ConfigContent, ConfigDifference } from '../../contract/configuration.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError, messageOf } from '../../kernel/errors.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { Journal, Trial } from '../../storage/ports.ts';
import { hasEnded, scopeTaken } from '../../storage/trial-refusals.ts';
import type { ConfigurationDesk, Proposal } from '../../tune/configuration-desk.ts';
import type { ConfigurationTrialChange } from '../../tune/configuration-trial-actuator.ts';
import type { Change } from '../../tune/orders.ts';
import { nextSearchValue, type SearchBounds } from '../../tune/setting-search.ts';
import { aboutOf, type TrialAbout, type TrialSearch } from '../../tune/trial-about.ts';
import { refusalsOf, type TrialFacts } from '../../tune/trial-guards.ts';
import type { TrialRunner } from '../../tune/trial-runner.ts';
import { patchOf } from '../config/content-patch.ts';
import { requestsOf, routeQuestion } from './route-uses.ts';
import type { ServiceStanding } from './service-standing.ts';

/** What {@link ConfigurationTrials} are made with. */
export interface ConfigurationTrialsOptions {
  readonly configuration: Pick<ConfigurationDesk, 'checked' | 'valueOf'>;
  readonly journal: Journal;
  readonly runner: Pick<TrialRunner, 'propose'>;
  readonly engine: QueryEngine;
  readonly clock: Clock;
  /** Names of the live instances of a service. */
  readonly instances: (service: string) => readonly string[];
  readonly settingsFor: (service: string) => Settings;
  /** Why the autopilot changes nothing by itself; null: it may. */
  readonly stopped: () => string | null;
  readonly standing: (service: string) => Promise<ServiceStanding>;
  readonly onTrouble: (message: string) => void;
}

const HISTORY = 500;
const DAY_MS = 86_400_000;
/** Instances that are looked at for one that could try something first. */
const MOST_ASKED = 20;
/** Of what each would get if all got as much: an instance with less tells too little of the others. */
const FAIR_SHARE = 0.5;

/** What guards of databases would go by: settings of the service have none of it. */
const nothingKnown: Omit<TrialFacts, 'changesToday' | 'minuteOfDay' | keyof ServiceStanding> = {
  origin: 'autopilot',
  mode: 'automatic',
  stopped: null,
  openInScope: null,
  sinceRevertMs: null,
  lacksRight: null,
  outOfBounds: null,
  isStandby: false,
  lagSeconds: null,
  oldestTransactionSeconds: null,
  needsBytes: 0,
  freeBytes: null,
  diskBytes: null,
};
/** What a recommendation adds to a trial of its settings. */
export interface AdvisedSettings extends Pick<TrialAbout, 'recommendation' | 'database' | 'predicted'> {
  readonly subject: string;
  readonly origin: Change['origin'];
  readonly aim: 'gain' | 'no harm';
}

/** Where settings are handed in to be tried: kept when the routes take less time with them, taken back when they do not. */
export class ConfigurationTrials {
  readonly #options: ConfigurationTrialsOptions;
  /** Searches that have come to their end, or can't go on. */
  readonly #over = new Set<string>();

  constructor(options: ConfigurationTrialsOptions) {
    this.#options = options;
  }

  /**
   * Begins a trial of settings. Of one instance beside others it is judged against those. What is meant for all is tried on one of
   * them first, and given to all when it is kept there; where there is one instance, and the settings apply at once, it is flipped on
   * and off.
   * @throws AutopilotError as a change of the configuration does, AP_TRIAL_SCOPE_TAKEN, AP_ORDER_REFUSED
   */
  async begin(proposal: Proposal, instance: string | null, advised?: AdvisedSettings): Promise<Trial> {
    const more = advised === undefined ? {} : { advised };
    return await this.#begin(proposal, instance, { ...more, origin: advised?.origin ?? 'person' });
  }

  /**
   * Begins a search for a better value of a number: from the value of now outwards within the bounds that the tuner has, each step an
   * ordinary trial. The next one is begun when one has ended, by whoever leads then.
   * @throws AutopilotError as begin() does
   */
  async search(service: string, key: string, author: string, note: string): Promise<Trial> {
    const start = await this.#options.configuration.valueOf(service, key);
    const bounds = boundsOf(key);
    if (bounds === null) throw refused(`${key} is no number that the tuner may move.`);
    const value = typeof start === 'number' ? nextSearchValue(start, [], bounds) : null;
    if (typeof start !== 'number' || value === null) {
      throw refused(`${key} is ${JSON.stringify(start ?? null)}, from where nothing can be searched; set it first.`);
    }
    return await this.#step(service, author, note, { id: randomUUID(), key, start, value }, 'person');
  }

  /** Goes on with the newest search of a service, within what the autopilot may do by itself. Never rejects. */
  async goOn(service: string): Promise<void> {
    const { journal, stopped, settingsFor, standing, clock, onTrouble } = this.#options;
    if (stopped() !== null) return;
    try {
      const history = await journal.history(service, HISTORY, { tried: true });
      const newest = history.find((one) => aboutOf(one)?.search !== undefined);
      const last = newest === undefined ? undefined : aboutOf(newest)?.search;
      if (newest === undefined || last === undefined || history.some(({ state }) => !hasEnded(state))) return;
      // One that could not be tried, or that somebody did not want, is the end.
      if (newest.state === 'refused' || aboutOf(newest)?.byHand === true || this.#over.has(last.id)) return;
      const tried = history
        .filter((one) => aboutOf(one)?.search?.id === last.id)
        .map((one) => ({ value: aboutOf(one)?.search?.value ?? 0, isKept: one.state === 'kept' }))
        .toReversed();
      const bounds = boundsOf(last.key);
      const value = bounds === null ? null : nextSearchValue(last.start, tried, bounds);
      if (value === null) {
        this.#over.add(last.id);
        const best = tried.findLast(({ isKept }) => isKept)?.value ?? last.start;
        const told = await journal.notes(newest.id, ['step']);
        if (told.some(({ detail }) => typeof detail === 'string' && detail.startsWith('The search of '))) return;
        await journal.note(
          newest.id,
          'step',
          `The search of ${last.key} is over after ${tried.length} trials: ${best} is the best that was found.`,
        );
        return;
      }
      const now = clock.now();
      const { optimization } = settingsFor(service);
      const refusals = refusalsOf(
        {
          ...nothingKnown,
          changesToday: history.filter((one) => one.origin === 'autopilot' && now - Date.parse(one.at) < DAY_MS).length,
          minuteOfDay: Math.floor((now % DAY_MS) / 60_000),
          ...(await standing(service)),
          // No database is changed.
          ioRatio: null,
        },
        optimization,
      );
      if (refusals.length > 0) return;
      await this.#step(service, newest.author, '', { ...last, value }, 'autopilot').catch((error: unknown) => {
        this.#over.add(last.id);
        throw error;
      });
    } catch (error) {
      onTrouble(`The search for better settings of ${service} can't go on now: ${messageOf(error)}`);
    }
  }

  async #step(
    service: string,
    author: string,
    note: string,
    search: TrialSearch,
    origin: 'person' | 'autopilot',
  ): Promise<Trial> {
    const [group = '', name = ''] = search.key.split('.');
    const revise = patchOf({ [group]: { [name]: search.value } }, null);
    const proposal: Proposal = { service, ifVersion: null, author, note, cause: 'trial', revise };
    return await this.#begin(proposal, null, { search, origin });
  }

  async #begin(
    proposal: Proposal,
    instance: string | null,
    more: {
      readonly origin: 'person' | 'autopilot';
      readonly search?: TrialSearch;
      readonly advised?: AdvisedSettings;
    },
  ): Promise<Trial> {
    const { search, advised } = more;
    const { configuration, journal, runner, engine, clock, instances } = this.#options;
    const { service, author, note } = proposal;
    const { differences: wanted, masked } = await configuration.checked(proposal);
    if (wanted.length === 0) throw refused('it would change nothing.');
    const mask = masked.find((one) => one.instance === undefined);
    if (mask !== undefined) throw refused(`${mask.key} is set by the ${mask.by}, which stands over it.`);
    const slow = wanted.filter(({ key }) => registry.get(key)?.apply === 'restart');
    if (slow.length > 0) throw refused(`${keysOf(slow)} applies after a restart only.`);
    const open = (await journal.open(service)).find(({ scope }) => scope !== null);
    if (open?.scope != null) throw scopeTaken(open.scope);
    const live = instances(service);
    const first = instance === null ? await this.#firstOf(proposal, wanted, live) : null;
    const differences = first?.differences ?? wanted;
    const canary = first?.instance ?? (instance !== null && live.some((name) => name !== instance) ? instance : null);
    const question = await routeQuestion(engine, service, clock.now(), canary);
    if (question.affected.length === 0) throw refused('no request was heard of in the last ten minutes.');
    const change: ConfigurationTrialChange = {
      kind: 'configuration-trial',
      service,
      subject: advised?.subject ?? keysOf(differences) + (instance === null ? '' : ` of ${instance}`),
      author,
      origin: more.origin,
      differences,
      ...(first === null ? {} : { promotion: wanted }),
      note,
    };
    const isCheap = differences.every(({ key }) => registry.get(key)?.apply === 'live');
    const trial = await runner.propose({
      change,
      scope: `configuration ${service}`,
      about: {
        category: advised === undefined ? 'configuration' : 'application',
        recommendation: advised?.recommendation ?? '',
        database: advised?.database ?? '',
        question: advised === undefined ? question : { ...question, aim: advised.aim },
        texts: Object.fromEntries(question.affected.map((route) => [route, route])),
        // Of what somebody just wants to try nobody has foretold anything.
        predicted: advised?.predicted ?? null,
        ...(search === undefined ? {} : { search }),
        ...(first === null ? {} : { canary: { instance: first.instance, others: live.length - 1, promotedAt: null } }),
        ...(canary === null && isCheap ? { interleaving: { isOn: true, flips: 0, flippedAt: 0 } } : {}),
      },
    });
    if (first !== null) {
      const others = live.length === 2 ? 'the other one' : `the ${live.length - 1} others`;
      const text = `${first.instance} tries it first, compared with ${others} at the same time; all get it when it is kept.`;
      await journal.note(trial.id, 'step', text);
    }
    return trial;
  }

  /**
   * The instance that tries first what is meant for all, with what is changed there; null: there is none that could be compared.
   * Of those with a fair share of the requests it is the one with fewest, so that harm is least.
   */
  async #firstOf(
    proposal: Proposal,
    wanted: readonly ConfigDifference[],
    live: readonly string[],
  ): Promise<{ readonly instance: string; readonly differences: readonly ConfigDifference[] } | null> {
    if (live.length < 2 || wanted.some(({ layer, after }) => layer !== 'fleet' || after === undefined)) return null;
    const { engine, clock, configuration } = this.#options;
    const { service } = proposal;
    const uses = await Promise.all(
      live.slice(0, MOST_ASKED).map(async (instance) => ({
        instance,
        requests: await requestsOf(engine, service, clock.now(), instance),
      })),
    );
    const share = uses.reduce((sum, { requests }) => sum + requests, 0) / uses.length;
    const fair = uses.filter(({ requests }) => requests > 0 && requests >= share * FAIR_SHARE);
    for (const { instance } of fair.toSorted((a, b) => a.requests - b.requests)) {
      const revise = (content: ConfigContent): ConfigContent => {
        const values = Object.fromEntries(wanted.map(({ key, after }) => [key, after ?? null]));
        return withLayer(content, instance, { ...layerOf(content, instance), ...values });
      };
      const { differences, masked } = await configuration.checked({ ...proposal, revise });
      // One with a value of its own says nothing of the others, and would lose it.
      const isOrdinary = differences.every(({ before }) => before === undefined);
      if (isOrdinary && differences.length === wanted.length && masked.length === 0) return { instance, differences };
    }
    return null;
  }
}

function boundsOf(key: string): SearchBounds | null {
  const declaration = registry.get(key);
  if (declaration?.kind !== 'integer' && declaration?.kind !== 'number') return null;
  return declaration.tuner === undefined ? null : { ...declaration.tuner, isInteger: declaration.kind === 'integer' };
}

function keysOf(differences: readonly ConfigDifference[]): string {
  return [...new Set(differences.map(({ key }) => key))].join(', ');
}

function refused(reason: string): AutopilotError {
  return new AutopilotError('AP_ORDER_REFUSED', `The settings can't be tried: ${reason}`, {
    remedy: 'PATCH /api/v1/config changes them without a trial.',
  });
}
