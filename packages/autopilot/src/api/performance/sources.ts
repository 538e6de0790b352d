import type { CodePlace } from '../../contract/code-place.ts';
import type { KnownName } from '../../contract/known-name.ts';
import type { Health, InstanceStatus, ReleaseMark } from '../../contract/performance.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import type { Pager } from '../../page/page.ts';
import type { QueryEngine } from '../../query/query-engine.ts';
import type { Scope } from '../../query/summaries.ts';
import type { StatementTextSource } from './statement-texts.ts';

/** Who can be asked about, as the API needs it. */
export interface KnownAgents {
  /** With an instance that is linked or was within the hour, first linked first; then those of which there is only history. */
  services(): readonly string[];
  /** Those that are linked or were within the hour; of all services when none is given. */
  instances(service?: string): readonly InstanceStatus[];
}

/** What the calls under /performance are answered from. */
export interface PerformanceSources {
  readonly clock: Clock;
  readonly engine: QueryEngine;
  readonly agents: KnownAgents;
  readonly pager: Pager;
  readonly health: (scope: Scope) => Promise<Health>;
  /** The releases of a service that are known, oldest first. */
  readonly releases: (service: string) => Promise<readonly ReleaseMark[]>;
  readonly statementTexts: StatementTextSource;
  /** Where in the code of a service things were seen. */
  readonly places: (service: string) => readonly CodePlace[];
  /** How the application of a service calls a tenant or a user; null: it has not said. */
  readonly nameOf: (service: string, kind: KnownName['kind'], id: string) => string | null;
  /** What goes wrong with history; null: nothing. */
  readonly historyTrouble: () => string | null;
  /** The service of calls that name none; null: the one that linked first. */
  readonly defaultService: string | null;
}

/** Stands for the service as long as none is known. */
const NO_SERVICE = '(none)';

/** What a call may select by. */
interface Selected {
  readonly service?: string;
  readonly database?: string;
  readonly instance?: string;
  readonly release?: string;
  readonly from?: string;
}

/**
 * The service that a call is about, with what else it selects.
 * @throws AutopilotError AP_SERVICE_UNKNOWN, AP_SERIES_UNKNOWN for an instance that was not there within the hour
 */
export function scopeOf({ agents, defaultService }: PerformanceSources, selected: Selected): Scope {
  const known = agents.services();
  const service = selected.service ?? defaultService ?? known[0] ?? NO_SERVICE;
  if (selected.service !== undefined && !known.includes(service) && service !== defaultService) {
    throw new AutopilotError(
      'AP_SERVICE_UNKNOWN',
      `Nothing is known of the service ${JSON.stringify(service)}: no instance is linked, and nothing of one is kept.`,
      { remedy: suggestion(service, known, 'services') },
    );
  }
  const { instance, release, database } = selected;
  // Who asks about the past may ask about processes that are long gone.
  if (instance !== undefined && selected.from === undefined) {
    const instances = agents.instances(service).map((one) => one.instance);
    if (!instances.includes(instance)) {
      throw new AutopilotError(
        'AP_SERIES_UNKNOWN',
        `No instance ${JSON.stringify(instance)} of ${service} is linked, or was within the last hour.`,
        { remedy: suggestion(instance, instances, 'instances') },
      );
    }
  }
  return {
    service,
    ...(instance === undefined ? {} : { instance }),
    ...(release === undefined ? {} : { release }),
    ...(database === undefined ? {} : { database }),
  };
}

/** What to write instead of a name that is not known. */
export function suggestion(written: string, known: readonly string[], what: string): string {
  const nearest = nearestName(written, known);
  if (nearest !== null) return `${JSON.stringify(nearest)} was probably meant.`;
  if (known.length === 0) return `No ${what} are known yet: start an application with its agent.`;
  const more = known.length > 10 ? ` and ${known.length - 10} more` : '';
  return `Known ${what}: ${known.slice(0, 10).join(', ')}${more}.`;
}
