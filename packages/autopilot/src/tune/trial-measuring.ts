import type { Clock } from '../kernel/clock.ts';
import type { Trial } from '../storage/ports.ts';
import { LEAST_LOOK_MS, type ServiceVitals, saysEnough } from './guard-metrics.ts';
import { aboutOf, type TrialAbout } from './trial-about.ts';
import { guardsOf, type TrialCourse } from './trial-course.ts';
import type { StatementUse, TrialQuestion, TrialSample } from './trial-judgement.ts';
import type { TrialTimes } from './trial-times.ts';

/** What {@link TrialMeasuring} measures with. */
export interface TrialMeasuringOptions {
  readonly clock: Clock;
  /** What statements of a database have cost since it counts. */
  readonly counters: (database: string, statements: readonly string[]) => Promise<ReadonlyMap<string, StatementUse>>;
  /** What routes of a service have cost in the last so many ms, by their ids. */
  readonly routes: (
    service: string,
    question: TrialQuestion,
    lengthMs: number,
  ) => Promise<Readonly<Record<string, StatementUse>>>;
  /** Of a service, or of one of its instances. */
  readonly vitals: (service: string, lengthMs: number, instance?: string) => Promise<ServiceVitals | null>;
  readonly times: (service: string) => TrialTimes;
}

/** Samples of a phase, more or less: later ones are longer. */
const SAMPLES = 360;
/** Of the service, while a change is watched. */
const KEPT_VITALS = 2;

/** Measures what a trial is judged by. */
export class TrialMeasuring {
  readonly #options: TrialMeasuringOptions;

  constructor(options: TrialMeasuringOptions) {
    this.#options = options;
  }

  /** A stretch of a phase; null: it is not over yet, or has just begun. */
  async sample(
    trial: Trial,
    { database, question }: TrialAbout,
    course: TrialCourse,
    phase: readonly TrialSample[],
  ): Promise<TrialSample | null> {
    const { clock, counters, routes, vitals, times } = this.#options;
    const isBefore = phase === course.before;
    const { sampleMs } = times(trial.service);
    const measuredMs = phase.reduce((sum, one) => sum + one.durationMs, 0);
    const now = clock.now();
    if (course.last !== null && now - course.last.at < Math.max(sampleMs, measuredMs / SAMPLES)) return null;
    const { last } = course;
    const isRoutes = question.of === 'routes';
    const read = isRoutes
      ? new Map<string, StatementUse>()
      : await counters(database, [...question.affected, ...question.controls]);
    course.last = { at: now, counters: read };
    if (last === null) return null;
    const durationMs = now - last.at;
    const statements: Record<string, StatementUse> = {};
    if (isRoutes) Object.assign(statements, await routes(trial.service, question, durationMs));
    for (const [id, use] of read) {
      const before = last.counters.get(id) ?? { calls: 0, totalMs: 0, buffers: 0 };
      const calls = use.calls - before.calls;
      // The server has forgotten it in between, or was reset: the next sample counts again.
      if (calls <= 0 || use.totalMs < before.totalMs) continue;
      if (!last.counters.has(id)) continue;
      statements[id] = { calls, totalMs: use.totalMs - before.totalMs, buffers: use.buffers - before.buffers };
    }
    // After the change they are looked at by themselves.
    const service = isBefore
      ? await vitals(trial.service, durationMs, question.canary)
      : (course.vitals.at(-1) ?? null);
    return { at: now, durationMs, statements, service };
  }

  /** What the change harms in the service as a whole; null: nothing that is beyond a limit, or it is not time to look. */
  async trouble(trial: Trial, course: TrialCourse): Promise<string | null> {
    const { clock, vitals, times } = this.#options;
    const now = clock.now();
    course.vitalsAt ??= now;
    const lengthMs = now - course.vitalsAt;
    if (lengthMs < Math.max(times(trial.service).sampleMs, LEAST_LOOK_MS)) return null;
    // What one instance does is not to be lost among the others.
    const seen = await vitals(trial.service, lengthMs, aboutOf(trial)?.question.canary);
    if (!saysEnough(seen, lengthMs)) return null;
    course.vitalsAt = now;
    course.vitals = [...course.vitals, seen].slice(-KEPT_VITALS);
    return guardsOf(course).trouble(course.vitals);
  }
}
