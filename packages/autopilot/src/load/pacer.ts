import { thinker } from './compiled-plan.ts';
import { DueQueue } from './due-queue.ts';
import type { ArrivalLoad, ReplayLoad, UserLoad } from './plan.ts';
import { Arrivals, openProfileOf, type Share, UserProfile } from './schedule.ts';
import type { VirtualUser } from './virtual-user.ts';

/** Decides when which user begins its next iteration. Times are of the machine's clock, in ms. */
export interface Pacer {
  start(startMs: number): void;
  /** When something is due next; Infinity: nothing is. */
  readonly nextMs: number;
  /** Takes up what is due. */
  take(nowMs: number): void;
  /** A user has ended its iteration. */
  released(user: VirtualUser, nowMs: number): void;
  /** A user's pause between two iterations, which was to last until `dueMs`, is over. */
  resumed(user: VirtualUser, dueMs: number, nowMs: number): void;
  /** Gives everything up that waits. */
  giveUp(nowMs: number): void;
  /** Arrivals that wait for a free user. */
  readonly waiting: number;
  /** When the longest waiting was due; Infinity when none waits. */
  readonly firstDueMs: number;
  waitingSince(ms: number): number;
  /** Users wanted at a time. */
  usersAt(nowMs: number): number;
}

/** What a pacer tells and asks of the engine. */
export interface PacerWorld {
  readonly users: readonly VirtualUser[];
  /** No iteration may begin any more. */
  readonly halted: boolean;
  /** No new iteration becomes due: the load's time is over. */
  readonly ending: boolean;
  /** An iteration was due at a time and was noticed now. */
  due(dueMs: number, nowMs: number): void;
  dropped(dueMs: number, nowMs: number): void;
  begin(user: VirtualUser, iteration: number, dueMs: number): void;
  /** Calls `resumed` when the pause is over. */
  pause(user: VirtualUser, untilMs: number): void;
}

/** What comes in this time may wait, unless the plan says otherwise; the abort limit on waiting is as long. */
const DEFAULT_WAITING_SECONDS = 10;
const LEAST_WAITING = 1000;
const MOST_WAITING = 1_000_000;

/** Open model: arrivals by a schedule, a bounded queue, users that take the next arrival when they are free. */
export class OpenPacer implements Pacer {
  readonly #world: PacerWorld;
  readonly #share: Share;
  readonly #arrivals: Arrivals;
  readonly #queue: DueQueue;
  /** Users by local number, the longest idle first, so that all sessions take part. */
  readonly #free: DueQueue;
  #startMs: number = Number.POSITIVE_INFINITY;
  #serving = false;

