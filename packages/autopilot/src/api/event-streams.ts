import type { SettingsView } from '../config/live-settings.ts';
import type { Clock } from '../kernel/clock.ts';
import { AutopilotError, messageOf } from '../kernel/errors.ts';

/** What a live stream sends. */
export interface EventSource<Document> {
  /** Streams with the same key send the same: it is computed once for all of them. */
  readonly key: string;
  /** The events' name. */
  readonly event: string;
  readonly compute: () => Promise<Document>;
  /** A document cut to what is new since `before`; the first event of a stream is whole. */
  readonly tail: (document: Document, before: Document) => Document;
}

/** What {@link EventStreams} are made with. */
export interface EventStreamsOptions {
  readonly clock: Clock;
  /** api.maxStreams, api.longestStreamMs */
  readonly settings: SettingsView;
  readonly onTrouble: (message: string) => void;
}

/** Without windows (nothing is linked, or all is stalled) a tick comes all the same, this long after the one before. */
const UNPROMPTED_MS = 1200;
/** At most one tick in this time: a second, less what timers are late. */
const SHORTEST_MS = 950;
/** After a window came: what the other instances send in the same moment goes into the same event. */
const GATHER_MS = 25;

const encoder = new TextEncoder();

interface Subscriber {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly endsAtMs: number;
  /** It has not had the last event, so that only a whole document brings it up to date. */
  behind: boolean;
}

interface Group {
  readonly event: string;
  readonly subscribers: Set<Subscriber>;
  /** The next document, and what of it is new. */
  readonly next: () => Promise<{ readonly document: unknown; readonly cut: unknown }>;
  /** Whether this is the document that was sent last. */
  readonly isLast: (document: unknown) => boolean;
  computing: boolean;
}

function groupOf<Document>(source: EventSource<Document>, first: Document): Group {
  let last = first;
  return {
    event: source.event,
    subscribers: new Set(),
    next: async () => {
      const document = await source.compute();
      const cut = source.tail(document, last);
      last = document;
      return { document, cut };
    },
    isLast: (document) => document === last,
    computing: false,
  };
}

