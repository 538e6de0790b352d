import {
  constants,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import type { ContentCoding } from '../contract/compression.ts';
import { zstdParameters } from './zstd-parameters.ts';

/** Codes one body after the other in the same working memory. */
export interface ReusedContext {
  /** The first `length` bytes of `input`, coded. @throws when it fails; it is of no use any more then. */
  encode(input: Uint8Array, length: number): Uint8Array;
  close(): void;
}

/** The longest body that is coded in one: its two scratch buffers are no longer than this and a little. */
export const REUSED_MAX_BYTES: number = 256 * 1024;

/** What no codec exceeds with a body that does not become smaller: zlib and zstd grow it by less than 1/64. */
const MARGIN_BYTES = REUSED_MAX_BYTES / 64 + 1_024;

/** Where coded bodies are made before they are copied out: one for all contexts, which run one at a time. */
let scratch: Buffer | null = null;

/** What lies behind a stream of node:zlib. Undocumented: looked at before it is used, and tested before it is trusted. */
interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    from: number,
    length: number,
    out: Uint8Array,
    at: number,
    space: number,
  ): void;
  reset(): void;
  onerror: unknown;
}

interface Inside {
  readonly _handle?: Handle | null;
  /** After a write: space left in the output, bytes left of the input. */
  readonly _writeState?: Uint32Array;
}

/** Which flush ends a body, and whether the context must be told that another one begins. */
const kinds = {
  zstd: { end: constants.ZSTD_e_end, resets: false },
  gzip: { end: constants.Z_FINISH, resets: true },
  deflate: { end: constants.Z_FINISH, resets: true },
} as const;

/**
 * A context for this coding and level that is used again and again. To allocate one, its stream and the way to another
 * thread cost more than to code a small body: of 2 KB, zstd takes 9 us so and 37 us by zstdCompressSync().
 *
 * Node offers no such thing. Behind each of its streams is a handle with a synchronous write, which its own *Sync
 * functions use, and nothing says it stays. So it is tried on bodies of several kinds before it is trusted; null: it is
 * not what it was, or the coding has none (Brotli), and the caller uses the public functions. `dictionary` is zstd's alone.
 */
export function reusedContext(coding: ContentCoding, level: number, dictionary?: Uint8Array): ReusedContext | null {
  if (coding === 'br') return null;
  try {
    const context = open(coding, level, dictionary);
    if (context === null) return null;
    if (codesRightly(context, coding, dictionary)) return context;
    context.close();
    return null;
  } catch {
    return null;
  }
}

function open(coding: keyof typeof kinds, level: number, dictionary: Uint8Array | undefined): ReusedContext | null {
  const stream =
    coding === 'zstd'
      ? createZstdCompress({ params: zstdParameters(level, REUSED_MAX_BYTES), dictionary })
      : coding === 'gzip'
        ? createGzip({ level })
        : createDeflate({ level });
  // Node's types do not show what is behind the stream; each part is looked at here.
  const { _handle: handle, _writeState: state } = stream as unknown as Inside;
  const usable =
    typeof handle?.writeSync === 'function' && typeof handle.reset === 'function' && state instanceof Uint32Array;
  if (!usable || handle == null || state === undefined) {
    stream.destroy();
    return null;
  }
  let failure: string | null = null;
  // Node's own would emit an error on the stream, which nobody listens to.
  handle.onerror = (message: unknown): void => {
    failure = String(message);
  };
  const { end, resets } = kinds[coding];
  return {
    encode: (input, length) => {
      const out = (scratch ??= Buffer.allocUnsafeSlow(REUSED_MAX_BYTES + MARGIN_BYTES));
      // Node ends the process where a write does not fit its buffer.
      if (length > input.byteLength) throw new RangeError(`a body of ${input.byteLength} bytes has not ${length}`);
      if (resets) handle.reset();
      handle.writeSync(end, input, 0, length, out, 0, out.byteLength);
      const [space = 0, left = 0] = state;
      if (failure !== null || left > 0 || space === 0) {
        throw new Error(`${coding} did not code a body of ${length} bytes: ${failure ?? `${left} bytes are left`}`);
      }
      const size = out.byteLength - space;
      const coded = Buffer.allocUnsafe(size);
      out.copy(coded, 0, 0, size);
      return coded;
    },
    close: () => {
      stream.destroy();
    },
  };
}

const decoders = { zstd: zstdDecompressSync, gzip: gunzipSync, deflate: inflateSync } as const;
const encoders = { zstd: zstdCompressSync, gzip: gzipSync, deflate: deflateSync } as const;

/** Bodies one after the other come back as they were, also after an empty one and after one that grew. */
function codesRightly(context: ReusedContext, coding: keyof typeof kinds, dictionary: Uint8Array | undefined): boolean {
  const text = Buffer.from('{"id":1,"title":"a task"},'.repeat(40));
  // Noise that needs no source of it: what is compressed already.
  const noise = encoders[coding](Buffer.from(Array.from({ length: 300 }, (_, i) => (i * i * 7) % 251)));
  for (const body of [text, Buffer.alloc(0), noise, text.subarray(3), text]) {
    const coded = context.encode(body, body.byteLength);
    if (!decoders[coding](coded, { dictionary }).equals(body)) return false;
  }
  return context.encode(text, text.byteLength).byteLength < text.byteLength / 2;
}
