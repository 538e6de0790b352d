import { InstanceConfig } from '../../packages/autopilot/src/config/instance-config.ts';
import type { SettingValues } from '../../packages/autopilot/src/contract/configuration.ts';
import type { DownMessage } from '../../packages/autopilot/src/link/protocol.ts';
import { FakeAgent } from './control-world.ts';

/** An agent whose configuration is a real one. */
export class ConfiguredAgent extends FakeAgent {
  readonly config: InstanceConfig;
  silent = false;

  constructor(environment: SettingValues = {}, safeMode = false) {
    super();
    this.config = new InstanceConfig({ environment, safeMode, initial: null });
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
    if (message.kind === 'config') this.config.take(message);
    if (message.kind === 'config' || message.kind === 'welcome')
      this.say({ kind: 'config-state', ...this.config.state });
  }
}
