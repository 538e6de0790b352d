import type { ServerResponse } from 'node:http';

/**
 * Node puts the head of an answer before a text and writes both as one, into 16 KB that it has at hand; bytes are a part
 * of their own, for which it allocates a list of parts. An answer of 6 KB takes some 6 us less as a text with one letter a
 * byte (latin1); a longer one would be copied once more for nothing.
 */
const SHORT_BYTES = 15 * 1024;

/** Ends an answer with these bytes. `end` is the response's own. */
export function endWithBytes(response: ServerResponse, end: ServerResponse['end'], bytes: Uint8Array): void {
  if (bytes.byteLength > SHORT_BYTES) end.call(response, bytes, 'latin1');
  else end.call(response, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), 'latin1');
}

/** Has the response do so when it is ended with these very bytes; a framework takes its own way until there. */
export function endsWithBytes(response: ServerResponse, bytes: Uint8Array): void {
  if (bytes.byteLength > SHORT_BYTES) return;
  // Not always Node's: others replace it too.
  const { end } = response;
  // Each of its forms is handed on as it came.
  response.end = ((...args: Parameters<ServerResponse['end']>): ServerResponse => {
    response.end = end;
    if (args[0] === bytes && typeof args[1] !== 'function' && typeof args[2] !== 'function') {
      endWithBytes(response, end, bytes);
      return response;
    }
    return end.apply(response, args);
  }) as ServerResponse['end']; // overloads have no one type
}
