import { randomUUID } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import type { Journal, JsonValue, Trial } from '../storage/ports.ts';
import { hasEnded } from '../storage/trial-refusals.ts';
import { GuardMetrics, LEAST_LOOK_MS, type ServiceVitals, saysEnough } from './guard-metrics.ts';
import { mayEnd, SETTLING_MS, stretchMs } from './interleaving.ts';
import type { Actuator, Change, Orders } from './orders.ts';
import { aboutJson, aboutOf, type TrialAbout } from './trial-about.ts';
import {
  baselineShare,
  coveredShare,
  type JudgementRules,
  judgeTrial,
  type StatementUse,
  type TrialJudgement,
  type TrialQuestion,
  type TrialSample,
} from './trial-judgement.ts';

/** For how long a trial looks, and how closely. */
export interface TrialTimes {
  readonly sampleMs: number;
  readonly baselineMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** What {@link TrialRunner} is made with. */
export interface TrialRunnerOptions {
  readonly journal: Journal;
  readonly orders: Orders;
  readonly actuators: readonly Actuator<never, unknown>[];
  readonly clock: Clock;
  /** What statements of a database have cost since it counts. */
  readonly counters: (database: string, statements: readonly string[]) => Promise<ReadonlyMap<string, StatementUse>>;
  /** What routes of a service have cost in the last so many ms, by their ids. */
  readonly routes: (
    service: string,
    question: TrialQuestion,
    lengthMs: number,
  ) => Promise<Readonly<Record<string, StatementUse>>>;
  readonly vitals: (service: string, lengthMs: number) => Promise<ServiceVitals | null>;
  readonly times: (service: string) => TrialTimes;
  readonly rules: (service: string) => JudgementRules;
  /** Only the control plane that leads goes on with trials. */
  readonly leads: () => boolean;
  /** Told when a trial has ended. */
  readonly onEnd: (trial: Trial) => void;
  readonly onTrouble: (message: string) => void;
}

/** What a trial is begun with. */
export interface TrialDraft {
  readonly change: Change;
  readonly scope: string;
  /** With `interleaving` where the actuator can flip the change. */
  readonly about: Omit<TrialAbout, 'appliedAt' | 'endedAt' | 'judgement' | 'guards'>;
}

/** The course of an open trial in this process; it is read again from the journal by the next one. */
interface Course {
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
  /** Nothing is measured before. */
  settledAt: number;
  busy: boolean;
}

const TICK_MS = 500;
/** Without an open trial the journal is asked this often, for what another control plane has left. */
const IDLE_MS = 5_000;
/** Samples of a phase, more or less: later ones are longer. */
const SAMPLES = 360;
/** Without calls enough to judge by, the time before is given up after so many times its length. */
const BASELINE_PATIENCE = 6;
/** Of the service, while a change is watched. */
const KEPT_VITALS = 2;

/**
 * Takes trials from their proposal to their end: proposed (the time before is measured) - applying - watching - kept, or
 * reverting - reverted. What there is to know is in the journal after every step, so that any process can go on with it.
 */
export class TrialRunner {
  readonly #options: TrialRunnerOptions;
  readonly #courses = new Map<string, Course>();
  /** Open trials that can't go on now. */
  readonly #failing = new Map<string, { readonly sinceMs: number; readonly message: string }>();
  #timer: NodeJS.Timeout | null = null;
  #ticking: Promise<void> | null = null;
  #stopped = false;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: TrialRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.tick(), TICK_MS);
  }

