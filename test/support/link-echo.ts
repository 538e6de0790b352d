/** The other end of a link under test, over IPC or, with the argument `http`, over HTTP; see test/contract/link.test.ts for what it answers. */
import { listen } from '../../packages/autopilot/src/api/http-server.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import { HttpLinkAcceptor } from '../../packages/autopilot/src/link/http-acceptor.ts';
import { controlIpcChannel } from '../../packages/autopilot/src/link/ipc-channel.ts';
import { type ControlChannel, LINK_PROTOCOL } from '../../packages/autopilot/src/link/protocol.ts';

function answer(channel: ControlChannel): void {
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
      case 'config-state':
      case 'config-checked':
      case 'profiled':
      case 'vitals':
      case 'listening':
        return;
      case 'bye':
        // After its answer has gone out.
        setTimeout(() => channel.close(), 50);
        return;
    }
  });
}

if (process.argv[2] === 'http') {
  const acceptor = new HttpLinkAcceptor({
    clock: systemClock,
    holder: 'echo',
    keys: () => [process.env['AUTOPILOT_LINK_KEY'] ?? ''],
    accept: answer,
    onTrouble: (message) => console.error(message),
  });
  const server = await listen((request) => acceptor.answer(request), { host: '127.0.0.1', port: 0 });
  process.send?.(server.address);
} else {
  const channel = controlIpcChannel();
  if (channel === null) throw new Error('link-echo has to be forked with an IPC channel');
  answer(channel);
}
