import type { CodePlace } from '../contract/code-place.ts';
import type { KnownName } from '../contract/known-name.ts';
import type { TokenDigest } from '../contract/principal.ts';
import type { ProcessVitals } from '../contract/process-vitals.ts';
import { PROFILE_SECONDS, type ProfileKind, type ProfileTree } from '../contract/profile.ts';
import type { Origin, StatementText, Window } from '../contract/series.ts';
import { UnsentTexts } from '../contract/unsent-texts.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { type AgentChannel, type ConfigState, type DownMessage, LINK_PROTOCOL, type UpMessage } from './protocol.ts';

/** The configuration of the process, as the link needs it. None of it throws. */
export interface LinkedConfig {
  readonly state: ConfigState;
  take(order: DownMessage & { readonly kind: 'config' }): void;
  check(
    layers: (DownMessage & { readonly kind: 'config-check' })['layers'],
  ): Pick<UpMessage & { readonly kind: 'config-checked' }, 'refusal' | 'pendingRestart'>;
}

/** What an {@link AgentLink} says of its process, and where it finds texts. */
export interface AgentLinkOptions {
  readonly origin: Origin;
  readonly pid: number;
  readonly startedAt: EpochMs;
  /** Names of the databases instrumented so far; asked at each hello. */
  readonly databases: () => readonly string[];
  /** The text behind a series of the family `statement`; null when it is not known any more. */
  readonly statementText: (database: string, id: string) => StatementText | null;
  /** Where in the application's code something was seen; absent: nobody looks. */
  readonly places?: { readonly revision: number; since(revision: number): readonly CodePlace[] };
  /** How the application calls its tenants and users; absent: it does not say. */
  readonly names?: { readonly revision: number; since(revision: number): readonly KnownName[] };
  /** Why what is measured does not reach history; null: it does. Said with each message. */
  readonly historyTrouble?: () => string | null;
  /** Takes configurations; absent: none is asked for. */
  readonly config?: LinkedConfig;
  /** Profiles the process; absent: it is not done. May reject. */
  readonly profile?: (kind: ProfileKind, durationMs: number) => Promise<ProfileTree>;
  /** Told each time that a control plane welcomes this agent, with the tokens it knows; an older one says none. */
  readonly onWelcome?: (address: string, tokens: readonly TokenDigest[]) => void;
  /** Told when other tokens are good than those of the welcome. */
  readonly onTokens?: (tokens: readonly TokenDigest[]) => void;
  /** Told which marks of load tests are good, and of every welcome, after which there is none until it is said. */
  readonly onTestMarks?: (marks: readonly unknown[]) => void;
  /** Says how the process is, until it is disposed; absent: nobody looks. */
  readonly followVitals?: (listener: (vitals: ProcessVitals) => void) => Disposable;
  /** Told once why a control plane does not speak with this agent, until the reason changes. */
  readonly onRefused?: (reason: string) => void;
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

/** Windows refused so often, about once a second, are given up: ten minutes, as long as anything is kept. */
const MAX_REFUSALS = 600;

interface Sent {
  /** On the channel of now; 0: it has to be sent on this channel. */
  sequence: number;
  refusals: number;
  readonly windows: readonly Window[];
}

/**
 * The agent's end of the link, over one channel after another. What was sent and not acknowledged is sent again on the
 * next channel, unchanged, and what was refused for now on this one: the other end knows a window that comes twice by its instance and start.
 */
export class AgentLink {
  readonly #options: AgentLinkOptions;
  #channel: AgentChannel | null = null;
  #state: LinkState = { state: 'unlinked' };
  #listensAt: string | null = null;
  #sequence = 0;
  #unacknowledged: Sent[] = [];
  /** Of the channel of now. */
  #texts: UnsentTexts;
  /** Of the places that were said on the channel of now. */
  #placesRevision = 0;
  /** Of the names, likewise. */
  #namesRevision = 0;
  #lostWindows = 0;
  /** Where the newest window ends that was acknowledged, on whatever channel. */
  #takenUntil: EpochMs | null = null;
  /** While the control plane of this channel watches. */
  #watched: Disposable | null = null;
  /** Called when something was answered, or the channel is gone. */
  #onProgress: (() => void) | null = null;