  constructor(load: ArrivalLoad | ReplayLoad, seed: number, share: Share, world: PacerWorld) {
    const profile = openProfileOf(load);
    this.#world = world;
    this.#share = share;
    this.#arrivals = new Arrivals(
      profile,
      load.spacing ?? (load.kind === 'arrivals' ? 'even' : 'poisson'),
      seed,
      share,
    );
    const waiting = load.maxWaiting ?? Math.max(LEAST_WAITING, profile.peakPerSecond * DEFAULT_WAITING_SECONDS);
    this.#queue = new DueQueue(Math.ceil(Math.min(MOST_WAITING, waiting) / share.count));
    this.#free = new DueQueue(world.users.length);
  }

  start(startMs: number): void {
    this.#startMs = startMs;
    this.#world.users.forEach((_, local) => this.#free.push(startMs, local));
  }

  get nextMs(): number {
    return this.#startMs + this.#arrivals.nextMs;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get firstDueMs(): number {
    return this.#queue.firstDueMs;
  }

  waitingSince(ms: number): number {
    return this.#queue.countDueBefore(ms);
  }

  usersAt(): number {
    return this.#world.users.length;
  }

  take(nowMs: number): void {
    const arrivals = this.#arrivals;
    for (let due = this.nextMs; due <= nowMs; due = this.nextMs) {
      this.#world.due(due, nowMs);
      // Queue and free users are never both non-empty, so what finds the queue full found no user either.
      if (!this.#queue.push(due, arrivals.nextIndex)) this.#world.dropped(due, nowMs);
      arrivals.advance();
      this.#serve();
    }
  }

  released(user: VirtualUser, nowMs: number): void {
    this.#free.push(nowMs, (user.userIndex - this.#share.index) / this.#share.count);
    this.#serve();
  }

  /** Users of the open model do not pause between iterations. */
  resumed(): void {}

  giveUp(nowMs: number): void {
    for (; this.#queue.length > 0; this.#queue.shift()) this.#world.dropped(this.#queue.firstDueMs, nowMs);
  }

  /** One after the other: an iteration that ends at once comes back here while the loop runs. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    while (this.#queue.length > 0 && this.#free.length > 0 && !this.#world.halted) {
      const due = this.#queue.firstDueMs;
      const number = this.#queue.firstNumber;
      const user = this.#world.users[this.#free.firstNumber];
      this.#queue.shift();
      this.#free.shift();
      if (user !== undefined) this.#world.begin(user, number, due);
    }
    this.#serving = false;
  }
}

/** How often the number of users is compared with the one wanted. */
const ACTIVATION_MS = 50;
/** A user whose iteration had nothing to send rests this long, or it would never let go of the thread. */
const NOTHING_TO_SEND_MS = 10;

/** Closed model: each user goes on when its iteration and its pause are over. */
export class ClosedPacer implements Pacer {
  readonly waiting = 0;
  readonly firstDueMs: number = Number.POSITIVE_INFINITY;
  readonly #world: PacerWorld;
  readonly #share: Share;
  readonly #profile: UserProfile;
  readonly #pauseMs: ((user: VirtualUser) => number) | undefined;
  /** Iterations begun, by local number of the user. */
  readonly #begun: Float64Array;
  /** 1: this user takes part. */
  readonly #active: Uint8Array;
  #startMs = 0;
  nextMs: number = Number.POSITIVE_INFINITY;

  constructor(load: UserLoad, share: Share, world: PacerWorld) {
    this.#world = world;
    this.#share = share;
    this.#profile = new UserProfile(load.stages);
    const draw = load.thinkMs === undefined ? undefined : thinker(load.thinkMs);
    this.#pauseMs = draw === undefined ? undefined : (user) => draw(user.random);
    this.#begun = new Float64Array(world.users.length);
    this.#active = new Uint8Array(world.users.length);
  }

  start(startMs: number): void {
    this.#startMs = startMs;
    this.nextMs = startMs;
  }

  waitingSince(): number {
    return 0;
  }

  /** Of this share. */
  usersAt(nowMs: number): number {
    const wanted = this.#profile.usersAt(nowMs - this.#startMs);
    return Math.max(0, Math.ceil((wanted - this.#share.index) / this.#share.count));
  }

  take(nowMs: number): void {
    if (nowMs < this.nextMs || this.#world.ending) return;
    this.nextMs = nowMs + ACTIVATION_MS;
    const wanted = this.usersAt(nowMs);
    for (let local = 0; local < wanted; local++) {
      const user = this.#world.users[local];
      if (user === undefined || this.#active[local] === 1) continue;
      this.#active[local] = 1;
      this.#begin(user, nowMs, nowMs);
    }
  }

  released(user: VirtualUser, nowMs: number): void {
    const local = this.#localOf(user);
    if (this.#world.ending || local >= this.usersAt(nowMs)) {
      this.#active[local] = 0;
      return;
    }
    const pauseMs = Math.max(this.#pauseMs?.(user) ?? 0, user.requests === 0 ? NOTHING_TO_SEND_MS : 0);
    if (pauseMs > 0) this.#world.pause(user, nowMs + pauseMs);
    else this.#begin(user, nowMs, nowMs);
  }

  resumed(user: VirtualUser, dueMs: number, nowMs: number): void {
    const local = this.#localOf(user);
    if (this.#world.ending || local >= this.usersAt(nowMs)) this.#active[local] = 0;
    else this.#begin(user, dueMs, nowMs);
  }

  giveUp(): void {
    this.nextMs = Number.POSITIVE_INFINITY;
  }

  #begin(user: VirtualUser, dueMs: number, nowMs: number): void {
    if (this.#world.halted) return;
    const local = this.#localOf(user);
    const begun = this.#begun[local] ?? 0;
    this.#begun[local] = begun + 1;
    this.#world.due(dueMs, nowMs);
    this.#world.begin(user, user.userIndex + begun * this.#profile.peak, dueMs);
  }

  #localOf(user: VirtualUser): number {
    return (user.userIndex - this.#share.index) / this.#share.count;
  }
}
