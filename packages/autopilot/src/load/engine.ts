import { ExponentialHistogram } from '../kernel/histogram.ts';
import { AbortWatch, type Crossing, type SlowLimits, slowLimitsOf } from './abort-watch.ts';
import { Agenda } from './agenda.ts';
import type { CompiledPlan, CompiledStep, Script } from './compiled-plan.ts';
import { ClosedPacer, OpenPacer, type Pacer, type PacerWorld } from './pacer.ts';
import { DEFAULT_TIMEOUT_MS, type LoadPlan } from './plan.ts';
import { durationMsOf, ITERATION_STREAM, type Share, USER_STREAM, usersOf } from './schedule.ts';
import type { SharedState } from './shared-state.ts';
import { AFTER_WINDOW, type Outcome, PREPARE_WINDOW, Tally, type WindowDelta } from './tally.ts';
import { failureKindOf, type Transport } from './transport.ts';
import { type UserSession, type UserWorld, VirtualUser } from './virtual-user.ts';
import type { Waker } from './waker.ts';

/** How often timeouts, limits and the stop word are looked at, and counters are published. */
const HOUSEKEEPING_MS = 50;
/** How long requests under way may still take once the run was stopped. */
const HALT_GRACE_MS = 300;
/** Longest time after the load's end to serve what still waits, beside the time a last request may take. */
const DRAIN_MS = 10_000;
/** Users that sign in at once, and connections that are opened at once, in one worker. */
const SCRIPTS_AT_ONCE = 8;
const CONNECTS_AT_ONCE = 64;
/** How long opening a connection ahead of the load may take. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What an engine is made of; everything that reaches outside is given. */
export interface EngineOptions {
  readonly plan: LoadPlan;
  readonly compiled: CompiledPlan;
  readonly runId: string;
  readonly origin: string;
  /** Which part of the plan's arrivals and users is this engine's. */
  readonly share: Share;
  readonly newTransport: () => Transport;
  readonly newWaker: (wake: () => void) => Waker;
  /** The machine's clock, see machineClock(). */
  readonly now: () => number;
  readonly state: SharedState;
  /** This engine's place in `state`. */
  readonly worker: number;
  readonly onCrossing: (crossing: Crossing) => void;
}

/** How well the generator itself kept up. */
export interface EngineHealth {
  /** From when an iteration or a step was due to when it was noticed, in ms: encoded. Waiting for a free user is not in it. */
  readonly slip: Uint8Array;
  /** How late a timer of 50 ms was, in ms: encoded. Neither has anything of the warm-up. */
  readonly loopDelay: Uint8Array;
  readonly iterationsFailed: number;
  /** Iterations that the end of the load, or a stop, cut short. */
  readonly iterationsCut: number;
}

const NONE = {
  started: 0,
  done: 0,
  failed: 0,
  timedOut: 0,
  unfinished: 0,
  iterations: 0,
  dropped: 0,
  slowP95: 0,
  slowP99: 0,
} as const;

type Phase = 'idle' | 'preparing' | 'loading' | 'draining' | 'finishing' | 'halted';

/**
 * Runs one share of a plan on one thread: its pacer decides when iterations begin, its users send, it counts how it ends.
 *
 * In the open model a response time counts from when its arrival was due, so a target that stalls can not make the
 * generator ask less (coordinated omission; G. Tene, 2013). Every arrival is accounted for: begun or dropped; and so is
 * every request: done, failed, timed out or unfinished.
 */
export class LoadEngine implements UserWorld, PacerWorld {
  readonly plan: CompiledPlan;
  readonly seed: number;
  readonly runId: string;
  readonly origin: string;
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  readonly users: readonly VirtualUser[];
  readonly #options: EngineOptions;
  readonly #durationMs: number;
  readonly #warmupMs: number;
  readonly #tally: Tally = new Tally();
  readonly #agenda: Agenda<VirtualUser> = new Agenda();
  readonly #pacer: Pacer;
  readonly #slow: SlowLimits;
  readonly #slip: ExponentialHistogram = new ExponentialHistogram();
  readonly #loopDelay: ExponentialHistogram = new ExponentialHistogram();
  #counts: Record<Outcome | 'started' | 'iterations' | 'dropped' | 'slowP95' | 'slowP99', number> = { ...NONE };
  #phase: Phase = 'idle';
  #startMs = 0;
  #endMs: number = Number.POSITIVE_INFINITY;
  #haltedAtMs = 0;
  #lastSentMs = 0;
  #iterationsFailed = 0;
  #iterationsCut = 0;
  #waker: Waker | undefined;
  #watch: AbortWatch | undefined;
  #housekeeping: NodeJS.Timeout | undefined;
  #expectedTickMs = 0;
  /** Resolves run(). */
  #onIdle: (() => void) | undefined;
  /** Hears of scripts that are no iterations. */
  #onScriptEnd: ((failure: string | undefined) => void) | undefined;

