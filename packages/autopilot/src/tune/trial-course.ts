import type { Journal, Trial } from '../storage/ports.ts';
import { GuardMetrics, type ServiceVitals } from './guard-metrics.ts';
import { aboutJson, type TrialAbout } from './trial-about.ts';
import type { StatementUse, TrialSample } from './trial-judgement.ts';

/** The course of an open trial in this process; it is read again from the journal by the next one. */
export interface TrialCourse {
  readonly before: TrialSample[];
  readonly after: TrialSample[];
  last: { readonly at: number; readonly counters: ReadonlyMap<string, StatementUse> } | null;
  /** Made once the time before is over. */
  guards: GuardMetrics | null;
  /** Of the service, newest last: looked at more often than samples are taken, so that harm goes at once. */
  vitals: readonly (ServiceVitals | null)[];
  vitalsAt: number | null;
  /** Of a change that is flipped: whether it is known to be as the journal says. */
  inPlace: boolean;
  /** Monotonic ms: since when the one instance that tries it, or all others, are not heard of; null: they are. */
  missingSince: number | null;
  /** Nothing is measured before. */
  settledAt: number;
  busy: boolean;
}

/** The courses of open trials. */
export class TrialCourses {
  readonly #journal: Pick<Journal, 'notes'>;
  readonly #courses = new Map<string, TrialCourse>();

  constructor(journal: Pick<Journal, 'notes'>) {
    this.#journal = journal;
  }

  /** With what was measured before this process began. */
  async of(trial: Trial): Promise<TrialCourse> {
    const known = this.#courses.get(trial.id);
    if (known !== undefined) return known;
    const course: TrialCourse = {
      before: [],
      after: [],
      last: null,
      guards: null,
      vitals: [],
      vitalsAt: null,
      inPlace: false,
      missingSince: null,
      settledAt: 0,
      busy: false,
    };
    for (const { kind, detail } of await this.#journal.notes(trial.id, ['before', 'after'])) {
      (kind === 'before' ? course.before : course.after).push(detail as unknown as TrialSample); // the runner wrote it
    }
    this.#courses.set(trial.id, course);
    return course;
  }

  /** Of this process; undefined: it has none yet. */
  known({ id }: Trial): TrialCourse | undefined {
    return this.#courses.get(id);
  }

  /** Forgets those that have ended. */
  keepOnly(open: readonly Trial[]): void {
    for (const id of this.#courses.keys()) if (!open.some((trial) => trial.id === id)) this.#courses.delete(id);
  }
}

/** What the time before allows the change to do to the service. */
export function guardsOf(course: TrialCourse): GuardMetrics {
  course.guards ??= new GuardMetrics(course.before.flatMap(({ service }) => (service === null ? [] : [service])));
  return course.guards;
}

/** A trial with what was measured of what its change must not harm. */
export function withGuards(trial: Trial, about: TrialAbout, course: TrialCourse): Trial {
  const guards = guardsOf(course).readings(course.vitals.at(-1) ?? null);
  return { ...trial, about: aboutJson({ ...about, guards }) };
}
