import { registry } from '../../config/registry.ts';
import type { ConfigDifference } from '../../contract/configuration.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { Journal, Trial } from '../../storage/ports.ts';
import { scopeTaken } from '../../storage/trial-refusals.ts';
import type { ConfigurationDesk, Proposal } from '../../tune/configuration-desk.ts';
import type { ConfigurationTrialChange } from '../../tune/configuration-trial-actuator.ts';
import type { TrialRunner } from '../../tune/trial-runner.ts';
import { routeQuestion } from './route-uses.ts';

/** What {@link ConfigurationTrials} are made with. */
export interface ConfigurationTrialsOptions {
  readonly configuration: Pick<ConfigurationDesk, 'checked'>;
  readonly journal: Journal;
  readonly runner: Pick<TrialRunner, 'propose'>;
  readonly engine: QueryEngine;
  readonly clock: Clock;
  /** Names of the live instances of a service. */
  readonly instances: (service: string) => readonly string[];
}

/** Where settings are handed in to be tried: kept when the routes take less time with them, taken back when they do not. */
export class ConfigurationTrials {
  readonly #options: ConfigurationTrialsOptions;

  constructor(options: ConfigurationTrialsOptions) {
    this.#options = options;
  }

  /**
   * Begins a trial of settings. Of one instance beside others it is judged against those; else, where the settings apply at once, it
   * is flipped on and off.
   * @throws AutopilotError as a change of the configuration does, AP_TRIAL_SCOPE_TAKEN, AP_ORDER_REFUSED
   */
  async begin(proposal: Proposal, instance: string | null): Promise<Trial> {
    const { configuration, journal, runner, engine, clock, instances } = this.#options;
    const { service, author, note } = proposal;
    const differences = await configuration.checked(proposal);
    if (differences.length === 0) throw refused('it would change nothing.');
    const slow = differences.filter(({ key }) => registry.get(key)?.apply === 'restart');
    if (slow.length > 0) throw refused(`${keysOf(slow)} applies after a restart only.`);
    const open = (await journal.open(service)).find(({ scope }) => scope !== null);
    if (open?.scope != null) throw scopeTaken(open.scope);
    const others = instances(service).filter((name) => name !== instance);
    const canary = instance !== null && others.length > 0 ? instance : null;
    const question = await routeQuestion(engine, service, clock.now(), canary);
    if (question.affected.length === 0) throw refused('no request was heard of in the last ten minutes.');
    const change: ConfigurationTrialChange = {
      kind: 'configuration-trial',
      service,
      subject: keysOf(differences) + (instance === null ? '' : ` of ${instance}`),
      author,
      origin: 'person',
      differences,
      note,
    };
    const isCheap = differences.every(({ key }) => registry.get(key)?.apply === 'live');
    return await runner.propose({
      change,
      scope: `configuration ${service}`,
      about: {
        category: 'configuration',
        recommendation: '',
        database: '',
        question,
        texts: Object.fromEntries(question.affected.map((route) => [route, route])),
        // Nobody has foretold anything.
        predicted: null,
        ...(canary === null && isCheap ? { interleaving: { isOn: true, flips: 0, flippedAt: 0 } } : {}),
      },
    });
  }
}

function keysOf(differences: readonly ConfigDifference[]): string {
  return [...new Set(differences.map(({ key }) => key))].join(', ');
}

function refused(reason: string): AutopilotError {
  return new AutopilotError('AP_ORDER_REFUSED', `The settings can't be tried: ${reason}`, {
    remedy: 'PATCH /api/v1/config changes them without a trial.',
  });
}