/**
 * Live streams as server-sent events (WHATWG HTML, section 9.2). All tick together, just after windows have come or else
 * every 1.2 s; each group of equal streams is computed and encoded once a tick.
 *
 * A reader that does not keep up has one event waiting for it and skips the others, then gets a whole document again:
 * nothing is ever queued for it.
 */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #groups: Map<string, Group> = new Map();
  #streams = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #tickedAtMs = Number.NEGATIVE_INFINITY;
  #sequence = 0;
  #closed = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#streams;
  }

  /**
   * Opens a stream whose first event is `first`, whole.
   * @throws AutopilotError AP_TOO_MANY_STREAMS, AP_CONTROL_PLANE_CLOSING
   */
  open<Document>(source: EventSource<Document>, first: Document, signal: AbortSignal): ReadableStream<Uint8Array> {
    if (this.#closed) {
      throw new AutopilotError('AP_CONTROL_PLANE_CLOSING', 'The control plane is closing, so no stream is opened.');
    }
    const { maxStreams, longestStreamMs } = this.#options.settings.current.api;
    if (this.#streams >= maxStreams) {
      throw new AutopilotError('AP_TOO_MANY_STREAMS', `${this.#streams} live streams are open, which is the most.`, {
        remedy: 'Close a page that shows the dashboard, or ask without "Accept: text/event-stream" once in a while.',
      });
    }
    let subscriber: Subscriber | null = null;
    const leave = (): void => {
      if (subscriber !== null) this.#leave(source.key, subscriber);
    };
    // One event waits at most: a queue of 1, filled while nobody reads.
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          subscriber = { controller, endsAtMs: this.#options.clock.monotonicMs() + longestStreamMs, behind: false };
          this.#join(source, first, subscriber);
          controller.enqueue(encoder.encode(`retry: 1000\n\n${this.#eventText(source.event, JSON.stringify(first))}`));
          signal.addEventListener('abort', leave, { once: true });
          if (signal.aborted) leave();
        },
        cancel: leave,
      },
      { highWaterMark: 1 },
    );
  }

  /** Something new has come: streams that are due tick now. */
  poke(): void {
    if (this.#streams === 0 || this.#closed) return;
    const now = this.#options.clock.monotonicMs();
    this.#schedule(Math.max(now + GATHER_MS, this.#tickedAtMs + SHORTEST_MS));
  }

  /** Ends all streams; their clients will connect elsewhere, or again. */
  close(): void {
    this.#closed = true;
    this.endAll();
  }

  /** Ends all streams, and opens new ones. */
  endAll(): void {
    for (const [key, { subscribers }] of this.#groups) {
      for (const subscriber of subscribers) this.#leave(key, subscriber);
    }
  }

  #join<Document>(source: EventSource<Document>, first: Document, subscriber: Subscriber): void {
    const known = this.#groups.get(source.key);
    const group = known ?? groupOf(source, first);
    if (known === undefined) this.#groups.set(source.key, group);
    // What it starts with may be older than what the others last had.
    subscriber.behind = !group.isLast(first);
    group.subscribers.add(subscriber);
    this.#streams++;
    if (this.#timer === null) this.#schedule(this.#options.clock.monotonicMs() + UNPROMPTED_MS);
  }

  #leave(key: string, subscriber: Subscriber): void {
    const group = this.#groups.get(key);
    if (group?.subscribers.delete(subscriber) !== true) return;
    this.#streams--;
    if (group.subscribers.size === 0) this.#groups.delete(key);
    if (this.#streams === 0 && this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#dueAtMs = Number.POSITIVE_INFINITY;
    }
    try {
      subscriber.controller.close();
    } catch {
      // Its reader has cancelled it before, which closes it too.
    }
  }

  #schedule(atMs: number): void {
    if (atMs >= this.#dueAtMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dueAtMs = atMs;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, atMs - this.#options.clock.monotonicMs()));
  }

  #tick(): void {
    const now = this.#options.clock.monotonicMs();
    this.#timer = null;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#tickedAtMs = now;
    for (const [key, group] of this.#groups) {
      for (const subscriber of group.subscribers) if (subscriber.endsAtMs <= now) this.#leave(key, subscriber);
      // One that takes longer than a tick leaves the next one out.
      if (group.subscribers.size > 0 && !group.computing) void this.#send(group);
    }
    if (this.#streams > 0) this.#schedule(now + UNPROMPTED_MS);
  }

  async #send(group: Group): Promise<void> {
    const { event, subscribers } = group;
    group.computing = true;
    try {
      const { document, cut } = await group.next();
      let whole: Uint8Array | undefined;
      let tail: Uint8Array | undefined;
      for (const subscriber of subscribers) {
        if ((subscriber.controller.desiredSize ?? 0) <= 0) {
          subscriber.behind = true;
          continue;
        }
        if (subscriber.behind) {
          whole ??= encoder.encode(this.#eventText(event, JSON.stringify(document)));
          subscriber.controller.enqueue(whole);
          subscriber.behind = false;
        } else {
          tail ??= encoder.encode(this.#eventText(event, JSON.stringify(cut)));
          subscriber.controller.enqueue(tail);
        }
      }
    } catch (error) {
      this.#options.onTrouble(`A live stream had nothing to send: ${messageOf(error)}.`);
      // A comment, so that the connection is seen to live.
      const beat = encoder.encode(': nothing to send\n\n');
      for (const { controller } of subscribers) if ((controller.desiredSize ?? 0) > 0) controller.enqueue(beat);
    } finally {
      group.computing = false;
    }
  }

  #eventText(event: string, data: string): string {
    return `event: ${event}\nid: ${++this.#sequence}\ndata: ${data}\n\n`;
  }
}
