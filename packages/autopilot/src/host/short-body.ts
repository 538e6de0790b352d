import type { ServerResponse } from 'node:http';

/**
 * Node puts the head of an answer before a text and writes both as one, into 16 KB that it has at hand; bytes are a part
 * of their own, for which it allocates a list of parts. An answer of 6 KB takes some 6 us less as a text with one letter a
 * byte (latin1); a longer one would be copied once more for nothing.
 */
const SHORT_BYTES = 15 * 1024;

/** What ends a response, in any of its forms. */
type End = (this: ServerResponse, ...args: unknown[]) => ServerResponse;

/** Ends an answer with these bytes. `end` is the response's own. */
export function endWithBytes(response: ServerResponse, end: End, bytes: Uint8Array): void {
  if (bytes.byteLength > SHORT_BYTES) end.call(response, bytes);
  else {
    end.call(response, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), 'latin1');
  }
}

/** Has the response do so when it is ended with these very bytes; a framework takes its own way until there. */
export function endsWithBytes(response: ServerResponse, bytes: Uint8Array): void {
  if (bytes.byteLength > SHORT_BYTES) return;
  // Not always Node's: others replace it too.
  const end = Reflect.get(response, 'end') as End; // whosever it is
  response.end = ((...args: readonly unknown[]): ServerResponse => {
    // The same function as before: its types are of another form.
    response.end = end as ServerResponse['end'];
    const [chunk, encoding, done] = args;
    // Each of its forms is handed on as it came.
    if (chunk !== bytes || typeof encoding === 'function' || typeof done === 'function') {
      return end.call(response, ...args);
    }
    endWithBytes(response, end, bytes);
    return response;
  }) as ServerResponse['end']; // overloads have no one type
}
