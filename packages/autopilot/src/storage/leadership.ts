import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Candidate, LeaderLease } from './ports.ts';

/**
 * Which part this control plane plays in its fleet.
 *
 *   starting -> leading    took the lease; renewed every 2 s, good for 6 s
 *            -> standby    another one has it, and can be reached
 *            -> alone      nobody can say who leads (the store is away), or the leader can't be reached from here
 *   leading  -> standby    found another one in its place, after having been stopped for longer than the lease, say
 *   standby  -> leading    the lease had expired, or was given up
 *   standby  -> alone      the leader has not answered for 12 s, which is longer than a change of the leader takes
 *   alone    -> any        as soon as the store, or the leader, answers again
 *
 * Two things are kept apart. Answering from what is known here harms nobody: a leader whose store is away goes on with it, and so
 * does who is alone. What must happen once in a fleet needs `mayAct`, which ends by this machine's monotonic clock, half a
 * second before the lease can be taken over, whether or not anybody could be asked.
 */
export type Role =
  | { readonly kind: 'leading'; readonly epoch: number }
  | { readonly kind: 'standby'; readonly epoch: number; readonly leader: Candidate }
  | { readonly kind: 'alone'; readonly reason: string };

/** What {@link Leadership} is made with. */
export interface LeadershipOptions {
  readonly lease: LeaderLease;
  readonly clock: Clock;
  readonly candidate: Candidate;
  /** Whether a leader answers, and is the one it is said to be. Must settle within a few seconds. */
  readonly reaches: (leader: Candidate) => Promise<boolean>;
  /** Told of each change, before anybody is answered by it. */
  readonly onRole: (role: Role) => void;
  readonly onTrouble: (message: string) => void;
}

const LEASE_MS = 6_000;
/** The lease counts as lost here so much earlier than it can be taken elsewhere. */
const MARGIN_MS = 500;
/** From one asking to the next, however long the answer took: three tries fit into a lease. */
const RENEW_EVERY_MS = 2_000;
/** A leader that could not ask tries again at once: a lease must not be lost by one slow statement. */
const RETRY_MS = 250;
const LOOK_EVERY_MS = 1_000;
const UNREACHABLE_AFTER_MS = 12_000;
const KEYS_EVERY_MS = 30_000;
const KEYS_LIVE_MS = 30 * 24 * 60 * 60_000;