  /** Waits for what is under way, but for builds: those are healed by whoever comes next. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#ticking;
  }

  /**
   * Begins a trial.
   * @throws AutopilotError AP_TRIAL_SCOPE_TAKEN
   */
  async propose({ change, scope, about }: TrialDraft): Promise<Trial> {
    const { journal, clock } = this.#options;
    const actuator = this.#actuatorOf(change.kind);
    const at = new Date(clock.now()).toISOString();
    const trial: Trial = {
      id: randomUUID(),
      service: change.service,
      kind: change.kind,
      subject: change.subject,
      author: change.author,
      origin: change.origin,
      state: 'proposed',
      reason: `Asked for by ${change.author}; the time before is measured.`,
      change: actuator.describe(change as never), // of its kind
      undo: null,
      scope,
      about: aboutJson({ ...about, appliedAt: null, endedAt: null, judgement: null, guards: [] }),
      at,
      updatedAt: at,
    };
    await journal.write(trial);
    this.#quietUntilMs = Number.NEGATIVE_INFINITY;
    await this.#step(trial, trial.reason);
    return trial;
  }

  /** Writes down that a guard did not allow a change. */
  async refuse(change: Change, reason: string): Promise<void> {
    const { journal, clock } = this.#options;
    const { service, kind, subject, author, origin } = change;
    const at = new Date(clock.now()).toISOString();
    const described = this.#actuatorOf(kind).describe(change as never); // of its kind
    const head = { id: randomUUID(), service, kind, subject, author, origin, reason };
    await journal.write({
      ...head,
      state: 'refused',
      change: described,
      undo: null,
      scope: null,
      about: null,
      at,
      updatedAt: at,
    });
  }

