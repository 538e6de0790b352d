import { PassThrough, pipeline, type Readable } from 'node:stream';
import type { CodingLevel } from './coding-level.ts';
import { codingStream } from './encoders.ts';
import type { StreamHead } from './stream-head.ts';

/** What a stream has become when it ended, or was given up. */
export interface StreamTotals {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Without a chunk for so long, a stream's reader gets what there is. Shorter pauses are those between two reads of a file. */
const QUIET_MS = 10;

/**
 * The rest of `source` behind its head, coded. `flushes`: every chunk is sent as it comes (events). Whichever of the two
 * ends first, by an error or because the client went away, ends the other, and the codec with it.
 */
export function codeStream(
  source: Readable,
  { chunks }: StreamHead,
  level: CodingLevel,
  flushes: boolean,
  onEnded: (totals: StreamTotals) => void,
): Readable {
  const { stream, flush } = codingStream(level, flushes);
  let bytesIn = 0;
  let bytesOut = 0;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding) => {
    if (chunk instanceof Uint8Array) bytesOut += chunk.byteLength;
    return push(chunk, encoding);
  };
  let quiet: NodeJS.Timeout | null = null;
  const onChunk = (chunk: unknown): void => {
    bytesIn +=
      typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk instanceof Uint8Array ? chunk.byteLength : 0;
    if (flushes) return;
    if (quiet === null) quiet = setTimeout(flush, QUIET_MS).unref();
    else quiet.refresh();
  };
  for (const chunk of chunks) {
    onChunk(chunk);
    stream.write(chunk);
  }
  source.on('data', onChunk);
  // Its reader learns of errors by the stream it reads.
  pipeline(source, stream, () => {
    source.off('data', onChunk);
    if (quiet !== null) clearTimeout(quiet);
  });
  stream.once('close', () => onEnded({ bytesIn, bytesOut }));
  return stream;
}

/** The same stream with its head before it again. */
export function plainStream(source: Readable, { chunks }: StreamHead): Readable {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  pipeline(source, stream, () => {});
  return stream;
}
