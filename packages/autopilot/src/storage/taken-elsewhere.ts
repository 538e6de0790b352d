import type { TimeSpan } from '../contract/frame.ts';
import { type Origin, processKey, type Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { Slice } from './ports.ts';

/** Before the live hour begins here another control plane may have had the link; what it took is in history within this. */
const HANDOVER_MS = 20_000;
/** What the one before took last is looked for this far back. */
const BEFORE_MS = 60_000;
/** An instance that history heard of within this is alive: it writes every 10 s, up to 1.5 s late. */
const ALIVE_MS = 30_000;
/** History ahead of the link by more than this: the link is not what brings the windows of that instance. */
const AHEAD_MS = 2_000;
/** An agent keeps what the store does not take for a day at most. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000;
/** As long as the live hour, and its margins. */
const REMEMBERED_MS = 62 * 60_000;
/** Most of an instance; further ones are joined to the last. */
const MAX_SPANS = 20;

interface ElsewhereSpan {
  from: EpochMs;
  to: EpochMs;
  /** History has it. */
  isStored: boolean;
}

interface Instance {
  readonly origin: Origin;
  /** Where the newest window of the link ended here. */
  liveEnd: EpochMs;
  /** The same, or where the newest ended that went elsewhere. */
  knownEnd: EpochMs;
  /** Where the newest window of history ended, when it was last looked at. */
  storedEnd: EpochMs;
  spans: ElsewhereSpan[];
}

/**
 * Which windows of the last hour went to another control plane than this: the live hour lacks them, and history gets them from
 * their agent within 12 s, or when its store is back.
 *
 *   an agent says until when its windows were taken     what is not here by then was taken elsewhere
 *   history is ahead of the link                        the agent is linked elsewhere, or not at all
 *   nobody has said anything yet                        for 20 s from the moment that this control plane took over
 */
export class TakenElsewhere {
  readonly #instances: Map<string, Instance> = new Map();
  #since: EpochMs = Number.NEGATIVE_INFINITY;
  #tookOver = false;

  /** Links come here from now on; `tookOver`: another control plane had them before. */
  begin(now: EpochMs, tookOver: boolean): void {
    this.#since = now;
    this.#tookOver = tookOver;
  }

  /** Windows that the link brought. */
  appended(origin: Origin, windows: readonly Window[]): void {
    const end = windows.reduce((last, window) => Math.max(last, window.start + window.durationMs), 0);
    const instance = this.#instanceOf(origin);
    instance.liveEnd = Math.max(instance.liveEnd, end);
    instance.knownEnd = Math.max(instance.knownEnd, end);
  }

  /** An agent says that all its windows that end by `until` were taken, by whomever; to be told before what it sends with it. */
  taken(origin: Origin, until: EpochMs, now: EpochMs): void {
    if (!Number.isSafeInteger(until) || until > now + BEFORE_MS || until < now - REMEMBERED_MS) return;
    this.#addSpan(this.#instanceOf(origin), until, false);
  }

  /** Windows that history has, found from {@link lookFrom} on. */
  stored(service: string, windows: Iterable<Pick<Slice, 'origin' | 'start' | 'durationMs'>>, now: EpochMs): void {
    for (const { origin, start, durationMs } of windows) {
      const instance = this.#instanceOf(origin);
      instance.storedEnd = Math.max(instance.storedEnd, start + durationMs);
      if (instance.storedEnd > instance.liveEnd + AHEAD_MS) this.#addSpan(instance, instance.storedEnd, true);
    }
    for (const { origin, spans, storedEnd } of this.#instances.values()) {
      if (origin.service !== service) continue;
      for (const span of spans) {
        // Agents write oldest first.
        if (span.to <= storedEnd) span.isStored = true;
        // So far it has it.
        else if (!span.isStored)
          span.from = Math.max(span.from, Math.min(storedEnd, span.to), span.to - LONGEST_WAIT_MS);
      }
    }
    this.#forget(now - REMEMBERED_MS);
  }

  /** Whether it is to be found out soon what history has. */
  isOpen(service: string, now: EpochMs): boolean {
    return this.#isNew(now) || this.#spansOf(service).some(({ isStored }) => !isStored);
  }

  /** From where on windows of history answer what is open. */
  lookFrom(service: string, now: EpochMs): EpochMs {
    const open = this.#spansOf(service).filter(({ isStored }) => !isStored);
    return Math.min(now - (this.#isNew(now) ? BEFORE_MS : ALIVE_MS), ...open.map(({ to }) => to - 1));
  }

  /** Time of which an instance's live windows may tell nothing, though they were joined over it. */
  ofInstance(origin: Origin): readonly TimeSpan[] {
    return this.#instances.get(nameOf(origin))?.spans ?? [];
  }

  /** Whether any of the service went elsewhere in [from, to). */
  isIn(service: string, { from, to }: TimeSpan): boolean {
    return this.#spansOf(service).some((span) => span.from < to && span.to > from);
  }

  /** Time of which not everything can be had yet; `withoutHistory`: what history has can't be had either. */
  unsettled(service: string, now: EpochMs, withoutHistory: boolean): readonly TimeSpan[] {
    const spans: TimeSpan[] = this.#spansOf(service)
      .filter(({ isStored }) => withoutHistory || !isStored)
      .map(({ from, to }) => ({ from, to }));
    if (this.#isNew(now)) spans.push({ from: this.#since - BEFORE_MS, to: this.#since + HANDOVER_MS });
    for (const { origin, liveEnd, storedEnd } of this.#instances.values()) {
      // It writes, and nothing of what it has done since is here.
      const isAlive = storedEnd > now - ALIVE_MS && storedEnd > liveEnd + AHEAD_MS;
      if (origin.service === service && isAlive) spans.push({ from: storedEnd, to: Number.POSITIVE_INFINITY });
    }
    return spans;
  }

  #isNew(now: EpochMs): boolean {
    return this.#tookOver && now >= this.#since && now < this.#since + HANDOVER_MS;
  }

  #spansOf(service: string): readonly ElsewhereSpan[] {
    return Array.from(this.#instances.values()).flatMap(({ origin, spans }) =>
      origin.service === service ? spans : [],
    );
  }

  #addSpan(instance: Instance, until: EpochMs, isStored: boolean): void {
    const { knownEnd, spans } = instance;
    if (until <= knownEnd) return;
    instance.knownEnd = until;
    const last = spans.at(-1);
    const joins =
      last !== undefined && ((last.to === knownEnd && last.isStored === isStored) || spans.length >= MAX_SPANS);
    if (joins) {
      last.to = until;
      last.isStored &&= isStored;
    } else spans.push({ from: knownEnd, to: until, isStored });
  }

  #instanceOf(origin: Origin): Instance {
    const name = nameOf(origin);
    const known = this.#instances.get(name);
    if (known !== undefined) return known;
    const { service, instance, release } = origin;
    const made = { origin: { service, instance, release }, liveEnd: 0, knownEnd: 0, storedEnd: 0, spans: [] };
    this.#instances.set(name, made);
    return made;
  }

  #forget(before: EpochMs): void {
    for (const [name, instance] of this.#instances) {
      instance.spans = instance.spans.filter(({ to }) => to > before);
      if (instance.spans.length === 0 && Math.max(instance.knownEnd, instance.storedEnd) <= before)
        this.#instances.delete(name);
    }
  }
}

function nameOf(origin: Origin): string {
  return `${origin.service}\u0000${processKey(origin)}`;
}
