/** The other end of a link under test; see test/contract/link.test.ts for what it answers. */
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { controlIpcChannel } from '../../packages/autopilot/src/link/ipc-channel.ts';
import { LINK_PROTOCOL } from '../../packages/autopilot/src/link/protocol.ts';

const channel = controlIpcChannel();
if (channel === null) throw new Error('link-echo has to be forked with an IPC channel');
channel.onClose(() => process.exit(0));
channel.onMessage((message) => {
  switch (message.kind) {
    case 'hello':
      channel.send({ kind: 'welcome', protocol: LINK_PROTOCOL, address: 'http://127.0.0.1:1' });
      return;
    case 'windows': {
      if (message.windows.length === 0) {
        channel.send({ kind: 'nack', sequence: message.sequence, again: true });
        return;
      }
      channel.send({ kind: 'ack', sequence: message.sequence });
      const cell = message.windows[0]?.series[0]?.cells['durationMs'];
      if (!(cell instanceof Uint8Array)) return;
      const p50 = ExponentialHistogram.decode(cell).quantile(0.5);
      channel.send({ kind: 'welcome', protocol: LINK_PROTOCOL, address: `p50 ${p50}` });
      return;
    }
    case 'bye':
      channel.close();
      return;
  }
});