  /** Ends a trial by hand: what was changed is taken back. @throws AutopilotError AP_TRIAL_ENDED */
  async revert(trial: Trial, reason: string): Promise<void> {
    if (trial.state === 'reverted' || trial.state === 'refused') {
      throw new AutopilotError('AP_TRIAL_ENDED', `The trial ${trial.id} is ${trial.state} already.`);
    }
    const about = aboutOf(trial);
    if (about === null) {
      throw new AutopilotError('AP_TRIAL_ENDED', `The order ${trial.id} is no trial.`, {
        remedy: 'Versions of the configuration are restored by POST /api/v1/config/versions/{n}/restore.',
      });
    }
    const marked: Trial = { ...trial, about: aboutJson({ ...about, byHand: true }) };
    if (trial.state === 'proposed') {
      if (await this.#end(marked, 'reverted', reason)) return;
      // Its change was begun in between.
      const now = await this.#options.journal.read(trial.id);
      if (now !== null && now.state !== 'proposed') await this.revert(now, reason);
    } else await this.#takeBack(marked, reason);
  }

  /** Goes on with every open trial; never rejects. */
  async tick(): Promise<void> {
    if (this.#stopped || this.#ticking !== null) return;
    this.#ticking = this.#round();
    await this.#ticking;
    this.#ticking = null;
  }

  async #round(): Promise<void> {
    const { journal, leads, clock, onTrouble } = this.#options;
    if (!leads() || clock.monotonicMs() < this.#quietUntilMs) return;
    this.#quietUntilMs = clock.monotonicMs() + IDLE_MS;
    try {
      const open = (await journal.open()).filter((trial) => trial.scope !== null);
      if (open.length > 0) this.#quietUntilMs = Number.NEGATIVE_INFINITY;
      for (const id of this.#courses.keys()) if (!open.some((trial) => trial.id === id)) this.#courses.delete(id);
      for (const id of this.#failing.keys()) if (!open.some((trial) => trial.id === id)) this.#failing.delete(id);
      for (const trial of open) {
        try {
          await this.#advance(trial);
          this.#failing.delete(trial.id);
        } catch (error) {
          await this.#failed(trial, messageOf(error));
        }
      }
    } catch (error) {
      // What keeps everybody from the store is told where history is kept.
      if (error instanceof AutopilotError && error.code.startsWith('AP_STORE_')) return;
      onTrouble(`Open trials can't be looked at now: ${messageOf(error)}`);
    }
  }

  /** What can't be measured for as long as it was to be looked at is not left as it is. */
  async #failed(trial: Trial, message: string): Promise<void> {
    const { clock, times, onTrouble } = this.#options;
    const now = clock.monotonicMs();
    const failing = this.#failing.get(trial.id);
    // The same twice a second helps nobody.
    if (failing?.message !== message) onTrouble(`The trial of ${trial.subject} can't go on now: ${message}`);
    const sinceMs = failing?.sinceMs ?? now;
    this.#failing.set(trial.id, { sinceMs, message });
    const { baselineMs, maxMs } = times(trial.service);
    if (now - sinceMs <= (trial.state === 'watching' ? maxMs : baselineMs * BASELINE_PATIENCE)) return;
    const reason = `It could not be measured for ${Math.round((now - sinceMs) / 1000)} s, so that nobody can tell what it does: ${message}`;
    try {
      if (trial.state === 'watching') await this.#takeBack(trial, reason);
      else await this.#end(trial, 'refused', reason);
    } catch (error) {
      onTrouble(`The trial of ${trial.subject} can't be ended now: ${messageOf(error)}`);
    }
  }

  async #advance(trial: Trial): Promise<void> {
    if (trial.state !== 'proposed' && trial.state !== 'watching') return;
    const about = aboutOf(trial);
    if (about === null) return;
    const course = await this.#courseOf(trial);
    if (course.busy) return;
    if (trial.state === 'watching' && (await this.#flipped(trial, about, course))) return;
    if (this.#options.clock.now() < course.settledAt) return;
    const isOff = trial.state === 'proposed' || about.interleaving?.isOn === false;
    if (!isOff && (await this.#harmed(trial, about, course))) return;
    const phase = isOff ? course.before : course.after;
    const sample = await this.#sample(trial, about, course, phase);
    if (sample === null) return;
    phase.push(sample);
    const kind = isOff ? 'before' : 'after';
    await this.#options.journal.note(trial.id, kind, JSON.parse(JSON.stringify(sample)) as JsonValue); // numbers and texts
    if (trial.state === 'proposed') await this.#measureBefore(trial, about, course);
    else await this.#judge(trial, about, course);
  }

  async #measureBefore(trial: Trial, about: TrialAbout, course: Course): Promise<void> {
    const { times, rules } = this.#options;
    const { baselineMs } = times(trial.service);
    const measuredMs = course.before.reduce((sum, one) => sum + one.durationMs, 0);
    if (measuredMs < baselineMs) return;
    const share = baselineShare(course.before, about.question, rules(trial.service));
    if (share !== null && share >= coveredShare) {
      this.#carryOut(trial, about, course);
      return;
    }
    if (measuredMs < baselineMs * BASELINE_PATIENCE) return;
    const calls =
      share === null
        ? 'were not called at all'
        : `were called too rarely (${(100 * share).toFixed(0)} % of their time)`;
    await this.#end(
      trial,
      'refused',
      `enough traffic: the affected statements ${calls} in ${Math.round(measuredMs / 1000)} s, so that nobody could tell what the change does.`,
    );
  }

  /** Beside everything else: building an index takes its time. */
  #carryOut(trial: Trial, about: TrialAbout, course: Course): void {
    const { orders, journal, clock, onTrouble } = this.#options;
    course.busy = true;
    const run = async (): Promise<void> => {
      try {
        const actuator = this.#actuatorOf(trial.kind);
        await this.#step(trial, 'The time before is measured; the change is made.');
        const { service, kind, subject, author, origin } = trial;
        const fields = trial.change as Readonly<Record<string, JsonValue>>; // describe() gives an object
        const change = { ...fields, service, kind, subject, author, origin } as unknown as never; // of its kind
        await orders.carryOut(change, actuator, trial);
        const applied = await journal.read(trial.id);
        if (applied?.state !== 'watching') return;
        const appliedAt = new Date(clock.now()).toISOString();
        const reason = 'The change is made; what it does is measured.';
        await journal.write({ ...applied, reason, about: aboutJson({ ...about, appliedAt }) }, 'watching');
        await this.#step(trial, 'The change is made; what it does is measured.');
      } catch (error) {
        const now = await journal.read(trial.id).catch(() => null);
        if (now?.state === 'proposed') await this.#end(now, 'refused', messageOf(error)).catch(() => {});
        else await this.#step(trial, `It failed: ${messageOf(error)}`).catch(() => {});
        if (now !== null && hasEnded(now.state)) this.#options.onEnd(now);
        onTrouble(`The change of ${trial.subject} failed: ${messageOf(error)}`);
      } finally {
        course.last = null;
        if (about.question.of === 'routes') course.settledAt = clock.now() + SETTLING_MS;
        course.busy = false;
      }
    };
    void run();
  }

  /** On and off in turn, what is cheap to flip. @returns true: nothing is measured now */
  async #flipped(trial: Trial, about: TrialAbout, course: Course): Promise<boolean> {
    const { interleaving } = about;
    const actuator = this.#actuatorOf(trial.kind);
    if (interleaving === undefined || actuator.flip === undefined) return false;
    const { journal, clock, times } = this.#options;
    const now = clock.now();
    const appliedAt = Date.parse(about.appliedAt ?? '');
    const since = interleaving.flippedAt === 0 ? appliedAt : interleaving.flippedAt;
    const isDue = now - since >= stretchMs(times(trial.service), now - appliedAt);
    if (!isDue && course.inPlace) return false;
    const { isOn, flips } = interleaving;
    const next = isDue ? { isOn: !isOn, flips: flips + 1, flippedAt: now } : interleaving;
    course.inPlace = false;
    course.last = null;
    course.vitals = [];
    course.vitalsAt = null;
    course.settledAt = now + SETTLING_MS;
    if (isDue) {
      // First of all, so that whoever comes next brings the world to what is written.
      if (!(await journal.write({ ...trial, about: aboutJson({ ...about, interleaving: next }) }, 'watching')))
        return true;
      await this.#step(trial, next.isOn ? 'It is on again.' : 'It is off for a while, to be compared.');
    }
    await actuator.flip(trial, next.isOn);
    course.inPlace = true;
    return true;
  }

  /** Looks after what the change must not harm. @returns true: it was taken back */
  async #harmed(trial: Trial, about: TrialAbout, course: Course): Promise<boolean> {
    const { clock, vitals, times } = this.#options;
    const now = clock.now();
    course.vitalsAt ??= now;
    const lengthMs = now - course.vitalsAt;
    if (lengthMs < Math.max(times(trial.service).sampleMs, LEAST_LOOK_MS)) return false;
    const seen = await vitals(trial.service, lengthMs);
    if (!saysEnough(seen, lengthMs)) return false;
    course.vitalsAt = now;
    course.vitals = [...course.vitals, seen].slice(-KEPT_VITALS);
    const trouble = guardsOf(course).trouble(course.vitals);
    if (trouble === null) return false;
    await this.#takeBack(withGuards(trial, about, course), trouble);
    return true;
  }

  async #judge(trial: Trial, about: TrialAbout, course: Course): Promise<void> {
    const { journal, clock, times, rules } = this.#options;
    const { minMs, maxMs } = times(trial.service);
    const { interleaving } = about;
    // Half of the time it is off.
    const measuredMs =
      course.after.reduce((sum, one) => sum + one.durationMs, 0) * (interleaving === undefined ? 1 : 2);
    const isTime = measuredMs >= minMs && mayEnd(interleaving);
    const stretch = stretchMs(times(trial.service), clock.now() - Date.parse(about.appliedAt ?? ''));
    const question = interleaving === undefined ? about.question : { ...about.question, nearMs: 2 * stretch };
    const judgement = judgeTrial(course.before, course.after, question, rules(trial.service));
    const judged: Trial = { ...withGuards(trial, { ...about, judgement }, course), reason: judgement.reason };
    if (judgement.verdict === 'worse') {
      await this.#takeBack(judged, judgement.reason);
    } else if (judgement.verdict === 'better' && isTime) {
      await this.#end(judged, 'kept', judgement.reason);
    } else if (about.question.aim === 'no harm' && isUnharmed(judgement, measuredMs >= maxMs, rules(trial.service))) {
      if (isTime) await this.#end(judged, 'kept', `${judgement.reason} Nothing is slower for it.`);
      else await journal.write(judged, 'watching');
    } else if (judgement.verdict === 'no difference' && isTime) {
      await this.#takeBack(judged, `${judgement.reason} It costs something and brings nothing.`);
    } else if (measuredMs >= maxMs) {
      await this.#takeBack(judged, `${judgement.reason} There was no more time for it.`);
    } else {
      await journal.write(judged, 'watching');
    }
  }

  async #takeBack(trial: Trial, reason: string): Promise<void> {
    const { orders, onEnd } = this.#options;
    const course = this.#courses.get(trial.id);
    const isIdle = course?.busy === false;
    if (isIdle) course.busy = true;
    try {
      const ended = withEnd(trial, this.#options.clock.now());
      await orders.revert(ended, reason);
      await this.#step(trial, `Taken back: ${reason}`);
      onEnd({ ...ended, state: 'reverted', reason });
    } finally {
      // While the journal is away it stays as it is, and is judged again.
      if (isIdle) course.busy = false;
    }
  }

  /** @returns false: it has gone on in between, and is not ended */
  async #end(trial: Trial, state: 'kept' | 'reverted' | 'refused', reason: string): Promise<boolean> {
    const { journal, clock, onEnd } = this.#options;
    const ended: Trial = { ...withEnd(trial, clock.now()), state, reason };
    if (!(await journal.write(ended, trial.state))) return false;
    await this.#step(trial, `${state === 'kept' ? 'Kept' : state === 'refused' ? 'Refused' : 'Given up'}: ${reason}`);
    onEnd(ended);
    return true;
  }

