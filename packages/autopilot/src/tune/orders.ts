import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import type { Journal, JsonValue, Trial } from '../storage/ports.ts';
import { hasEnded } from '../storage/trial-refusals.ts';

/** Something that is to be changed, for whoever has to allow it. */
export interface Change {
  readonly service: string;
  /** Which actuator carries it out. */
  readonly kind: string;
  /** What is changed, for people: "monitoring.maxRoutes". */
  readonly subject: string;
  readonly author: string;
  /** `person`: somebody asked for it; `autopilot`: nobody did. */
  readonly origin: 'person' | 'autopilot';
}

/** Allows a change, or says why not. */
export interface Guard {
  readonly name: string;
  check(change: Change): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>;
}

/** Carries out changes of one kind. What it needs to do so, and to take it back, is data that outlives the process. */
export interface Actuator<C extends Change, Result> {
  readonly kind: string;
  /** What it does leaves nothing to be watched or taken back: done is done, whoever wanted it. */
  readonly isFinal?: true;
  /** The change as data, from which heal() knows it again. */
  describe(change: C): JsonValue;
  /** How to take it back; changes nothing. */
  plan(change: C): Promise<JsonValue>;
  /** Does it whole or not at all. `id` names the order, so that what was done can be found. */
  apply(change: C, id: string): Promise<Result>;
  /** Takes it back; done already is well done. */
  undo(undo: JsonValue, trial: Trial): Promise<void>;
  /** Takes it away for a while, or brings it again, for what is cheap to flip; done already is well done. */
  flip?(trial: Trial, isOn: boolean): Promise<void>;
  /** Gives all what was tried on a part of them; done already is well done. False: somebody has changed it for all meanwhile. */
  promote?(trial: Trial): Promise<boolean>;
  /** Ends what apply() is at, which then fails; absent: that can't be ended. Never called for what is not under way. */
  cancel?(trial: Trial): Promise<void>;
  /** Looks at the world: was this order carried out? */
  heal(trial: Trial): Promise<'applied' | 'absent'>;
}

/** What healing and taking back need of an actuator. */
type OrderActuator = Pick<Actuator<never, unknown>, 'kind' | 'isFinal' | 'undo' | 'heal' | 'promote' | 'cancel'>;

/** What {@link Orders} are made with. */
export interface OrdersOptions {
  readonly journal: Journal;
  readonly guards: readonly Guard[];
  /** By kind, for healing and taking back. */
  readonly actuators: readonly OrderActuator[];
  readonly onTrouble: (message: string) => void;
}

/** Where this process is with an order. */
interface Course {
  isApplying: boolean;
  /** Why it was to be ended; null: it was not. */
  stopped: string | null;
}

/** How long it is waited for what is ended to be settled: what was built has to go, too. */
const STOP_WAIT_MS = 60_000;
const STOP_POLL_MS = 100;

/**
 * The path of an order, and the only way to change anything: every guard, then the way back, then the journal, then the
 * change, then the journal. A process that dies anywhere on it leaves an open entry, and heal() finishes it or takes it
 * back.
 */
