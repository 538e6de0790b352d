import type { InstanceVerdict } from '../contract/configuration.ts';
import type { Origin } from '../contract/series.ts';
import type { ConfigLayers, ConfigState, ControlChannel, DownMessage, UpMessage } from './protocol.ts';

/** What an instance should run. */
export type DesiredConfig = Omit<DownMessage & { readonly kind: 'config' }, 'kind'>;

/** What a {@link ConfigExchange} is made with. */
export interface ConfigExchangeOptions {
  /** null: not known now, so that agents keep what they have. */
  readonly desired: (service: string, instance: string) => DesiredConfig | null;
  /** How long instances have to answer; default 2,000. */
  readonly answerMs?: number;
}

/** An instance that takes configurations. */
export interface ConfiguredInstance {
  readonly origin: Origin;
  readonly state: ConfigState;
  /** When it said so. */
  readonly at: Date;
  /** Whether its link still stands. */
  readonly linked: boolean;
}

interface Known extends ConfiguredInstance {
  readonly channel: ControlChannel;
  readonly heardAtMs: number;
  /** What was sent last over this channel, so that one that refuses is not told the same at once again. */
  sentRevision: string;
  sentAtMs: number;
}

const ANSWER_MS = 2_000;
/** The same is not sent again in this time: less than the 5 s after which an instance speaks again. */
const AGAIN_MS = 4_000;
/** Instances whose link has ended, remembered to be shown. */
const MAX_GONE = 1_000;

/**
 * Brings configurations to the agents: sends what an instance should run whenever it says that it runs something else,
 * and asks what it would make of a change. Carries nothing by itself: a lost message is made good by the next state,
 * which comes every 5 s.
 */
export class ConfigExchange {
  readonly #options: ConfigExchangeOptions;
  readonly #known = new Map<string, Known>();
  readonly #checks = new Map<number, (verdict: UpMessage & { readonly kind: 'config-checked' }) => void>();
  readonly #waiting = new Set<() => void>();
  #lastId = 0;

  constructor(options: ConfigExchangeOptions) {
    this.#options = options;
  }

  /** Takes what an agent says of its configuration. */
  hear(
    origin: Origin,
    channel: ControlChannel,
    message: UpMessage & { readonly kind: 'config-state' | 'config-checked' },
  ): void {
    if (message.kind === 'config-checked') {
      this.#checks.get(message.id)?.(message);
      return;
    }
    if (!isState(message)) return;
    const { kind: _, ...state } = message;
    const name = nameOf(origin);
    const before = this.#known.get(name);
    const sent = before?.channel === channel ? before : { sentRevision: '', sentAtMs: 0 };
    const known: Known = {
      origin,
      state,
      at: new Date(),
      linked: true,
      channel,
      heardAtMs: performance.now(),
      sentRevision: sent.sentRevision,
      sentAtMs: sent.sentAtMs,
    };
    this.#known.delete(name);
    this.#known.set(name, known);
    for (const look of this.#waiting) look();
    this.#send(known);
  }

  /** The link over this channel has ended. */
  gone(origin: Origin, channel: ControlChannel): void {
    const known = this.#known.get(nameOf(origin));
    if (known?.channel !== channel) return;
    this.#known.set(nameOf(origin), { ...known, linked: false });
    const old = [...this.#known].filter(([, { linked }]) => !linked);
    for (const [name] of old.slice(0, Math.max(0, old.length - MAX_GONE))) this.#known.delete(name);
  }

  /** Something else should run now: those that don't yet are told. */
  push(service: string): void {
    for (const known of this.#linked(service)) this.#send(known);
  }

  /** The instances of a service that take configurations, by name. */
  instances(service: string): readonly ConfiguredInstance[] {
    return [...this.#known.values()]
      .filter(({ origin }) => origin.service === service)
      .sort((a, b) => (a.origin.instance < b.origin.instance ? -1 : 1));
  }

  /** Asks every live instance of a service whether it would take a configuration; never rejects. */
  check(service: string, layersFor: (instance: string) => ConfigLayers): Promise<readonly InstanceVerdict[]> {
    return Promise.all(
      this.#linked(service).map(async ({ origin: { instance }, channel }): Promise<InstanceVerdict> => {
        const id = ++this.#lastId;
        const answer = await this.#answer(id, () =>
          channel.send({ kind: 'config-check', id, layers: layersFor(instance) }),
        );
        if (answer === null) return { instance, state: 'no answer', pendingRestart: [] };
        const { refusal, pendingRestart } = answer;
        return refusal === null
          ? { instance, state: 'accepted', pendingRestart }
          : { instance, state: 'refused', reason: refusal, pendingRestart };
      }),
    );
  }

  /** What the live instances made of what they should run, as soon as all have said so. */
  async settled(service: string): Promise<readonly InstanceVerdict[]> {
    const startedAtMs = performance.now();
    const isSettled = ({ origin, state, heardAtMs }: Known): boolean => {
      const desired = this.#options.desired(origin.service, origin.instance);
      return (
        desired === null || state.revision === desired.revision || (state.error !== null && heardAtMs >= startedAtMs)
      );
    };
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#linked(service).every(isSettled)) end();
      };
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(end, this.#options.answerMs ?? ANSWER_MS);
      this.#waiting.add(look);
      look();
    });
    return this.#linked(service).map((known): InstanceVerdict => {
      const { origin, state } = known;
      const { pendingRestart } = state;
      if (state.revision === this.#options.desired(service, origin.instance)?.revision) {
        return { instance: origin.instance, state: 'applied', pendingRestart };
      }
      if (state.error === null) return { instance: origin.instance, state: 'no answer', pendingRestart };
      return { instance: origin.instance, state: 'refused', reason: state.error, pendingRestart };
    });
  }

  #linked(service: string): readonly Known[] {
    return [...this.#known.values()].filter(({ origin, linked }) => linked && origin.service === service);
  }

  #send(known: Known): void {
    const { origin, state, channel } = known;
    const desired = this.#options.desired(origin.service, origin.instance);
    if (desired === null || desired.revision === state.revision) return;
    const now = performance.now();
    if (known.sentRevision === desired.revision && now - known.sentAtMs < AGAIN_MS) return;
    if (!channel.send({ kind: 'config', ...desired })) return;
    known.sentRevision = desired.revision;
    known.sentAtMs = now;
  }

  async #answer(id: number, ask: () => boolean): Promise<(UpMessage & { readonly kind: 'config-checked' }) | null> {
    try {
      return await new Promise((resolve) => {
        const timer = setTimeout(() => resolve(null), this.#options.answerMs ?? ANSWER_MS);
        this.#checks.set(id, (verdict) => {
          clearTimeout(timer);
          resolve(verdict);
        });
        if (ask()) return;
        clearTimeout(timer);
        resolve(null);
      });
    } finally {
      this.#checks.delete(id);
    }
  }
}

function nameOf({ service, instance }: Origin): string {
  return `${service}\u0000${instance}`;
}

/** What a link carries may come from an agent of any release. */
function isState(value: Partial<ConfigState>): value is ConfigState {
  const { version, revision, environment, pendingRestart, error } = value;
  return (
    Number.isSafeInteger(version) &&
    typeof revision === 'string' &&
    typeof environment === 'object' &&
    environment !== null &&
    Array.isArray(pendingRestart) &&
    (error === null || typeof error === 'string')
  );
}