/** Takes part in the choice of a leader, from start() to close(). */
export class Leadership {
  readonly #options: LeadershipOptions;
  #role: Role = { kind: 'alone', reason: 'It has just started.' };
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #reachedMs: number;
  #keys: readonly string[] = [];
  #keysDueMs = Number.NEGATIVE_INFINITY;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #dueMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #turn: Promise<void> | null = null;
  #closed = false;
  #told = '';

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#reachedMs = options.clock.monotonicMs();
  }

  get role(): Role {
    return this.#role;
  }

  /** What control planes of the fleet sign with among themselves, newest first. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** Whether what must happen once in a fleet may be done here, at this moment. */
  get mayAct(): boolean {
    return this.#role.kind === 'leading' && this.#options.clock.monotonicMs() < this.#heldUntilMs;
  }

  /** How long until the next turn is to be taken; 0: at once. */
  get dueInMs(): number {
    return Math.max(0, this.#dueMs - this.#options.clock.monotonicMs());
  }

  /** Takes turns from now on. Resolves when the first one is over, whatever came of it. */
  start(): Promise<void> {
    return this.#run();
  }

  /** Asks who leads, and plays the part that follows; start() does so by itself. Never rejects. */
  async turn(): Promise<void> {
    if (this.#closed) return;
    this.#turn = this.#takeTurn();
    await this.#turn;
    this.#turn = null;
  }

  /** Gives up the lead. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#turn;
    if (this.#role.kind !== 'leading') return;
    this.#heldUntilMs = Number.NEGATIVE_INFINITY;
    // Nobody hears that it could not: then it expires.
    await this.#options.lease.resign(this.#options.candidate.holder).catch(() => {});
  }

  async #run(): Promise<void> {
    await this.turn();
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#run(), this.dueInMs);
    this.#timer.unref();
  }

  async #takeTurn(): Promise<void> {
    const { lease, clock, candidate } = this.#options;
    // Before it is asked for: the lease may be shorter than we know, never longer.
    const askedMs = clock.monotonicMs();
    this.#dueMs = askedMs + LOOK_EVERY_MS;
    try {
      const answer = await lease.take(candidate, LEASE_MS);
      if (answer.held) {
        this.#heldUntilMs = askedMs + LEASE_MS - MARGIN_MS;
        this.#renewedMs = askedMs;
        this.#dueMs = askedMs + RENEW_EVERY_MS;
      } else if (this.#role.kind === 'leading') {
        const silentMs = Math.round(askedMs - this.#renewedMs);
        this.#tell(
          `The lead went to ${answer.leader.address}: it was not renewed for ${silentMs} ms, and is good for ${LEASE_MS}.`,
        );
      }
      await this.#refreshKeys(answer.held);
      if (answer.held) this.#become({ kind: 'leading', epoch: answer.epoch });
      else await this.#follow(answer.epoch, answer.leader);
      if (this.#role.kind !== 'alone') this.#told = '';
    } catch (error) {
      this.#tell(messageOf(error));
      const role = this.#role;
      this.#dueMs = clock.monotonicMs() + (role.kind === 'leading' ? RETRY_MS : LOOK_EVERY_MS);
      // A leader goes on answering: who could take its place would have to ask the same store.
      if (role.kind === 'standby') await this.#follow(role.epoch, role.leader);
      else if (role.kind === 'alone') this.#become({ kind: 'alone', reason: messageOf(error) });
    }
  }

  async #follow(epoch: number, leader: Candidate): Promise<void> {
    const { clock, reaches } = this.#options;
    const role = this.#role;
    if (await reaches(leader).catch(() => false)) {
      this.#reachedMs = clock.monotonicMs();
      this.#become({ kind: 'standby', epoch, leader });
      return;
    }
    const reason = `The control plane that leads, at ${leader.address} of ${leader.host}, can't be reached from here. Let it listen where others reach it (AUTOPILOT_HOST, AUTOPILOT_ADVERTISE).`;
    const isLong = clock.monotonicMs() - this.#reachedMs > UNREACHABLE_AFTER_MS;
    // Sooner it is only the time that a new leader takes.
    if (isLong) this.#tell(reason);
    if (isLong || role.kind === 'alone') {
      this.#become({ kind: 'alone', reason });
      return;
    }
    this.#become({ kind: 'standby', epoch, leader });
  }

  async #refreshKeys(leads: boolean): Promise<void> {
    const atMs = this.#options.clock.monotonicMs();
    if (atMs < this.#keysDueMs) return;
    try {
      if (leads) await this.#options.lease.rotateKeys(KEYS_LIVE_MS);
      this.#keys = await this.#options.lease.keys();
      this.#keysDueMs = atMs + KEYS_EVERY_MS;
    } catch (error) {
      // With those from before the fleet goes on: they are no reason to lose the lead.
      if (this.#keys.length === 0) throw error;
    }
  }

  #become(role: Role): void {
    const before = this.#role;
    if (this.#closed) return;
    this.#role = role;
    if (sameRole(before, role)) return;
    if (role.kind !== 'alone') this.#reachedMs = this.#options.clock.monotonicMs();
    this.#options.onRole(role);
  }

  /** The same trouble is told once. */
  #tell(message: string): void {
    if (message === this.#told) return;
    this.#told = message;
    this.#options.onTrouble(message);
  }
}

function sameRole(a: Role, b: Role): boolean {
  if (a.kind === 'alone' || b.kind === 'alone') return a.kind === b.kind;
  if (a.kind !== b.kind || a.epoch !== b.epoch) return false;
  return a.kind === 'leading' || (b.kind === 'standby' && a.leader.address === b.leader.address);
}