export class Orders {
  readonly #options: OrdersOptions;
  /** What this process itself is at: not to be healed. */
  readonly #underWay = new Map<string, Course>();

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  /**
   * @param proposed a trial that was proposed, and is carried out now: watched afterwards. Absent: a new order
   * @throws AutopilotError AP_ORDER_REFUSED, and what the actuator throws
   */
  async carryOut<C extends Change, Result>(
    change: C,
    actuator: Actuator<C, Result>,
    proposed?: Trial,
  ): Promise<Result> {
    const { journal, guards } = this.#options;
    const id = proposed?.id ?? randomUUID();
    for (const guard of guards) {
      const verdict = await guard.check(change);
      if (verdict.ok) continue;
      const reason = `${guard.name}: ${verdict.reason}`;
      await journal.write(
        proposed === undefined
          ? this.#trial(id, change, actuator.describe(change), null, 'refused', reason)
          : { ...proposed, state: 'refused', reason },
      );
      throw new AutopilotError('AP_ORDER_REFUSED', `The change of ${change.subject} is not allowed. ${reason}`);
    }
    const undo = await actuator.plan(change);
    const reason = `Asked for by ${change.author}.`;
    const trial: Trial =
      proposed === undefined
        ? this.#trial(id, change, actuator.describe(change), undo, 'applying', reason)
        : { ...proposed, undo, state: 'applying' };
    const course: Course = { isApplying: false, stopped: null };
    this.#underWay.set(id, course);
    try {
      // Somebody may have ended it while the way back was looked for.
      if (!(await journal.write(trial, proposed?.state))) throw ended(trial, 'before anything was changed');
      const result = await this.#applied(change, actuator, trial, course);
      const isWatched = trial.scope !== null || (change.origin !== 'person' && actuator.isFinal !== true);
      await this.#done({ ...trial, state: isWatched ? 'watching' : 'kept' }, actuator);
      return result;
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #applied<C extends Change, Result>(
    change: C,
    actuator: Actuator<C, Result>,
    trial: Trial,
    course: Course,
  ): Promise<Result> {
    try {
      course.isApplying = true;
      return await actuator.apply(change, trial.id);
    } catch (error) {
      course.isApplying = false;
      await this.#settle(trial, course.stopped === null ? error : new Error(course.stopped));
      throw error;
    } finally {
      course.isApplying = false;
    }
  }

  /** What is done is done: an entry that stays open is closed by heal(). One that another process has taken back meanwhile is taken back. */
  async #done(trial: Trial, actuator: Pick<Actuator<never, unknown>, 'undo'>): Promise<void> {
    const { journal, onTrouble } = this.#options;
    try {
      if (await journal.write(trial, 'applying')) return;
      const now = await journal.read(trial.id);
      if (now?.state !== 'reverted' && now?.state !== 'reverting') return;
    } catch (error) {
      onTrouble(`The journal can't be written: ${messageOf(error)}`);
      return;
    }
    await actuator.undo(trial.undo, trial);
    throw ended(trial, 'while it was made, so that it is taken back');
  }

  /**
   * Finishes or takes back what a process that died has left open; for the start, and now and then. May run while another one does.
   * @param olderThanMs younger ones are left alone: another control plane may be at them
   */
  async heal(olderThanMs: number): Promise<void> {
    const { journal, onTrouble } = this.#options;
    for (const listed of (await journal.open()).filter(isHalf)) {
      if (Date.now() - Date.parse(listed.updatedAt) < olderThanMs) continue;
      try {
        // Healing those before it may have taken minutes.
        const trial = await journal.read(listed.id);
        if (trial === null || !isHalf(trial) || this.#underWay.has(trial.id)) continue;
        if (trial.state === 'reverting') {
          await this.revert(trial, trial.reason);
          await this.#tell(trial, `Taken back after an interruption: ${trial.reason}`);
          continue;
        }
        this.#underWay.set(trial.id, { isApplying: false, stopped: null });
        try {
          await this.#finish(
            trial,
            await this.#actuatorOf(trial).heal(trial),
            'It was interrupted before it was done; what was begun is gone.',
          );
        } finally {
          this.#underWay.delete(trial.id);
        }
      } catch (error) {
        onTrouble(`The open order ${listed.id} (${listed.subject}) can't be healed yet: ${messageOf(error)}`);
      }
    }
  }

  /**
   * Takes back an order that was carried out; one that is being carried out is ended where that can be done.
   * @throws AutopilotError AP_ORDER_REFUSED while it is being changed, AP_TRIAL_ENDED; what the actuator throws: the order then stays `reverting`
   */
  async revert(trial: Trial, reason: string): Promise<void> {
    const course = this.#underWay.get(trial.id);
    if (course !== undefined) {
      await this.#stop(trial, course, reason);
      const now = await this.#options.journal.read(trial.id);
      if (now !== null && !hasEnded(now.state)) await this.revert(now, reason);
      return;
    }
    this.#underWay.set(trial.id, { isApplying: false, stopped: null });
    try {
      await this.#takeBack(trial, reason);
    } finally {
      this.#underWay.delete(trial.id);
    }
  }

