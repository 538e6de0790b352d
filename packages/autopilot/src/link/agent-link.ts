import type { Origin, SeriesWindow, StatementText, Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { type AgentChannel, type DownMessage, LINK_PROTOCOL } from './protocol.ts';

/** What an {@link AgentLink} says of its process, and where it finds texts. */
export interface AgentLinkOptions {
  readonly origin: Origin;
  readonly pid: number;
  readonly startedAt: EpochMs;
  /** Names of the databases instrumented so far; asked at each hello. */
  readonly databases: () => readonly string[];
  /** The text behind a series of the family `statement`; null when it is not known any more. */
  readonly statementText: (database: string, id: string) => StatementText | null;
}

/**
 * `unlinked`: no channel, or not yet welcomed; `linked`: windows are taken; `refused`: the control plane does not
 * speak with this agent, `reason` says why.
 */
export type LinkState =
  | { readonly state: 'unlinked' }
  | { readonly state: 'linked'; readonly address: string }
  | { readonly state: 'refused'; readonly reason: string };

/** Messages on their way without an acknowledgement; more are refused until one comes. */
const MAX_UNACKNOWLEDGED = 4;

/** Ids remembered as sent on one channel; over it all are forgotten, and texts are sent again. */
const MAX_SENT_TEXTS = 20_000;

interface Sent {
  /** On the channel of now; 0: it has to be sent on this channel. */
  sequence: number;
  readonly windows: readonly Window[];
}

/**
 * The agent's end of the link, over one channel after another. What was sent and not acknowledged is sent again on the
 * next channel, unchanged: the other end knows a window that comes twice by its instance and start.
 */
export class AgentLink {
  readonly #options: AgentLinkOptions;
  #channel: AgentChannel | null = null;
  #state: LinkState = { state: 'unlinked' };
  #sequence = 0;
  #unacknowledged: Sent[] = [];
  #sentTexts = new Set<string>();
  #onAllAcknowledged: (() => void) | null = null;

  constructor(options: AgentLinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Speaks over `channel` from now on; the one before is closed. */
  connect(channel: AgentChannel): void {
    this.#channel?.close();
    this.#channel = channel;
    this.#state = { state: 'unlinked' };
    channel.onMessage((message) => {
      if (this.#channel === channel) this.#receive(channel, message);
    });
    channel.onClose(() => {
      if (this.#channel !== channel) return;
      this.#channel = null;
      if (this.#state.state === 'linked') this.#state = { state: 'unlinked' };
      this.#settle();
    });
    const { origin, pid, startedAt, databases } = this.#options;
    channel.send({ kind: 'hello', protocol: LINK_PROTOCOL, origin, pid, startedAt, databases: databases() });
  }

  /** Takes windows for delivery; false: keep them and try later. Never waits. */
  deliver(windows: readonly Window[]): boolean {
    const channel = this.#channel;
    if (channel === null || this.#state.state !== 'linked') return false;
    if (!this.#sendAgain(channel) || this.#unacknowledged.length >= MAX_UNACKNOWLEDGED) return false;
    const sent = { sequence: 0, windows };
    if (!this.#send(channel, sent)) return false;
    this.#unacknowledged.push(sent);
    return true;
  }

  /** Says that this was all and closes, at the latest after `waitMs` without an acknowledgement of everything. */
  async close(waitMs: number): Promise<void> {
    const channel = this.#channel;
    if (channel === null) return;
    channel.send({ kind: 'bye' });
    if (this.#state.state === 'linked' && this.#unacknowledged.length > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#onAllAcknowledged = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    channel.close();
  }

  #receive(channel: AgentChannel, message: DownMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.#state = { state: 'linked', address: message.address };
        this.#sequence = 0;
        this.#sentTexts = new Set();
        for (const sent of this.#unacknowledged) sent.sequence = 0;
        this.#sendAgain(channel);
        return;
      case 'ack':
        this.#unacknowledged = this.#unacknowledged.filter(
          ({ sequence }) => sequence === 0 || sequence > message.sequence,
        );
        this.#settle();
        return;
      case 'refused':
        this.#state = { state: 'refused', reason: message.reason };
        return;
    }
  }

  /** False: the channel's buffer is full, something is left for the next time. */
  #sendAgain(channel: AgentChannel): boolean {
    return this.#unacknowledged.every((sent) => sent.sequence > 0 || this.#send(channel, sent));
  }

  #send(channel: AgentChannel, sent: Sent): boolean {
    const { windows } = sent;
    const sequence = this.#sequence + 1;
    const statements = this.#unsentTexts(windows);
    if (!channel.send({ kind: 'windows', sequence, windows, statements })) return false;
    this.#sequence = sequence;
    sent.sequence = sequence;
    for (const { database, id } of statements) this.#sentTexts.add(`${database}\n${id}`);
    return true;
  }

  #unsentTexts(windows: readonly Window[]): StatementText[] {
    if (this.#sentTexts.size > MAX_SENT_TEXTS) this.#sentTexts = new Set();
    const texts = new Map<string, StatementText>();
    for (const { series } of windows) {
      for (const one of series) this.#addText(texts, one);
    }
    return [...texts.values()];
  }

  #addText(texts: Map<string, StatementText>, { family, key, database }: SeriesWindow): void {
    if (family !== 'statement' || database === null) return;
    const name = `${database}\n${key}`;
    if (this.#sentTexts.has(name) || texts.has(name)) return;
    const text = this.#options.statementText(database, key);
    if (text !== null) texts.set(name, text);
  }

  #settle(): void {
    if (this.#unacknowledged.length === 0 || this.#channel === null) this.#onAllAcknowledged?.();
  }
}
