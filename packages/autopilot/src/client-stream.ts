import type { Frame } from './contract/frame.ts';
import type { Dashboard, MetricsAnswer } from './contract/performance.ts';

/** `open`: events arrive; `waiting`: the connection broke and is tried again in `retryMs`. */
export type ConnectionState =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  | { readonly state: 'waiting'; readonly retryMs: number; readonly cause: unknown };

/** What a stream can be told beside its query. */
export interface StreamOptions {
  /** Ends the stream: its loop then ends without an error. */
  readonly signal?: AbortSignal;
  readonly onConnection?: (connection: ConnectionState) => void;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
/** The server sends something each second; after this long without a byte the connection is dead though nobody said so. */
const SILENCE_MS = 10_000;

/**
 * The documents of a stream, each whole, over as many connections as it takes. `retryOf` says of an error how long to wait at
 * the least before the next one, in ms; null: it will not help, and the error is thrown.
 */
export async function* follow<Event>(
  open: (signal: AbortSignal) => Promise<Response>,
  { signal, onConnection }: StreamOptions,
  merge: (before: Event, event: Event) => Event,
  retryOf: (error: unknown) => number | null,
): AsyncGenerator<Event, void, undefined> {
  let current: Event | undefined;
  let failures = 0;
  while (!isAborted(signal)) {
    const connection = new AbortController();
    const end = (): void => connection.abort();
    signal?.addEventListener('abort', end, { once: true });
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS);
    };
    let cause: unknown = new Error('The server ended the stream.');
    let retryAfterMs = 0;
    try {
      onConnection?.({ state: 'connecting' });
      heard();
      const response = await open(connection.signal);
      onConnection?.({ state: 'open' });
      // A new connection begins with a whole document: nothing of the one before is needed, and its range may be over.
      let first = true;
      for await (const data of eventsOf(response, heard)) {
        // The server sends what the operation table declares.
        const event = JSON.parse(data) as Event;
        current = first || current === undefined ? event : merge(current, event);
        first = false;
        failures = 0;
        // While the consumer is busy nothing is read, which is not the server's silence.
        clearTimeout(silence);
        yield current;
        heard();
      }
    } catch (error) {
      if (isAborted(signal)) return;
      const leastMs = retryOf(error);
      if (leastMs === null) throw error;
      cause = error;
      retryAfterMs = leastMs;
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', end);
      // Also when the consumer leaves its loop: the server then closes its side.
      connection.abort();
    }
    // Full jitter over the upper half, so that many pages do not come back in the same moment after a restart.
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
    const retryMs = Math.max(retryAfterMs, longest / 2 + (Math.random() * longest) / 2);
    onConnection?.({ state: 'waiting', retryMs, cause });
    await pause(retryMs, signal);
  }
}

/** A function, because an abort comes from outside: the compiler would take the answer of one look for granted at the next. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    if (isAborted(signal)) done();
  });
}

/** The data of each event of a server-sent stream (WHATWG HTML, section 9.2.6); comments and names are passed over. */
async function* eventsOf(response: Response, heard: () => void): AsyncGenerator<string, void, undefined> {
  if (response.body === null) return;
  // Node's types leave the chunks open; fetch gives bytes.
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const raw of lines) {
        const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
        if (line === '') {
          if (data.length > 0) yield data.join('\n');
          data = [];
        } else if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      }
    }
  } finally {
    reader.cancel().catch(() => {
      // The connection is gone already, which is all that cancelling wants.
    });
  }
}

/** The next document of a dashboard's stream, with whole trends again. */
export function mergeDashboard(before: Dashboard, event: Dashboard): Dashboard {
  const trends: Record<string, Frame> = {};
  for (const [name, frame] of Object.entries(event.trends)) {
    const whole = before.trends[name];
    trends[name] = whole === undefined ? frame : mergeFrame(whole, frame);
  }
  return {
    ...event,
    trends,
    health: { ...event.health, trend: mergeFrame(before.health.trend, event.health.trend) },
  };
}

/**
 * `before` with the points of `tail` put in by their time, as long as `before` was: what a stream's later events are
 * for. Frames of different steps do not merge: `tail` is then taken alone.
 */
export function mergeFrame(before: Frame, tail: Frame): Frame {
  if (before.stepMs !== tail.stepMs || tail.at.length >= before.at.length) return tail;
  const first = tail.at[0];
  if (first === undefined) return before;
  const kept = before.at.findIndex((at) => at >= first);
  const until = kept === -1 ? before.at.length : kept;
  const from = Math.max(0, until + tail.at.length - before.at.length);
  const columns: Record<string, readonly (number | null)[]> = {};
  for (const [name, column] of Object.entries(tail.columns)) {
    columns[name] = [...(before.columns[name] ?? before.at.map(() => null)).slice(from, until), ...column];
  }
  return {
    at: [...before.at.slice(from, until), ...tail.at],
    stepMs: tail.stepMs,
    columns,
    complete: before.complete && tail.complete,
    ...(tail.missing === undefined ? {} : { missing: tail.missing }),
  };
}

/** As {@link mergeFrame}, of the whole answer. */
export function mergeMetrics(before: MetricsAnswer, event: MetricsAnswer): MetricsAnswer {
  return { ...event, frame: mergeFrame(before.frame, event.frame) };
}