  constructor(options: AgentLinkOptions) {
    this.#options = options;
    this.#texts = new UnsentTexts(options.statementText);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Windows that were taken for delivery and never acknowledged: unreadable, refused too often, or left at the end. */
  get lostWindows(): number {
    return this.#lostWindows;
  }

  /** Speaks over `channel` from now on; the one before is closed. */
  connect(channel: AgentChannel): void {
    this.#channel?.close();
    this.#channel = channel;
    this.#watch(channel, false);
    // A refusal stands until somebody thinks otherwise: who looks in between wants to know why there is no link.
    if (this.#state.state === 'linked') this.#state = { state: 'unlinked' };
    channel.onMessage((message) => {
      if (this.#channel === channel) this.#receive(channel, message);
    });
    channel.onClose(() => {
      if (this.#channel !== channel) return;
      this.#channel = null;
      this.#watch(channel, false);
      if (this.#state.state === 'linked') this.#state = { state: 'unlinked' };
      this.#onProgress?.();
    });
    const { origin, pid, startedAt, databases } = this.#options;
    channel.send({ kind: 'hello', protocol: LINK_PROTOCOL, origin, pid, startedAt, databases: databases() });
  }

  /** Sends again what has to be; true when deliver() has room after it. */
  prepare(): boolean {
    const channel = this.#channel;
    if (channel === null || this.#state.state !== 'linked') return false;
    return this.#sendAgain(channel) && this.#unacknowledged.length < MAX_UNACKNOWLEDGED;
  }

  /** Takes windows for delivery; false: keep them and try later. Never waits. */
  deliver(windows: readonly Window[]): boolean {
    const channel = this.#channel;
    if (channel === null || !this.prepare()) return false;
    const sent = { sequence: 0, refusals: 0, windows };
    if (!this.#send(channel, sent)) return false;
    this.#unacknowledged.push(sent);
    return true;
  }

  /** Resolves with true when deliver() has room, with false without a link or after `waitMs`. */
  room(waitMs: number): Promise<boolean> {
    return this.#progressUntil(() => this.#unacknowledged.length < MAX_UNACKNOWLEDGED, waitMs);
  }

  /** Says which configuration is in force, which asks for a newer one; call it every 5 s. Lost when the buffer is full. */
  sayConfigState(): void {
    const { config } = this.#options;
    if (config === undefined || this.#state.state !== 'linked') return;
    this.#channel?.send({ kind: 'config-state', ...config.state });
  }

  /** Says where the application listens. */
  sayListening(url: string): void {
    this.#listensAt = url;
    if (this.#state.state === 'linked') this.#channel?.send({ kind: 'listening', url });
  }

  /** Says that this was all and closes, at the latest after `waitMs` without an acknowledgement of everything. */
  async close(waitMs: number): Promise<void> {
    const channel = this.#channel;
    if (channel !== null) {
      channel.send({ kind: 'bye' });
      await this.#progressUntil(() => this.#unacknowledged.length === 0, waitMs);
      channel.close();
    }
    for (const { windows } of this.#unacknowledged) this.#lostWindows += windows.length;
    this.#unacknowledged = [];
  }

  /** Looks at `reached` whenever something is answered; false: the link ended before, or the time is over. */
  #progressUntil(reached: () => boolean, waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isReached: boolean): void => {
        clearTimeout(timer);
        this.#onProgress = null;
        resolve(isReached);
      };
      const timer = setTimeout(() => settle(false), Math.max(0, waitMs));
      this.#onProgress = () => {
        if (this.#state.state !== 'linked') settle(false);
        else if (reached()) settle(true);
      };
      this.#onProgress();
    });
  }

  #receive(channel: AgentChannel, message: DownMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.#state = { state: 'linked', address: message.address };
        // Another control plane may not have heard of those of the one before.
        this.#options.onTestMarks?.([]);
        this.#watch(channel, false);
        this.#sequence = 0;
        this.#texts = new UnsentTexts(this.#options.statementText);
        this.#placesRevision = 0;
        this.#namesRevision = 0;
        for (const sent of this.#unacknowledged) sent.sequence = 0;
        this.sayConfigState();
        if (this.#listensAt !== null) channel.send({ kind: 'listening', url: this.#listensAt });
        this.#sendAgain(channel);
        this.#options.onWelcome?.(message.address, message.tokens ?? []);
        return;
      case 'tokens':
        // What comes over a link may be anything.
        if (Array.isArray(message.tokens)) this.#options.onTokens?.(message.tokens);
        return;
      case 'test-marks':
        if (Array.isArray(message.marks)) this.#options.onTestMarks?.(message.marks);
        return;
      case 'watch-vitals':
        this.#watch(channel, message.on);
        return;
      case 'ack':
        this.#acknowledged(message.sequence);
        this.#onProgress?.();
        return;
      case 'nack':
        this.#refused(message);
        this.#onProgress?.();
        return;
      case 'config':
        this.#options.config?.take(message);
        this.sayConfigState();
        return;
      case 'config-check': {
        const verdict = this.#options.config?.check(message.layers);
        if (verdict !== undefined) channel.send({ kind: 'config-checked', id: message.id, ...verdict });
        return;
      }
      case 'profile':
        void this.#profile(channel, message);
        return;
      case 'refused':
        this.#refuse(message.reason);
        return;
    }
  }

  #watch(channel: AgentChannel, on: boolean): void {
    if (on === (this.#watched !== null)) return;
    this.#watched?.[Symbol.dispose]();
    this.#watched = on
      ? (this.#options.followVitals?.((vitals) => channel.send({ kind: 'vitals', vitals })) ?? null)
      : null;
  }

  #acknowledged(sequence: number): void {
    const sent = this.#unacknowledged.find((one) => one.sequence === sequence);
    if (sent === undefined) return;
    this.#unacknowledged = this.#unacknowledged.filter((one) => one !== sent);
    for (const { start, durationMs } of sent.windows)
      this.#takenUntil = Math.max(this.#takenUntil ?? 0, start + durationMs);
  }

  async #profile(channel: AgentChannel, { id, profile, durationMs }: DownMessage & { kind: 'profile' }): Promise<void> {
    const { min, max } = PROFILE_SECONDS;
    const answer = (tree: ProfileTree | null, refusal: string | null): void => {
      channel.send({ kind: 'profiled', id, tree, refusal });
    };
    const make = this.#options.profile;
    // What comes over a link may be anything.
    const isKnown = profile === 'cpu' || profile === 'allocation';
    if (make === undefined || !isKnown || !(durationMs >= min * 1_000 && durationMs <= max * 1_000)) {
      answer(null, 'this is no profile that it makes');
      return;
    }
    try {
      answer(await make(profile, durationMs), null);
    } catch (error) {
      answer(null, messageOf(error));
    }
  }

  #refuse(reason: string): void {
    const before = this.#state;
    this.#state = { state: 'refused', reason };
    if (before.state !== 'refused' || before.reason !== reason) this.#options.onRefused?.(reason);
  }

  /** Refused windows are sent again by the next delivery, which comes within a second, or are lost. */
  #refused({ sequence, again }: DownMessage & { kind: 'nack' }): void {
    const sent = this.#unacknowledged.find((one) => one.sequence === sequence);
    if (sent === undefined) return;
    sent.sequence = 0;
    sent.refusals++;
    if (again && sent.refusals < MAX_REFUSALS) return;
    this.#lostWindows += sent.windows.length;
    this.#unacknowledged = this.#unacknowledged.filter((one) => one !== sent);
  }

  /** False: the channel's buffer is full, something is left for the next time. */
  #sendAgain(channel: AgentChannel): boolean {
    return this.#unacknowledged.every((sent) => sent.sequence > 0 || this.#send(channel, sent));
  }

  #send(channel: AgentChannel, sent: Sent): boolean {
    const { windows } = sent;
    const sequence = this.#sequence + 1;
    const statements = this.#texts.of(windows);
    const historyTrouble = this.#options.historyTrouble?.() ?? null;
    const takenUntil = this.#takenUntil;
    const revision = this.#options.places?.revision ?? 0;
    const places = this.#options.places?.since(this.#placesRevision) ?? [];
    const namesRevision = this.#options.names?.revision ?? 0;
    const names = this.#options.names?.since(this.#namesRevision) ?? [];
    const message = { kind: 'windows', sequence, windows, statements, historyTrouble, takenUntil } as const;
    const said = { ...(places.length === 0 ? {} : { places }), ...(names.length === 0 ? {} : { names }) };
    if (!channel.send({ ...message, ...said })) return false;
    this.#placesRevision = revision;
    this.#namesRevision = namesRevision;
    this.#sequence = sequence;
    sent.sequence = sequence;
    this.#texts.sent(statements);
    return true;
  }
}
