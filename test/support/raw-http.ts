import { connect, type Socket } from 'node:net';

/** What came back over a raw connection. */
export interface RawAnswer {
  /** Status codes of the answers, in order. */
  readonly statuses: readonly number[];
  readonly text: string;
  /** The server ended the connection. */
  readonly closed: boolean;
}

/**
 * Writes bytes as they are to a server and reads until it closes, `enough` answers have come, or the limit is over. Errors of the
 * connection count as its end: whoever misbehaves may be cut off.
 */
export async function rawRequest(
  url: string,
  bytes: string | Uint8Array | AsyncIterable<Uint8Array>,
  { enough = 1, limitMs = 20_000 }: { readonly enough?: number; readonly limitMs?: number } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let text = '';
  let closed = false;
  const gone = new Promise<void>((resolve) => {
    socket.on('close', resolve);
  });
  const ended = new Promise<void>((resolve) => {
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
      if (statusesIn(text).length >= enough) resolve();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
      resolve();
    });
  });
  const limit = setTimeout(() => socket.destroy(), limitMs);
  const writing = write(socket, bytes, gone, () => closed || statusesIn(text).length >= enough);
  await ended;
  clearTimeout(limit);
  // What follows an answer at once: that the connection is closed.
  if (!closed) await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 50))]);
  const wasClosed = closed;
  socket.destroy();
  await writing;
  return { statuses: statusesIn(text), text, closed: wasClosed };
}

async function write(
  socket: Socket,
  bytes: string | Uint8Array | AsyncIterable<Uint8Array>,
  gone: Promise<void>,
  isOver: () => boolean,
): Promise<void> {
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) {
    socket.write(bytes);
    return;
  }
  for await (const piece of bytes) {
    if (isOver() || socket.destroyed) return;
    if (!socket.write(piece)) await Promise.race([new Promise<void>((resolve) => socket.once('drain', resolve)), gone]);
  }
}

/** Heads begin a line of their own, or follow a body directly. */
function statusesIn(text: string): readonly number[] {
  return Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
}
