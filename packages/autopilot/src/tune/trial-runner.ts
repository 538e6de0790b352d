import { randomUUID } from 'node:crypto';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import type { Journal, JsonValue, Trial } from '../storage/ports.ts';
import { hasEnded } from '../storage/trial-refusals.ts';
import { canaryStanding } from './canary-standing.ts';
import { SETTLING_MS, stretchMs } from './interleaving.ts';
import type { Actuator, Change, Orders } from './orders.ts';
import { aboutJson, aboutOf, type TrialAbout } from './trial-about.ts';
import { type TrialCourse, TrialCourses, withGuards } from './trial-course.ts';
import { decideTrial } from './trial-decision.ts';
import { baselineShare, coveredShare, type JudgementRules } from './trial-judgement.ts';
import { TrialMeasuring, type TrialMeasuringOptions } from './trial-measuring.ts';
import { spreadsOf } from './trial-spread.ts';

/** What {@link TrialRunner} is made with. */
export interface TrialRunnerOptions extends TrialMeasuringOptions {
  readonly journal: Journal;
  readonly orders: Orders;
  readonly actuators: readonly Actuator<never, unknown>[];
  readonly rules: (service: string) => JudgementRules;
  /** Names of the live instances of a service. */
  readonly instances: (service: string) => readonly string[];
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

const TICK_MS = 500;
/** Without an open trial the journal is asked this often, for what another control plane has left. */
const IDLE_MS = 5_000;
/** Without calls enough to judge by, the time before is given up after so many times its length. */
const BASELINE_PATIENCE = 6;

/**
 * Takes trials from their proposal to their end: proposed (the time before is measured) - applying - watching - kept, or
 * reverting - reverted. What there is to know is in the journal after every step, so that any process can go on with it.
 */
export class TrialRunner {
  readonly #options: TrialRunnerOptions;
  readonly #courses: TrialCourses;
  readonly #measuring: TrialMeasuring;
  /** Open trials that can't go on now. */
  readonly #failing = new Map<string, { readonly sinceMs: number; readonly message: string }>();
  #timer: NodeJS.Timeout | null = null;
  #ticking: Promise<void> | null = null;
  #stopped = false;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: TrialRunnerOptions) {
    this.#options = options;
    this.#courses = new TrialCourses(options.journal);
    this.#measuring = new TrialMeasuring(options);
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
      this.#courses.keepOnly(open);
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
    const course = await this.#courses.of(trial);
    if (course.busy) return;
    if ((about.canary?.promotedAt ?? null) !== null) {
      await this.#promote(trial, about);
      return;
    }
    if (await this.#deserted(trial, about, course)) return;
    if (trial.state === 'watching' && (await this.#flipped(trial, about, course))) return;
    if (this.#options.clock.now() < course.settledAt) return;
    const isOff = trial.state === 'proposed' || about.interleaving?.isOn === false;
    if (!isOff && (await this.#harmed(trial, about, course))) return;
    const phase = isOff ? course.before : course.after;
    const sample = await this.#measuring.sample(trial, about, course, phase);
    if (sample === null) return;
    phase.push(sample);
    const kind = isOff ? 'before' : 'after';
    await this.#options.journal.note(trial.id, kind, JSON.parse(JSON.stringify(sample)) as JsonValue); // numbers and texts
    if (trial.state === 'proposed') await this.#measureBefore(trial, about, course);
    else await this.#judge(trial, about, course);
  }

  async #measureBefore(trial: Trial, about: TrialAbout, course: TrialCourse): Promise<void> {
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
  #carryOut(trial: Trial, about: TrialAbout, course: TrialCourse): void {
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
  async #flipped(trial: Trial, about: TrialAbout, course: TrialCourse): Promise<boolean> {
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
  async #harmed(trial: Trial, about: TrialAbout, course: TrialCourse): Promise<boolean> {
    const trouble = await this.#measuring.trouble(trial, course);
    if (trouble === null) return false;
    await this.#takeBack(withGuards(trial, about, course), trouble);
    return true;
  }

  async #judge(trial: Trial, about: TrialAbout, course: TrialCourse): Promise<void> {
    const { journal, clock, times, rules } = this.#options;
    const decision = decideTrial(about, course, times(trial.service), rules(trial.service), clock.now());
    const spreads = spreadsOf(about.question.affected, course.before, course.after);
    const measured: TrialAbout = { ...about, judgement: decision.judgement, spreads };
    const judged: Trial = { ...withGuards(trial, measured, course), reason: decision.judgement.reason };
    if (decision.call === 'keep' && about.canary !== undefined) {
      const { instance } = about.canary;
      await this.#step(trial, `${decision.reason} ${instance} keeps it; all others get it, too.`);
      const canary = { ...about.canary, promotedAt: new Date(clock.now()).toISOString() };
      const promoted: TrialAbout = { ...measured, canary };
      await this.#promote({ ...withGuards(trial, promoted, course), reason: decision.reason }, promoted);
    } else if (decision.call === 'keep') await this.#end(judged, 'kept', decision.reason);
    else if (decision.call === 'revert') await this.#takeBack(judged, decision.reason);
    else await journal.write(judged, 'watching');
  }

  /** What one instance has tried is given to all of them; begun by another process, it is finished. */
  async #promote(trial: Trial, about: TrialAbout): Promise<void> {
    const { orders, clock, onEnd } = this.#options;
    const instance = about.canary?.instance ?? '';
    const kept: Trial = { ...withEnd(trial, clock.now()), state: 'kept' };
    const outcome = await orders.promote(trial, kept);
    if (outcome === 'changed') {
      await this.#takeBack(trial, `It helps on ${instance}, but somebody has set it for all meanwhile, which stays.`);
    } else if (outcome === 'kept') {
      await this.#step(trial, `Kept, for all instances: ${trial.reason}`);
      onEnd(kept);
    }
  }

  /** @returns true: what one instance tries can't be compared with the others now, and is not measured */
  async #deserted(trial: Trial, { question: { canary } }: TrialAbout, course: TrialCourse): Promise<boolean> {
    if (canary === undefined) return false;
    const { clock, instances } = this.#options;
    const standing = canaryStanding(canary, instances(trial.service), course, clock.monotonicMs());
    if (typeof standing === 'string') return standing === 'missing';
    if (trial.state === 'proposed') await this.#end(trial, 'refused', standing.end);
    else await this.#takeBack(trial, standing.end);
    return true;
  }

  async #takeBack(trial: Trial, reason: string): Promise<void> {
    const { orders, onEnd } = this.#options;
    const course = this.#courses.known(trial);
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

  async #step(trial: Trial, text: string): Promise<void> {
    await this.#options.journal.note(trial.id, 'step', text);
  }

  #actuatorOf(kind: string): Actuator<never, unknown> {
    const actuator = this.#options.actuators.find((one) => one.kind === kind);
    if (actuator !== undefined) return actuator;
    throw new AutopilotError('AP_INTERNAL', `There is no way to change something of the kind "${kind}" here.`);
  }
}

function withEnd(trial: Trial, now: number): Trial {
  const about = aboutOf(trial);
  if (about === null || hasEnded(trial.state)) return trial;
  return { ...trial, about: aboutJson({ ...about, endedAt: new Date(now).toISOString() }) };
}
