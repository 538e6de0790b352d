import type { CodePlace } from '../contract/code-place.ts';
import type { KnownName } from '../contract/known-name.ts';
import type { InstanceStatus, ReleaseMark } from '../contract/performance.ts';
import type { TokenDigest } from '../contract/principal.ts';
import type { Origin, StatementText, Window } from '../contract/series.ts';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { ConfigExchange } from './config-exchange.ts';
import { HeardNames } from './control-names.ts';
import { KnownPlaces, placeOf } from './control-places.ts';
import { StatementTexts } from './control-statements.ts';
import {
  type ControlChannel,
  type DownMessage,
  LINK_PROTOCOL,
  OLDEST_LINK_PROTOCOL,
  type UpMessage,
} from './protocol.ts';

/** Silence after which a linked instance is called stalled: windows come once a second, two may be late. */
const STALLED_AFTER_MS = 2500;
/** How long an instance is remembered after its link ended: as long as its facts are. */
const REMEMBERED_MS = 60 * 60_000;
/** More links than this are refused: a fleet has hundreds of processes, a mistake has no bound. */
const MAX_LINKED = 1000;
const MAX_NAME_LENGTH = 256;
const MAX_TROUBLE_LENGTH = 1000;
/** Windows in one message: ten minutes of seconds, the most that an agent keeps, twice over. */
const MAX_WINDOWS = 1200;
const MAX_PLACES = 1_000;
/** As many as an agent keeps. */
const MAX_NAMES = 4_000;

/** What an {@link AgentRegistry} is made with. */
export interface AgentRegistryOptions {
  readonly clock: Clock;
  /** Where the HTTP API listens; agents forward there. */
  readonly address: () => string;
  /** The tokens that open what agents serve themselves; absent: none are told. */
  readonly tokens?: () => readonly TokenDigest[];
  /** Marks of load tests that are kept apart, as digests; absent: there are none. */
  readonly testMarks?: () => readonly string[];
  /** Whether the processes of a service are to say how they are just now; absent: never. */
  readonly isWatched?: (service: string) => boolean;
  /** Takes what they say, which may be anything. */
  readonly onVitals?: (origin: Origin, vitals: unknown) => void;
  /** Takes windows; they are acknowledged when its promise is fulfilled, and asked for again otherwise. */
  readonly take: (origin: Origin, windows: readonly Window[]) => Promise<unknown>;
  /** Told before them until when what an agent sent was taken, here or by another control plane. */
  readonly onTaken?: (origin: Origin, until: EpochMs) => void;
  /** Brings configurations to the agents; absent: they keep what they have. */
  readonly config?: ConfigExchange;
  /** Takes the profiles that agents were asked for. */
  readonly profiled?: (origin: Origin, message: UpMessage & { readonly kind: 'profiled' }) => void;
  /** Told what went wrong on a link, for the log. */
  readonly onTrouble: (message: string) => void;
}

/** An instance and how its link ended. */
export interface LinkedInstance extends InstanceStatus {
  /** It said that it closes before its link ended. */
  readonly closedInOrder: boolean;
}

interface Known {
  readonly origin: Origin;
  readonly startedAt: EpochMs;
  /** null: its link has ended. */
  channel: ControlChannel | null;
  /** Another control plane stands between. */
  readonly relayed: boolean;
  closedInOrder: boolean;
  lastSeenAt: EpochMs;
  lastSeenMonotonicMs: number;
  historyTrouble: string | null;
}

/** The agents that are linked, or were within the hour: greets them, hands their windows on, and knows who is silent. */
export class AgentRegistry {
  readonly #options: AgentRegistryOptions;
  /** By service and instance, in the order in which they first linked. */
  readonly #known: Map<string, Known> = new Map();
  readonly #texts: StatementTexts = new StatementTexts();
  readonly #places: KnownPlaces = new KnownPlaces();
  readonly #names: HeardNames = new HeardNames();
  readonly #channels: Set<ControlChannel> = new Set();