  /**
   * Gives all what was tried on a part of them, and keeps it. Said first, so that whoever comes next finishes it.
   * @returns `gone on`: somebody else is at it, or has ended it; `changed`: somebody has changed it for all meanwhile, which stays
   */
  async promote(trial: Trial, kept: Trial): Promise<'kept' | 'gone on' | 'changed'> {
    const { journal } = this.#options;
    if (this.#underWay.has(trial.id)) return 'gone on';
    this.#underWay.set(trial.id, { isApplying: false, stopped: null });
    try {
      if (!(await journal.write(trial, 'watching'))) return 'gone on';
      if ((await this.#actuatorOf(trial).promote?.(trial)) !== true) return 'changed';
      return (await journal.write(kept, 'watching')) ? 'kept' : 'gone on';
    } finally {
      this.#underWay.delete(trial.id);
    }
  }

  /** Ends what an order is at, and waits until it is settled. */
  async #stop(trial: Trial, course: Course, reason: string): Promise<void> {
    const actuator = this.#actuatorOf(trial);
    for (const until = performance.now() + STOP_WAIT_MS; this.#underWay.get(trial.id) === course; ) {
      if (performance.now() > until || actuator.cancel === undefined) {
        throw new AutopilotError('AP_ORDER_REFUSED', `${trial.subject} is being changed just now.`, {
          remedy: 'Try again when that is done.',
        });
      }
      // Again and again: between two statements there is nothing to be ended.
      if (course.isApplying) {
        course.stopped = reason;
        await actuator.cancel(trial);
      }
      await delay(STOP_POLL_MS);
    }
  }

  async #takeBack(trial: Trial, reason: string): Promise<void> {
    const { journal } = this.#options;
    const actuator = this.#actuatorOf(trial);
    const reverting: Trial = { ...trial, state: 'reverting', reason };
    if (!(await journal.write(reverting))) throw ended(trial, 'already');
    await actuator.undo(trial.undo, trial);
    await journal.write({ ...reverting, state: 'reverted' });
  }

  /**
   * @param found what heal() has made of the world: asked once, as it may change it
   * @param absent the reason where nothing of it is there
   */
  async #finish(trial: Trial, found: 'applied' | 'absent', absent: string): Promise<void> {
    const { journal } = this.#options;
    if (found === 'absent') {
      const ended: Trial = { ...trial, state: 'reverted', reason: absent };
      if (await journal.write(ended, 'applying')) await this.#tell(trial, absent);
      return;
    }
    const reason = `${trial.reason} Finished after an interruption.`;
    if (trial.scope !== null) {
      if (await journal.write({ ...trial, state: 'watching', reason }, 'applying')) await this.#tell(trial, reason);
    } else if (trial.origin === 'person' || this.#actuatorOf(trial).isFinal === true) {
      await journal.write({ ...trial, state: 'kept', reason }, 'applying');
    } else {
      await this.#takeBack(trial, 'It was interrupted, so nobody has watched what it did: taken back.');
    }
  }

  /** Among the steps of a trial; other orders have none. */
  async #tell({ id, scope }: Trial, text: string): Promise<void> {
    if (scope !== null) await this.#options.journal.note(id, 'step', text);
  }

  /** After a failure: whether it was carried out all the same (an answer that got lost) is asked of the world. */
  async #settle(trial: Trial, error: unknown): Promise<void> {
    try {
      const found = await this.#actuatorOf(trial).heal(trial);
      await this.#finish(trial, found, `Nothing was changed: ${messageOf(error)}`);
    } catch {
      // The world can't be asked now either: the entry stays open, and heal() comes back to it.
    }
  }

  #actuatorOf({ kind, id }: Trial): OrderActuator {
    const actuator = this.#options.actuators.find((one) => one.kind === kind);
    if (actuator !== undefined) return actuator;
    throw new AutopilotError(
      'AP_INTERNAL',
      `The order ${id} is of the kind "${kind}", which this release does not know.`,
    );
  }

  #trial(
    id: string,
    { service, kind, subject, author, origin }: Change,
    change: JsonValue,
    undo: JsonValue,
    state: Trial['state'],
    reason: string,
  ): Trial {
    const at = new Date().toISOString();
    const plain = { id, service, kind, subject, author, origin, state, reason, change, undo };
    return { ...plain, scope: null, about: null, at, updatedAt: at };
  }
}

function isHalf({ state }: Trial): boolean {
  return state === 'applying' || state === 'reverting';
}

function ended({ subject }: Trial, when: string): AutopilotError {
  return new AutopilotError('AP_TRIAL_ENDED', `The change of ${subject} was ended ${when}.`, {
    remedy: 'The journal says by whom; ask for it again where it is still wanted.',
  });
}
