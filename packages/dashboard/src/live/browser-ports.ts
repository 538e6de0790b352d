import type { ChannelPort, LockPort } from './shared-stream.ts';

/** What sharing a stream needs of the browser. Web Locks exist only in secure contexts: https, or the machine itself. */
export const browserPorts: {
  readonly locks: LockPort | undefined;
  readonly channel: ((name: string) => ChannelPort) | undefined;
} = {
  locks: 'locks' in navigator ? navigator.locks : undefined,
  channel: 'BroadcastChannel' in globalThis ? broadcast : undefined,
};

function broadcast(name: string): ChannelPort {
  const channel = new BroadcastChannel(name);
  return {
    // A channel has no target origin: it never leaves its own.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    post: (message) => channel.postMessage(message),
    listen: (heard) => {
      channel.addEventListener('message', ({ data }) => heard(data));
    },
    close: () => channel.close(),
  };
}
