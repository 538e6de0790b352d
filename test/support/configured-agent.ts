import { InstanceConfig } from '../../packages/autopilot/src/config/instance-config.ts';
import type { SettingValues } from '../../packages/autopilot/src/contract/configuration.ts';
import type { ProfileTree } from '../../packages/autopilot/src/contract/profile.ts';
import type { DownMessage } from '../../packages/autopilot/src/link/protocol.ts';
import { FakeAgent } from './control-world.ts';

/** What a profile of two seconds could be. */
const profileOfAShop: ProfileTree = {
  frames: [
    { name: 'GET /orders', file: '', line: 0 },
    { name: 'POST /orders', file: '', line: 0 },
    { name: '(no request)', file: '', line: 0 },
    { name: 'listOrders', file: 'src/orders.ts', line: 12 },
    { name: 'serialize', file: 'fast-json-stringify/index.js', line: 40 },
    { name: 'priceOf', file: 'src/prices.ts', line: 7 },
    { name: 'createOrder', file: 'src/orders.ts', line: 55 },
    { name: '(garbage collector)', file: '', line: 0 },
  ],
  nodes: [
    [0, -1, 20],
    [3, 0, 160],
    [4, 1, 220],
    [5, 1, 340],
    [1, -1, 10],
    [6, 4, 180],
    [2, -1, 0],
    [7, 6, 45],
  ],
  total: 975,
  samples: 975,
  notes: [],
};

/** An agent whose configuration is a real one. */
export class ConfiguredAgent extends FakeAgent {
  readonly config: InstanceConfig;
  silent = false;

  constructor(environment: SettingValues = {}, safeMode = false) {
    super();
    this.config = new InstanceConfig({ environment, safeMode, reader: 'agent', initial: null });
    const send = this.channel.send.bind(this.channel);
    Object.assign(this.channel, {
      send: (message: DownMessage) => {
        if (!this.silent) queueMicrotask(() => this.#hear(message));
        return send(message);
      },
    });
  }

  #hear(message: DownMessage): void {
    if (message.kind === 'config-check') {
      this.say({ kind: 'config-checked', id: message.id, ...this.config.check(message.layers) });
    }
    if (message.kind === 'profile') this.say({ kind: 'profiled', id: message.id, tree: profileOfAShop, refusal: null });
    if (message.kind === 'config') this.config.take(message);
    if (message.kind === 'config' || message.kind === 'welcome')
      this.say({ kind: 'config-state', ...this.config.state });
  }
}
