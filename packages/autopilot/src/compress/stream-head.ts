import type { Readable } from 'node:stream';

/** What a stream gave before its head was sent. */
export interface StreamHead {
  readonly chunks: readonly Buffer[];
  readonly byteLength: number;
  /** There is no more: this is the whole body. */
  readonly ended: boolean;
}

/** A body that ends within these is coded as one. */
const MAX_HELD_BYTES = 64 * 1024;

/**
 * Reads the beginning of a stream, so that a body that is too small to be worth coding is known for one: until the tick
 * of its first chunk is over, it has ended, or there is enough. Nothing waits for more than the first chunk, for which
 * the head of an answer waits in any case. Calls back once; the stream is then paused, or has ended.
 */
export function readHead(source: Readable, done: (error: Error | null, head: StreamHead) => void): void {
  const chunks: Buffer[] = [];
  let byteLength = 0;
  let tick: NodeJS.Immediate | null = null;
  const settle = (error: Error | null, ended: boolean): void => {
    source.off('readable', onReadable).off('end', onEnd).off('error', onError).off('close', onClose);
    if (tick !== null) clearImmediate(tick);
    // What is destroyed says so once more, to nobody.
    if (error !== null) source.on('error', () => {});
    done(error, { chunks, byteLength, ended });
  };
  const onEnd = (): void => settle(null, true);
  const onError = (error: Error): void => settle(error, false);
  const onClose = (): void => settle(new Error('The body was closed before it ended.'), false);
  const read = (): void => {
    while (byteLength < MAX_HELD_BYTES) {
      const chunk: unknown = source.read();
      if (chunk === null || chunk === undefined) break;
      const bytes = bytesOf(chunk);
      chunks.push(bytes);
      byteLength += bytes.byteLength;
    }
  };
  const onReadable = (): void => {
    try {
      read();
    } catch (error) {
      // What it gave is no body.
      source.destroy();
      settle(error instanceof Error ? error : new Error(String(error)), false);
      return;
    }
    if (byteLength >= MAX_HELD_BYTES) settle(null, false);
    else if (byteLength > 0) tick ??= setImmediate(() => settle(null, false));
  };
  source.on('readable', onReadable).on('end', onEnd).on('error', onError).on('close', onClose);
}

/** What a stream gives, as it would go to a socket. */
function bytesOf(chunk: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError(`A body may be text or bytes; this stream gave ${typeof chunk}.`);
}
