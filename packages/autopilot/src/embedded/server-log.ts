import { StringDecoder } from 'node:string_decoder';

const longestLine = 16_384;
const keptLines = 40;
const longestKept = 400;

/**
 * Cuts a server's output into lines, hands them on, and keeps the last ones for an error message.
 * Memory bound: 16,384 characters of an unfinished line (a longer one is handed on in pieces) and 40 lines of 400.
 */
export class ServerLog {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  readonly #kept: string[] = [];
  #pending = '';

  /** What `onLine` throws is dropped: a reader of the log must not end the server. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    const pieces = (this.#pending + this.#decoder.write(chunk)).split('\n');
    this.#pending = pieces.pop() ?? '';
    for (const piece of pieces) this.#line(piece);
    while (this.#pending.length > longestLine) {
      this.#line(this.#pending.slice(0, longestLine));
      this.#pending = this.#pending.slice(longestLine);
    }
  }

  /** Hands on what came after the last line end. */
  end(): void {
    const rest = this.#pending + this.#decoder.end();
    this.#pending = '';
    if (rest !== '') this.#line(rest);
  }

  /** The last lines, oldest first, at most 40, each cut at 400 characters. */
  tail(): string {
    return this.#kept.join('\n');
  }

  #line(line: string): void {
    this.#kept.push(line.slice(0, longestKept));
    if (this.#kept.length > keptLines) this.#kept.shift();
    try {
      this.#onLine(line);
    } catch {
      // See the constructor.
    }
  }
}
