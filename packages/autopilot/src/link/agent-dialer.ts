import { AgentHttpChannel, type ChannelEnd, type LinkTarget } from './http-channel.ts';
import type { AgentChannel } from './protocol.ts';

/** What an {@link AgentDialer} is made with. */
export interface AgentDialerOptions {
  readonly target: LinkTarget;
  /** Is given each channel; it opens when `hello` is said on it. */
  readonly onChannel: (channel: AgentChannel) => void;
  /** Told what keeps the link from being; the same is told once until it has changed. */
  readonly onTrouble: (trouble: string) => void;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5_000;
/** Who was refused tries less often: a person has to change something. */
const REFUSED_DELAY_MS = 10_000;
/** A fleet whose control plane comes back does not come back all at once. */
const JITTER = 0.3;

/** Keeps a link to a control plane elsewhere: channel after channel, with a growing delay between those that fail. */
export class AgentDialer {
  readonly #options: AgentDialerOptions;
  #timer: NodeJS.Timeout | null = null;
  #channel: AgentHttpChannel | null = null;
  #delayMs = FIRST_DELAY_MS;
  #told = '';
  #closed = false;

  constructor(options: AgentDialerOptions) {
    this.#options = options;
  }

  /** Opens the first channel; does nothing when there is one. */
  start(): void {
    if (!this.#closed && this.#channel === null && this.#timer === null) this.#dial();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#channel?.close();
  }

  #dial(): void {
    this.#timer = null;
    const { target, onChannel } = this.#options;
    this.#channel = new AgentHttpChannel(target, (end) => this.#ended(end));
    onChannel(this.#channel);
  }

  #ended({ refused, welcomed, trouble }: ChannelEnd): void {
    this.#channel = null;
    if (this.#closed) return;
    if (welcomed) {
      this.#delayMs = FIRST_DELAY_MS;
      this.#told = '';
    }
    if (trouble !== null && trouble !== this.#told) {
      this.#told = trouble;
      this.#options.onTrouble(`The control plane at ${this.#options.target.url.origin} can't be reached: ${trouble}.`);
    }
    const delayMs = refused ? REFUSED_DELAY_MS : this.#delayMs;
    this.#timer = setTimeout(() => this.#dial(), delayMs * (1 + JITTER * Math.random()));
    this.#timer.unref();
    this.#delayMs = Math.min(LONGEST_DELAY_MS, this.#delayMs * 2);
  }
}