  constructor(options: AgentRegistryOptions) {
    this.#options = options;
  }

  /** Speaks with an agent until its channel closes. */
  accept(channel: ControlChannel): void {
    let instance: Known | null = null;
    /** Messages are taken, and answered, one after another. */
    let taken: Promise<unknown> = Promise.resolve();
    this.#channels.add(channel);
    channel.onMessage((message) => {
      // What a pipe carries may be anything.
      if (typeof message !== 'object' || message === null) return;
      if (message.kind === 'hello') {
        instance = this.#greet(channel, message);
        return;
      }
      const known = instance;
      if (known === null) {
        refuse(channel, `The first message must be "hello", but it was "${message.kind}".`);
        return;
      }
      this.#see(known);
      if (message.kind === 'bye') known.closedInOrder = true;
      else if (message.kind === 'config-state' || message.kind === 'config-checked') {
        this.#options.config?.hear(known.origin, channel, message);
      } else if (message.kind === 'profiled') this.#options.profiled?.(known.origin, message);
      else if (message.kind === 'vitals') this.#options.onVitals?.(known.origin, message.vitals);
      else if (message.kind === 'windows') {
        taken = taken.then(() => this.#take(channel, known, message));
      }
    });
    channel.onClose(() => {
      this.#channels.delete(channel);
      if (instance !== null) this.#options.config?.gone(instance.origin, channel);
      // After a reconnect the instance belongs to the newer channel.
      if (instance?.channel === channel) instance.channel = null;
    });
  }

  /** The services with an instance linked or remembered, first linked first. */
  services(): readonly string[] {
    this.#forgetOld();
    return [...new Set(Array.from(this.#known.values(), ({ origin }) => origin.service))];
  }

  /** The instances of a service by name; of all services when none is given. */
  instances(service?: string): readonly InstanceStatus[] {
    return this.#of(service).map((known) => this.#statusOf(known));
  }

  /** The same, with how their links ended. */
  linked(service?: string): readonly LinkedInstance[] {
    return this.#of(service).map((known) => ({ ...this.#statusOf(known), closedInOrder: known.closedInOrder }));
  }

  /** The releases of a service by the start of the first instance that is known of each, oldest first. */
  releases(service: string): readonly ReleaseMark[] {
    const marks = new Map<string, ReleaseMark>();
    for (const { origin, startedAt } of this.#of(service).toSorted((a, b) => a.startedAt - b.startedAt)) {
      if (marks.has(origin.release)) continue;
      marks.set(origin.release, { service, release: origin.release, at: new Date(startedAt).toISOString() });
    }
    return [...marks.values()];
  }

  /** undefined when it never came, or had to make room. */
  statementText(service: string, database: string, id: string): string | undefined {
    return this.#texts.get(service, database, id);
  }

  /** Where in the code of a service things were seen. */
  places(service: string): readonly CodePlace[] {
    return this.#places.of(service);
  }

  /** How the application calls a tenant or a user; null: nobody has said it. */
  nameOf(service: string, kind: KnownName['kind'], id: string): string | null {
    return this.#names.of(service, kind, id);
  }

  /** How the first of the services that knows a user calls it; null: none has said it. */
  userName(id: string): string | null {
    for (const service of this.services()) {
      const name = this.#names.of(service, 'user', id);
      if (name !== null) return name;
    }
    return null;
  }

  /** Remembers a text that was found elsewhere, as if its agent had sent it. */
  learnText(service: string, text: StatementText): void {
    this.#texts.set(service, text);
  }

  /** Says something to one instance; false: it is not linked, or its buffer is full. */
  tell(service: string, instance: string, message: DownMessage): boolean {
    return this.#known.get(`${service}\u0000${instance}`)?.channel?.send(message) ?? false;
  }

  /** Says to every agent which tokens are good now. */
  tellTokens(): void {
    const tokens = this.#options.tokens?.() ?? [];
    // A channel that is full or closed: the agent hears of them when it is welcomed next.
    for (const { channel } of this.#known.values()) channel?.send({ kind: 'tokens', tokens });
  }

  /** Says to every agent which marks of load tests are good now. */
  tellTestMarks(): void {
    const marks = this.#options.testMarks?.() ?? [];
    for (const { channel } of this.#known.values()) channel?.send({ kind: 'test-marks', marks });
  }

  /** Says to the agents of a service whether they are watched now. */
  tellWatched(service: string): void {
    const on = this.#options.isWatched?.(service) ?? false;
    for (const { origin, channel } of this.#known.values()) {
      if (origin.service === service) channel?.send({ kind: 'watch-vitals', on });
    }
  }

  /** Ends every link. */
  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  #greet(channel: ControlChannel, hello: UpMessage & { kind: 'hello' }): Known | null {
    const { clock, address, tokens, testMarks } = this.#options;
    const trouble = troubleWith(hello);
    if (trouble !== null) {
      refuse(channel, trouble);
      return null;
    }
    const { service, instance, release } = hello.origin;
    const name = `${service}\u0000${instance}`;
    const before = this.#known.get(name);
    const linked = Array.from(this.#known.values()).filter((known) => known.channel !== null).length;
    if ((before === undefined || before.channel === null) && linked >= MAX_LINKED) {
      refuse(channel, `${linked} agents are linked, which is the most that one control plane takes.`);
      return null;
    }
    const relayed = hello.relayed === true;
    if (before?.channel != null && !before.relayed && relayed) {
      // What this control plane had said to the leader before it led itself, which reaches it only now, through that one. Its
      // parent's link may not be taken away by that. An agent that has really moved comes again when its old link is gone.
      channel.close();
      return null;
    }
    if (before?.channel != null && before.channel !== channel) {
      // The same process on a new channel, whose old one is dead though nobody noticed.
      const old = before.channel;
      before.channel = null;
      old.close();
    }
    const known: Known = {
      origin: { service, instance, release },
      startedAt: hello.startedAt,
      channel,
      relayed,
      closedInOrder: false,
      lastSeenAt: clock.now(),
      lastSeenMonotonicMs: clock.monotonicMs(),
      historyTrouble: null,
    };
    this.#known.set(name, known);
    channel.send({
      kind: 'welcome',
      protocol: hello.protocol,
      address: address(),
      ...(tokens === undefined ? {} : { tokens: tokens() }),
    });
    const marks = testMarks?.() ?? [];
    if (marks.length > 0) channel.send({ kind: 'test-marks', marks });
    if (this.#options.isWatched?.(service) === true) channel.send({ kind: 'watch-vitals', on: true });
    return known;
  }

  async #take(channel: ControlChannel, known: Known, message: UpMessage & { kind: 'windows' }): Promise<void> {
    const { take, onTrouble } = this.#options;
    const { origin } = known;
    const { sequence, windows, statements, takenUntil } = message;
    if (typeof takenUntil === 'number') this.#options.onTaken?.(origin, takenUntil);
    let readable = false;
    known.historyTrouble =
      typeof message.historyTrouble === 'string' ? message.historyTrouble.slice(0, MAX_TROUBLE_LENGTH) : null;
    try {
      if (!Array.isArray(windows) || windows.length > MAX_WINDOWS || !windows.every(isWindow)) {
        throw new TypeError(`message ${String(sequence)} holds something else than windows`);
      }
      readable = true;
      for (const text of Array.isArray(statements) ? statements : []) {
        if (isStatementText(text)) this.#texts.set(origin.service, text);
      }
      for (const one of Array.isArray(message.places) ? message.places.slice(0, MAX_PLACES) : []) {
        const place = placeOf(one);
        if (place !== null) this.#places.learn(origin.service, place);
      }
      for (const one of Array.isArray(message.names) ? message.names.slice(0, MAX_NAMES) : []) {
        this.#names.learn(origin.service, one);
      }
      if (windows.length > 0) await take(origin, windows);
      channel.send({ kind: 'ack', sequence });
    } catch (error) {
      onTrouble(`Windows of ${origin.service} ${origin.instance} were not taken: ${messageOf(error)}.`);
      // Without an answer the agent would hold them as under way, and soon send nothing more.
      channel.send({ kind: 'nack', sequence, again: readable });
    }
  }

  #of(service: string | undefined): readonly Known[] {
    this.#forgetOld();
    return Array.from(this.#known.values())
      .filter(({ origin }) => service === undefined || origin.service === service)
      .sort((a, b) => (a.origin.service + a.origin.instance < b.origin.service + b.origin.instance ? -1 : 1));
  }

  #statusOf({ origin, startedAt, channel, lastSeenAt, lastSeenMonotonicMs, historyTrouble }: Known): InstanceStatus {
    const silentMs = Math.max(0, Math.round(this.#options.clock.monotonicMs() - lastSeenMonotonicMs));
    return {
      ...origin,
      state: channel === null ? 'gone' : silentMs > STALLED_AFTER_MS ? 'stalled' : 'live',
      startedAt: new Date(startedAt).toISOString(),
      lastSeenAt: new Date(lastSeenAt).toISOString(),
      silentMs,
      historyTrouble,
    };
  }

  #see(known: Known): void {
    const { clock } = this.#options;
    known.lastSeenAt = clock.now();
    known.lastSeenMonotonicMs = clock.monotonicMs();
  }

  #forgetOld(): void {
    const { clock } = this.#options;
    for (const [name, { channel, lastSeenMonotonicMs }] of this.#known) {
      if (channel === null && clock.monotonicMs() - lastSeenMonotonicMs > REMEMBERED_MS) this.#known.delete(name);
    }
  }
}

function refuse(channel: ControlChannel, reason: string): void {
  channel.send({ kind: 'refused', reason });
  channel.close();
}

/** Why a hello can't be answered; null when it can. What arrives may come from an agent of any release. */
function troubleWith({ protocol, origin, startedAt }: UpMessage & { kind: 'hello' }): string | null {
  if (!Number.isInteger(protocol) || protocol < OLDEST_LINK_PROTOCOL || protocol > LINK_PROTOCOL) {
    const remedy =
      protocol > LINK_PROTOCOL
        ? 'Bring the control plane to the release of its agents first'
        : 'Bring the application to a later release of the agent';
    return `The agent speaks protocol ${String(protocol)} of the link; this control plane speaks ${OLDEST_LINK_PROTOCOL} to ${LINK_PROTOCOL}. ${remedy}.`;
  }
  for (const part of ['service', 'instance', 'release'] as const) {
    const name: unknown = origin?.[part];
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH) {
      return `The agent's ${part} must be a text of 1 to ${MAX_NAME_LENGTH} characters.`;
    }
  }
  if (!Number.isFinite(startedAt) || Math.abs(startedAt) > 8.64e15) return 'The agent does not say when it started.';
  return null;
}

/** The frame only: the store looks at each series by itself. */
function isWindow(value: unknown): value is Window {
  if (typeof value !== 'object' || value === null) return false;
  const { start, durationMs, series, overflow } = value as Partial<Window>; // each part is looked at below
  return (
    typeof start === 'number' &&
    typeof durationMs === 'number' &&
    typeof overflow === 'object' &&
    overflow !== null &&
    Array.isArray(series) &&
    series.every(
      (one: unknown) =>
        typeof one === 'object' &&
        one !== null &&
        'key' in one &&
        typeof one.key === 'string' &&
        'cells' in one &&
        typeof one.cells === 'object' &&
        one.cells !== null,
    )
  );
}

function isStatementText(value: unknown): value is StatementText {
  if (typeof value !== 'object' || value === null) return false;
  const { id, database, text } = value as Partial<StatementText>; // each part is looked at here
  return typeof id === 'string' && typeof database === 'string' && typeof text === 'string';
}
