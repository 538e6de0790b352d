import type { ServerResponse } from 'node:http';

/**
 * Node puts the head of an answer before a text and writes both as one, into 16 KB that it has at hand; bytes are a part
 * of their own, for which it allocates a list of parts. An answer of 6 KB takes some 6 us less as a text with one letter a
 * byte (latin1); a longer one would be copied once more for nothing.
 */
const SHORT_BYTES = 15 * 1024;

/** Ends an answer with these bytes. `end` is the response's own, bound to it. */
export function endWithBytes(end: ServerResponse['end'], bytes: Uint8Array): void {
  if (bytes.byteLength > SHORT_BYTES) end(bytes);
  else end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), 'latin1');
}

/** Has the response do so when it is ended with these very bytes; a framework takes its own way until there. */
export function endsWithBytes(response: ServerResponse, bytes: Uint8Array): void {
  if (bytes.byteLength > SHORT_BYTES) return;
  // Not always Node's: others replace it too.
  const end = response.end.bind(response);
  response.end = ((...args: readonly unknown[]): ServerResponse => {
    response.end = end;
    const [chunk, encoding, done] = args;
    if (chunk !== bytes || typeof encoding === 'function' || typeof done === 'function') {
      // Each of its forms is handed on as it came.
      return end(...(args as Parameters<typeof end>));
    }
    endWithBytes(end, bytes);
    return response;
  }) as ServerResponse['end']; // overloads have no one type
}
