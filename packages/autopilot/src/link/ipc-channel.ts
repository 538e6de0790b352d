import type { ChildProcess } from 'node:child_process';
import type { AgentChannel, Channel, ControlChannel, DownMessage, UpMessage } from './protocol.ts';

/**
 * The link to a child process, over Node's IPC with `serialization: 'advanced'`, which carries histograms as bytes.
 * Node buffers what the pipe does not take at once, without bound: `send` therefore counts what is under way and
 * refuses above a few messages, so that a control plane which has stopped reading costs the application nothing.
 */

const MAX_MESSAGES_UNDER_WAY = 8;

/** What both ends of Node's IPC have in common. */
interface IpcEnd {
  readonly connected: boolean | undefined;
  send(message: unknown, callback: (error: Error | null) => void): void;
  on(event: 'message', listener: (message: unknown) => void): void;
  once(event: 'disconnect', listener: () => void): void;
  disconnect(): void;
}

/** The application's end of the link to the control plane that it forked. */
export function agentIpcChannel(child: ChildProcess): AgentChannel {
  return new IpcChannel<UpMessage, DownMessage>({
    get connected() {
      return child.connected;
    },
    send: (message, callback) => {
      child.send(message as UpMessage, callback); // `as`: a structured-cloneable message, which Node's types can't say
    },
    on: (event, listener) => child.on(event, listener),
    once: (event, listener) => child.once(event, listener),
    disconnect: () => child.disconnect(),
  });
}

/**
 * The control plane's end of the link to the application that forked it.
 * @returns null when this process was not forked with an IPC channel.
 */
export function controlIpcChannel(process_: NodeJS.Process = process): ControlChannel | null {
  if (process_.send === undefined) return null;
  return new IpcChannel<DownMessage, UpMessage>({
    get connected() {
      return process_.connected;
    },
    send: (message, callback) => {
      process_.send?.(message, undefined, undefined, callback);
    },
    on: (event, listener) => process_.on(event, listener),
    once: (event, listener) => process_.once(event, listener),
    disconnect: () => process_.disconnect(),
  });
}

class IpcChannel<Out, In> implements Channel<Out, In> {
  readonly #end: IpcEnd;
  #underWay = 0;
  #closed = false;
  #onClose: (() => void) | null = null;

  constructor(end: IpcEnd) {
    this.#end = end;
    end.once('disconnect', () => this.#ended());
  }

  send(message: Out): boolean {
    if (this.#closed || this.#end.connected !== true || this.#underWay >= MAX_MESSAGES_UNDER_WAY) return false;
    this.#underWay++;
    try {
      this.#end.send(message, () => {
        // An error here is a broken pipe: 'disconnect' follows and says so.
        this.#underWay--;
      });
    } catch {
      // Node throws when the channel closed between the check and the call.
      this.#underWay--;
      return false;
    }
    return true;
  }

  onMessage(listener: (message: In) => void): void {
    // `as`: both ends are of one release, or have compared protocol versions in hello.
    this.#end.on('message', (message) => listener(message as In));
  }

  onClose(listener: () => void): void {
    if (this.#closed) queueMicrotask(listener);
    else this.#onClose = listener;
  }

  close(): void {
    if (this.#closed) return;
    // Not at once: Node hands over messages that came before there was a listener in one go, and breaks when the channel
    // is gone in the middle of it (lib/internal/child_process.js, kPendingMessages).
    process.nextTick(() => {
      if (this.#end.connected === true) this.#end.disconnect();
    });
    this.#ended();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose?.();
  }
}
