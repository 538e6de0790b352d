import { ApiError, type ConnectionState, type StreamOptions } from '@teamflow/autopilot/client';
import type { EpochMs, Problem } from '@teamflow/autopilot/contract';

/** Why documents do not come; plain data, because it crosses from tab to tab. */
export interface StreamFailure {
  /** What the API said; null when no answer came at all. */
  readonly problem: Problem | null;
  readonly detail: string;
}

export type StreamLink =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  | { readonly state: 'waiting'; readonly failure: StreamFailure }
  /** Trying again can not help: signed out, forbidden, a parameter refused. */
  | { readonly state: 'refused'; readonly failure: StreamFailure };

export interface StreamSnapshot<Document> {
  readonly document: Document | undefined;
  /** When the document came, by this browser's clock. */
  readonly heardAt: EpochMs | null;
  readonly link: StreamLink;
}

/** The part of Web Locks it takes: held for as long as the callback's promise is open. */
export interface LockPort {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void>): Promise<unknown>;
}

/** The part of a BroadcastChannel it takes: never heard by its own sender. */
export interface ChannelPort {
  post(message: unknown): void;
  listen(heard: (message: unknown) => void): void;
  close(): void;
}

export interface SharedStreamOptions<Document> {
  /** Tabs that use the same name share one stream: it says who is asking, and for what. */
  readonly name: string;
  /** Yields whole documents; reconnects by itself; rejects only when trying again can not help. */
  readonly open: (options: StreamOptions) => AsyncIterable<Document>;
  /** Absent (an old browser, or a page that is not a secure context): the tab reads a stream of its own. */
  readonly locks?: LockPort | undefined;
  readonly channel?: ((name: string) => ChannelPort) | undefined;
  readonly now?: () => EpochMs;
  /** After this long of waiting it connects again, however long the client would wait: somebody is looking at it. */
  readonly longestWaitMs?: number;
}

const LONGEST_WAIT_MS = 2_000;
/** Too many streams are open: hurrying would keep them so. */
const TOO_MANY_REQUESTS = 429;

type Message<Document> =
  | { readonly kind: 'hello' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'snapshot'; readonly snapshot: StreamSnapshot<Document> };

/**
 * One live stream for all tabs of a browser, because a browser opens at most six connections to a server.
 *
 * The tab that holds the Web Lock of the stream's name leads: it reads the stream and broadcasts what comes. The
 * others listen, and wait for the lock; when the leader closes, crashes or stops, the browser gives the lock to the
 * next of them. A tab that comes later says hello and gets the leader's snapshot.
 */
export class SharedStream<Document> {
  readonly #options: SharedStreamOptions<Document>;
  readonly #now: () => EpochMs;
  readonly #listeners = new Set<() => void>();
  #snapshot: StreamSnapshot<Document> = { document: undefined, heardAt: null, link: { state: 'connecting' } };
  #session: AbortController | undefined;
  #connection: AbortController | undefined;
  #channel: ChannelPort | undefined;
  #leads = false;

  constructor(options: SharedStreamOptions<Document>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get snapshot(): StreamSnapshot<Document> {
    return this.#snapshot;
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** Calls back after each change of the snapshot, until the function it returns is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#session !== undefined) return;
    const session = new AbortController();
    this.#session = session;
    const { locks, channel, name } = this.#options;
    if (locks === undefined || channel === undefined) {
      void this.#lead(session.signal);
      return;
    }
    this.#channel = channel(name);
    // Only tabs of the same page write on this channel.
    this.#channel.listen((message) => this.#receive(message as Message<Document>));
    this.#post({ kind: 'hello' });
    locks
      .request(name, { signal: session.signal }, () => this.#lead(session.signal))
      .catch(() => {
        // Given up because it stopped; or the browser refuses locks here, and a stream of its own does as well.
        if (!session.signal.aborted) void this.#lead(session.signal);
      });
  }

  /** Ends the stream here; where this tab led, the next one takes over. The snapshot stays, and ages. */
  stop(): void {
    this.#session?.abort();
    this.#session = undefined;
    this.#leads = false;
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Connects again at once, and begins with a whole document. */
  restart(): void {
    if (this.#leads) this.#connection?.abort();
    else this.#post({ kind: 'restart' });
  }

  async #lead(session: AbortSignal): Promise<void> {
    this.#leads = true;
    while (!session.aborted) {
      const connection = new AbortController();
      this.#connection = connection;
      const signal = AbortSignal.any([session, connection.signal]);
      const failure = await this.#read(signal);
      if (failure === null || signal.aborted) continue;
      this.#publish({ ...this.#snapshot, link: { state: 'refused', failure } });
      // Until somebody signs in, or asks to try again.
      await aborted(signal);
    }
  }

  /** Reads until the signal ends it (null) or the server refuses. */
  async #read(signal: AbortSignal): Promise<StreamFailure | null> {
    let hurry: ReturnType<typeof setTimeout> | undefined;
    try {
      const onConnection = (connection: ConnectionState): void => {
        clearTimeout(hurry);
        if (signal.aborted) return;
        const link = linkOf(connection);
        if (link.state === 'waiting' && link.failure.problem?.status !== TOO_MANY_REQUESTS) {
          hurry = setTimeout(() => this.restart(), this.#options.longestWaitMs ?? LONGEST_WAIT_MS);
        }
        this.#publish({ ...this.#snapshot, link });
      };
      for await (const document of this.#options.open({ signal, onConnection })) {
        if (signal.aborted) return null;
        this.#publish({ document, heardAt: this.#now(), link: { state: 'open' } });
      }
      return signal.aborted ? null : { problem: null, detail: 'The stream ended.' };
    } catch (error) {
      return failureOf(error);
    } finally {
      clearTimeout(hurry);
    }
  }

  #receive(message: Message<Document>): void {
    switch (message.kind) {
      case 'hello':
        if (this.#leads) this.#post({ kind: 'snapshot', snapshot: this.#snapshot });
        return;
      case 'restart':
        if (this.#leads) this.restart();
        return;
      case 'snapshot':
        // Around a change of leader both may speak: the one who holds the lock is right.
        if (!this.#leads) this.#set(message.snapshot);
    }
  }

  #publish(snapshot: StreamSnapshot<Document>): void {
    this.#set(snapshot);
    this.#post({ kind: 'snapshot', snapshot });
  }

  #set(snapshot: StreamSnapshot<Document>): void {
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener();
  }

  #post(message: Message<Document>): void {
    this.#channel?.post(message);
  }
}

/** What a failed call says, as plain data. */
export function failureOf(error: unknown): StreamFailure {
  if (error instanceof ApiError) return { problem: error.problem, detail: error.problem.detail };
  return { problem: null, detail: error instanceof Error ? error.message : String(error) };
}

function linkOf(connection: ConnectionState): StreamLink {
  if (connection.state === 'waiting') return { state: 'waiting', failure: failureOf(connection.cause) };
  return { state: connection.state };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
