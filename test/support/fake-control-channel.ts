import type { ControlChannel, DownMessage, UpMessage } from '../../packages/autopilot/src/link/protocol.ts';

/** An agent's channel as a control plane has it: what is sent on it is kept, and a test says what comes over it. */
export class FakeControlChannel implements ControlChannel {
  readonly sent: DownMessage[] = [];
  closed = false;
  #onMessage: (message: UpMessage) => void = () => {};
  #onClose: () => void = () => {};

  send(message: DownMessage): boolean {
    this.sent.push(message);
    return true;
  }
  onMessage(listener: (message: UpMessage) => void): void {
    this.#onMessage = listener;
  }
  onClose(listener: () => void): void {
    this.#onClose = listener;
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#onClose();
  }
  say(message: unknown): void {
    this.#onMessage(message as UpMessage); // `as`: what comes over a link may be anything
  }
  hello(more: object = {}): void {
    const origin = { service: 'orders', instance: 'one', release: '1' };
    this.say({ kind: 'hello', protocol: 1, origin, pid: 1, startedAt: 1000, databases: [], ...more });
  }
}