  async #sample(
    trial: Trial,
    { database, question }: TrialAbout,
    course: Course,
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
    const service = isBefore ? await vitals(trial.service, durationMs) : (course.vitals.at(-1) ?? null);
    return { at: now, durationMs, statements, service };
  }

  async #courseOf(trial: Trial): Promise<Course> {
    const known = this.#courses.get(trial.id);
    if (known !== undefined) return known;
    const course: Course = {
      before: [],
      after: [],
      last: null,
      guards: null,
      vitals: [],
      vitalsAt: null,
      inPlace: false,
      settledAt: 0,
      busy: false,
    };
    for (const { kind, detail } of await this.#options.journal.notes(trial.id, ['before', 'after'])) {
      (kind === 'before' ? course.before : course.after).push(detail as unknown as TrialSample); // #advance() wrote it
    }
    this.#courses.set(trial.id, course);
    return course;
  }

  async #step(trial: Trial, text: string): Promise<void> {
    await this.#options.journal.note(trial.id, 'step', text);
  }

  #actuatorOf(kind: string): Actuator<never, unknown> {
    const actuator = this.#options.actuators.find((one) => one.kind === kind);
    if (actuator !== undefined) return actuator;
    throw new AutopilotError('AP_INTERNAL', `There is no way to change something of the kind "${kind}" here.`);
  }
}

function guardsOf(course: Course): GuardMetrics {
  course.guards ??= new GuardMetrics(course.before.flatMap(({ service }) => (service === null ? [] : [service])));
  return course.guards;
}

/** With what was measured of what the change must not harm. */
function withGuards(trial: Trial, about: TrialAbout, course: Course): Trial {
  const guards = guardsOf(course).readings(course.vitals.at(-1) ?? null);
  return { ...trial, about: aboutJson({ ...about, guards }) };
}

/** What is to be no harm is kept once that is shown, and in the end unless it looks like harm. */
function isUnharmed({ verdict, effect }: TrialJudgement, isOver: boolean, { leastEffect }: JudgementRules): boolean {
  return verdict === 'no difference' || (isOver && effect !== null && effect <= 1 + leastEffect);
}

function withEnd(trial: Trial, now: number): Trial {
  const about = aboutOf(trial);
  if (about === null || hasEnded(trial.state)) return trial;
  return { ...trial, about: aboutJson({ ...about, endedAt: new Date(now).toISOString() }) };
}