  constructor(options: EngineOptions) {
    const { plan, compiled, share } = options;
    this.#options = options;
    this.plan = compiled;
    this.seed = plan.seed ?? 1;
    this.runId = options.runId;
    this.origin = options.origin;
    this.timeoutMs = plan.http?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.maxRedirects = plan.http?.maxRedirects ?? 0;
    this.#durationMs = durationMsOf(plan.load);
    this.#warmupMs = plan.warmupMs ?? 0;
    this.#slow = slowLimitsOf(plan.abort);
    const users: VirtualUser[] = [];
    for (let index = share.index; index < usersOf(plan.load); index += share.count) {
      users.push(new VirtualUser(this, index, options.newTransport()));
    }
    this.users = users;
    this.#pacer =
      plan.load.kind === 'users'
        ? new ClosedPacer(plan.load, share, this)
        : new OpenPacer(plan.load, this.seed, share, this);
  }

  get halted(): boolean {
    return this.#phase === 'halted' || this.#options.state.stopped;
  }

  get ending(): boolean {
    return this.#phase === 'draining' || this.#phase === 'halted';
  }

  now(): number {
    return this.#options.now();
  }

  /**
   * Opens every user's connection and does what the plan prepares, a few users at once; those of whom there is a session go on with
   * it. Answers why that failed, if it did.
   */
  async prepare(sessions: ReadonlyMap<number, UserSession> = new Map()): Promise<string | undefined> {
    const fresh: VirtualUser[] = [];
    for (const user of this.users) {
      const session = sessions.get(user.userIndex);
      if (session === undefined) fresh.push(user);
      else user.restore(session);
    }
    const script = fresh.length === 0 ? undefined : this.plan.prepare;
    // A connection for each request leaves none to open ahead.
    if (script === undefined && this.#options.plan.http?.keepAlive === false) return undefined;
    this.#phase = 'preparing';
    this.#beginHousekeeping();
    const failure = script === undefined ? await this.#connectAll() : await this.#eachUser(fresh, script, false);
    this.#endHousekeeping();
    for (const user of fresh) user.keepValues();
    return failure;
  }

  /** Of every user, by its number. */
  get sessions(): ReadonlyMap<number, UserSession> {
    return new Map(this.users.map((user) => [user.userIndex, user.session]));
  }

  /** Runs the load from `startMs` (the machine's clock) on; resolves when all of it has ended, or the run was stopped. */
  async run(startMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { plan, state } = this.#options;
    this.#onIdle = resolve;
    // What was prepared is no part of the load.
    this.#counts = { ...NONE };
    this.#startMs = startMs;
    this.#endMs = startMs + this.#durationMs;
    this.#watch = new AbortWatch(plan.abort ?? {}, state, usersOf(plan.load), startMs);
    this.#waker = this.#options.newWaker(() => this.#pump());
    this.#phase = 'loading';
    this.#pacer.start(startMs);
    this.#beginHousekeeping();
    this.#pump();
    await promise;
    this.#endHousekeeping();
    this.#waker.close();
    this.#publish(this.now());
  }

  /** Lets every user do what the plan has for the end; a failure there is counted and spoils nothing. */
  async finish(): Promise<void> {
    if (this.plan.finish === undefined || this.halted) return;
    this.#phase = 'finishing';
    this.#beginHousekeeping();
    await this.#eachUser(this.users, this.plan.finish, true);
    this.#endHousekeeping();
  }

  close(): void {
    this.#endHousekeeping();
    this.#waker?.close();
    for (const user of this.users) user.transport.close();
  }

  /** What was counted since the last call. */
  drainTally(): WindowDelta[] {
    return this.#tally.drain();
  }

  get health(): EngineHealth {
    return {
      slip: this.#slip.encode(),
      loopDelay: this.#loopDelay.encode(),
      iterationsFailed: this.#iterationsFailed,
      iterationsCut: this.#iterationsCut,
    };
  }

  // What users tell.

  sent(nowMs: number): void {
    this.#counts.started++;
    this.#lastSentMs = nowMs;
  }

  record(
    step: CompiledStep,
    outcome: Outcome,
    { dueMs, sentMs, endMs }: { dueMs: number; sentMs: number; endMs: number },
    bytesReceived: number,
    kind: string,
  ): void {
    const responseMs = endMs - dueMs;
    this.#counts[outcome]++;
    if (responseMs > this.#slow.p99Ms) this.#counts.slowP99++;
    if (responseMs > this.#slow.p95Ms) this.#counts.slowP95++;
    this.#tally.request(this.#windowOf(dueMs), step.row, outcome, responseMs, endMs - sentMs, bytesReceived, kind);
  }

  think(user: VirtualUser, untilMs: number): void {
    this.#agenda.add(untilMs, user);
    this.#planWake();
  }

  cut(): void {
    this.#iterationsCut++;
  }

  ended(user: VirtualUser, nowMs: number, failure: string | undefined): void {
    if (this.#onScriptEnd !== undefined) {
      this.#onScriptEnd(failure);
      return;
    }
    if (failure !== undefined) this.#iterationsFailed++;
    if (this.#phase !== 'halted') this.#pacer.released(user, nowMs);
    if (this.#phase !== 'loading') this.#checkIdle();
  }

  // What the pacer tells.

  due(dueMs: number, nowMs: number): void {
    this.#noteSlip(dueMs, nowMs);
    this.#counts.iterations++;
    this.#tally.iteration(this.#windowOf(dueMs));
  }

  dropped(dueMs: number, nowMs: number): void {
    this.#counts.dropped++;
    this.#tally.dropped(this.#windowOf(dueMs), nowMs - dueMs);
  }

  begin(user: VirtualUser, iteration: number, dueMs: number): void {
    user.begin('flow', iteration, ITERATION_STREAM, dueMs);
  }

  pause(user: VirtualUser, untilMs: number): void {
    this.think(user, untilMs);
  }

  /** Takes up everything that is due, and asks to be woken for what is next. */
  #pump(): void {
    const now = this.now();
    if (this.halted) {
      this.#halt(now);
      return;
    }
    this.#pacer.take(now);
    while (this.#agenda.nextMs <= now) {
      const due = this.#agenda.nextMs;
      const user = this.#agenda.take();
      if (user === undefined) break;
      if (user.busy) {
        this.#noteSlip(due, now);
        user.resume(due);
      } else this.#pacer.resumed(user, due, now);
    }
    if (this.#phase === 'loading' && now >= this.#endMs) this.#drain(now);
    this.#planWake();
  }

  /** The generator's own warm-up (code not yet compiled, connections not yet used) is no more part of its report than the target's. */
  #noteSlip(dueMs: number, nowMs: number): void {
    if (dueMs >= this.#startMs + this.#warmupMs) this.#slip.record(nowMs - dueMs);
  }

  #planWake(): void {
    const end = this.#phase === 'loading' ? this.#endMs : Number.POSITIVE_INFINITY;
    this.#waker?.wakeAt(Math.min(this.#pacer.nextMs, this.#agenda.nextMs, end));
  }

  /** The load's time is over: nothing new becomes due, users that think only clean up, what waits is still served. */
  #drain(nowMs: number): void {
    this.#phase = 'draining';
    for (const user of this.#agenda.clear()) if (user.busy) user.resume(nowMs);
    this.#checkIdle();
  }

  /** The run was stopped: nothing more is sent, and what is under way is given up after a short grace. */
  #halt(nowMs: number): void {
    if (this.#phase !== 'halted') {
      this.#phase = 'halted';
      this.#haltedAtMs = nowMs;
      this.#pacer.giveUp(nowMs);
      for (const user of this.#agenda.clear()) this.#giveUp(user, nowMs);
    }
    if (nowMs - this.#haltedAtMs >= HALT_GRACE_MS) for (const user of this.users) this.#giveUp(user, nowMs);
    this.#checkIdle();
  }

  #giveUp(user: VirtualUser, nowMs: number): void {
    if (!user.busy) return;
    this.#iterationsCut++;
    user.abandon(nowMs);
  }

  #checkIdle(): void {
    if (this.#onIdle === undefined || this.#pacer.waiting > 0 || this.users.some((user) => user.busy)) return;
    const resolve = this.#onIdle;
    this.#onIdle = undefined;
    resolve();
  }

  /** Runs a script once for each of the users. Unless `tolerant`, the first failure ends it and is the answer. */
  async #eachUser(users: readonly VirtualUser[], script: Script, tolerant: boolean): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    let next = 0;
    let running = 0;
    let failed: string | undefined;
    const goOn = (): void => {
      while (running < SCRIPTS_AT_ONCE && (tolerant || failed === undefined) && !this.halted) {
        const user = users[next++];
        if (user === undefined) break;
        running++;
        user.begin(script, user.userIndex, USER_STREAM, this.now());
      }
      if (running === 0) resolve(failed);
    };
    this.#onScriptEnd = (failure) => {
      running--;
      failed ??= failure === undefined ? undefined : `what the plan prepares failed for a user: ${failure}`;
      // Not at once: a script of which nothing was to do ends before begin() returns.
      queueMicrotask(goOn);
    };
    goOn();
    const failure = await promise;
    this.#onScriptEnd = undefined;
    return failure;
  }

  async #connectAll(): Promise<string | undefined> {
    let next = 0;
    let failed: string | undefined;
    const lane = async (): Promise<void> => {
      while (failed === undefined && !this.halted) {
        const user = this.users[next++];
        if (user === undefined) return;
        const timeout = setTimeout(() => user.transport.close(), CONNECT_TIMEOUT_MS);
        try {
          await user.transport.open();
        } catch (thrown) {
          failed ??= `no connection to ${this.origin}: ${thrown instanceof Error ? failureKindOf(thrown) : String(thrown)}`;
        } finally {
          clearTimeout(timeout);
        }
      }
    };
    await Promise.all(Array.from({ length: CONNECTS_AT_ONCE }, lane));
    return failed;
  }

  #windowOf(dueMs: number): number {
    if (this.#phase === 'preparing') return PREPARE_WINDOW;
    if (this.#phase === 'finishing' || dueMs >= this.#endMs) return AFTER_WINDOW;
    return Math.floor((dueMs - this.#startMs - this.#warmupMs) / 1000);
  }

  #beginHousekeeping(): void {
    this.#expectedTickMs = this.now() + HOUSEKEEPING_MS;
    this.#housekeeping = setInterval(() => this.#tick(), HOUSEKEEPING_MS);
  }

  #endHousekeeping(): void {
    clearInterval(this.#housekeeping);
  }

  #tick(): void {
    const now = this.now();
    for (const user of this.users) user.checkTimeout(now);
    if (this.#phase === 'preparing' || this.#phase === 'finishing') {
      if (this.#phase === 'preparing') this.#publish(now);
      if (!this.halted) return;
      for (const user of this.users) {
        const busy = user.busy;
        user.abandon(now);
        // Fails an open() that waits for it.
        user.transport.close();
        if (busy) this.#onScriptEnd?.('the run was stopped');
      }
      return;
    }
    if (now >= this.#startMs + this.#warmupMs) this.#loopDelay.record(Math.max(0, now - this.#expectedTickMs));
    this.#expectedTickMs = now + HOUSEKEEPING_MS;
    this.#publish(now);
    const crossing = now < this.#startMs || this.halted ? undefined : this.#watch?.check(now);
    if (crossing !== undefined && this.#options.state.stop(crossing.reason)) this.#options.onCrossing(crossing);
    // What is left then is more than requests under way: the target does not serve what waits in any useful time.
    if (this.#phase === 'draining' && now >= this.#endMs + this.timeoutMs + DRAIN_MS) this.#halt(now);
    // Also the safety net under the waker.
    else if (this.#onIdle !== undefined) this.#pump();
  }

  #publish(nowMs: number): void {
    const { p95Ms, p99Ms } = this.#slow;
    const pacer = this.#pacer;
    let underWay = 0;
    let slowP95 = pacer.waitingSince(nowMs - p95Ms);
    let slowP99 = pacer.waitingSince(nowMs - p99Ms);
    for (const user of this.users) {
      if (Number.isNaN(user.sentMs)) continue;
      underWay++;
      if (nowMs - user.dueMs > p95Ms) slowP95++;
      if (nowMs - user.dueMs > p99Ms) slowP99++;
    }
    this.#options.state.publish(this.#options.worker, {
      ...this.#counts,
      underWay,
      underWaySlowP95: slowP95,
      underWaySlowP99: slowP99,
      waiting: pacer.waiting,
      longestWaitMs: pacer.waiting === 0 ? 0 : Math.max(0, nowMs - pacer.firstDueMs),
      users: pacer.usersAt(nowMs),
      lastSentMs: this.#lastSentMs,
    });
  }
}
