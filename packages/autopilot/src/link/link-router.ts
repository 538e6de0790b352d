import type { TokenDigest } from '../contract/principal.ts';
import { AgentDialer } from './agent-dialer.ts';
import type { LinkTarget } from './http-channel.ts';
import type { AgentChannel, ControlChannel, DownMessage, UpMessage } from './protocol.ts';

/** What a {@link LinkRouter} is made with. */
export interface LinkRouterOptions {
  /** Speaks with an agent here. */
  readonly accept: (channel: ControlChannel) => void;
  /** Where this control plane answers: the agents it stands between forward here, wherever their windows go. */
  readonly address: () => string;
  /** Tokens of this control plane, which its agents know beside those of the leader. */
  readonly tokens: readonly TokenDigest[];
  readonly onTrouble: (message: string) => void;
}

type Hello = UpMessage & { readonly kind: 'hello' };

/**
 * Where the agents of this control plane's channels are spoken with: here, or, while another one leads, there. A change is
 * nothing to an agent but another `welcome`, upon which it sends again what was not acknowledged; so nothing is lost, and what
 * comes twice is known by instance and start.
 */
export class LinkRouter {
  readonly #options: LinkRouterOptions;
  readonly #channels: Set<RoutedChannel> = new Set();
  #leader: LinkTarget | null = null;

  constructor(options: LinkRouterOptions) {
    this.#options = options;
  }

  accept(channel: ControlChannel): void {
    const routed = new RoutedChannel(channel, this.#options, this.#leader);
    this.#channels.add(routed);
    channel.onClose(() => {
      this.#channels.delete(routed);
      routed.end();
    });
  }

  /** From now on to `leader`; null: here. */
  route(leader: LinkTarget | null): void {
    this.#leader = leader;
    for (const channel of this.#channels) channel.route(leader);
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }
}

/** One agent's channel, and its other side: a {@link LocalSide}, or a dialer to the leader. */
class RoutedChannel {
  readonly #channel: ControlChannel;
  readonly #options: LinkRouterOptions;
  #leader: LinkTarget | null;
  #hello: Hello | null = null;
  #local: LocalSide | null = null;
  #dialer: AgentDialer | null = null;
  #remote: AgentChannel | null = null;

  constructor(channel: ControlChannel, options: LinkRouterOptions, leader: LinkTarget | null) {
    this.#channel = channel;
    this.#options = options;
    this.#leader = leader;
    this.#begin();
    channel.onMessage((message) => this.#hear(message));
  }

  route(leader: LinkTarget | null): void {
    this.end();
    this.#leader = leader;
    this.#begin();
    if (this.#hello !== null) this.#local?.hear(this.#hello);
    this.#dialer?.start();
  }

  /** Ends the other side, and leaves the agent's. */
  end(): void {
    this.#local?.end();
    this.#dialer?.close();
    this.#local = null;
    this.#dialer = null;
    this.#remote = null;
  }

  close(): void {
    this.end();
    this.#channel.close();
  }

  #begin(): void {
    if (this.#leader === null) {
      this.#local = new LocalSide(this.#channel);
      this.#options.accept(this.#local);
      return;
    }
    this.#dialer = new AgentDialer({
      target: this.#leader,
      onChannel: (channel) => this.#join(channel),
      onTrouble: this.#options.onTrouble,
    });
  }

  #join(remote: AgentChannel): void {
    this.#remote = remote;
    remote.onMessage((message) => {
      if (this.#remote === remote) this.#pass(message);
    });
    remote.onClose(() => {
      if (this.#remote === remote) this.#remote = null;
    });
    if (this.#hello !== null) remote.send({ ...this.#hello, relayed: true });
  }

  #pass(message: DownMessage): void {
    const { address, tokens } = this.#options;
    if (message.kind !== 'welcome' && message.kind !== 'tokens') {
      this.#channel.send(message);
      return;
    }
    const known = { ...message, tokens: [...tokens, ...(message.tokens ?? [])] };
    this.#channel.send(known.kind === 'welcome' ? { ...known, address: address() } : known);
  }

  #hear(message: UpMessage): void {
    if (message?.kind === 'hello') {
      this.#hello = message;
      // An agent says hello once on a channel; whoever says it again is introduced again.
      if (this.#dialer !== null && this.#remote !== null) this.route(this.#leader);
      else this.#dialer?.start();
    }
    if (this.#local !== null) this.#local.hear(message);
    // Between two leaders nobody takes it: the next welcome brings it again. A leader that is slow takes it later.
    else if (message.kind !== 'hello' && this.#remote?.send(message) === false && message.kind === 'windows') {
      this.#channel.send({ kind: 'nack', sequence: message.sequence, again: true });
    }
  }
}

/** The agent's channel as the registry has it: it can be taken away while the agent's own goes on. */
class LocalSide implements ControlChannel {
  readonly #channel: ControlChannel;
  #onMessage: (message: UpMessage) => void = () => {};
  #onClose: (() => void) | null = null;
  #ended = false;

  constructor(channel: ControlChannel) {
    this.#channel = channel;
  }

  send(message: DownMessage): boolean {
    return !this.#ended && this.#channel.send(message);
  }

  hear(message: UpMessage): void {
    this.#onMessage(message);
  }

  onMessage(listener: (message: UpMessage) => void): void {
    this.#onMessage = listener;
  }

  onClose(listener: () => void): void {
    this.#onClose = listener;
  }

  /** The registry has done with this agent. */
  close(): void {
    if (this.#ended) return;
    this.end();
    this.#channel.close();
  }

  /** The agent is spoken with elsewhere from now on. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onClose?.();
  }
}
