/**
 * What a test process tells the test runner: one JSON object a line, into the file that the runner named.
 * Loaded by Node inside the process whose tests it reports (`--test-reporter`).
 */
import { resolve } from 'node:path';
import type { EventData } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** A line of the report. */
export type ReportLine =
  /** A test of the outermost level was registered. */
  | { readonly kind: 'registered' }
  /** It is over; results follow in the order of registration. */
  | { readonly kind: 'over' }
  /** A test began. */
  | { readonly kind: 'begun'; readonly name: string }
  | ResultLine
  | { readonly kind: 'remark'; readonly text: string }
  /** Everything that was registered has run. */
  | { readonly kind: 'end' };

/** A test or suite is over. */
export interface ResultLine {
  readonly kind: 'result';
  /** With the names of what it stands in: `histogram > merge > is associative`. */
  readonly name: string;
  /** 0 for the outermost level. */
  readonly nesting: number;
  readonly isSuite: boolean;
  /** Where its outermost level stands, absolute; for a shared specification, the specification's file. */
  readonly file: string | undefined;
  readonly durationMs: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped or failed. */
  readonly reason: string;
  /** Failed only because something inside it failed, which has a line of its own. */
  readonly onlyInside: boolean;
}

// Both streams exist from here on, so that what is open before the first test can be told from what a test leaves open.
void [process.stdout, process.stderr];
const ownResources = countResources();

if (process.platform !== 'win32') {
  // The runner asks this way what keeps a process alive whose tests are over.
  process.on('SIGUSR2', () => {
    const left = [...countResources()].flatMap(([kind, count]) => {
      const added = count - (ownResources.get(kind) ?? 0);
      return added <= 0 ? [] : [added === 1 ? kind : `${kind} x ${added}`];
    });
    process.stderr.write(`still open: ${left.join(', ') || 'nothing that Node names'}\n`);
  });
}

/** What the event loop waits for: each kind with its number. */
function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Node calls this with everything that happens to the tests and writes what it yields. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  // What the test being reported stands in, from the outermost level; its own place is its nesting.
  const above: string[] = [];
  let file: string | undefined;
  for await (const event of events) {
    if (event.type === 'test:start') {
      above[event.data.nesting] = event.data.name;
      if (event.data.nesting === 0) file = event.data.file;
      continue;
    }
    let line = lineOf(event);
    if (line?.kind === 'result' && line.nesting > 0) {
      line = { ...line, name: [...above.slice(0, line.nesting), line.name].join(' > '), file };
    }
    if (line !== undefined) yield `${JSON.stringify(line)}\n`;
  }
}

function lineOf(event: TestEvent): ReportLine | undefined {
  switch (event.type) {
    case 'test:enqueue':
      return event.data.nesting === 0 ? { kind: 'registered' } : undefined;
    case 'test:dequeue':
      return { kind: 'begun', name: event.data.name };
    case 'test:complete':
      return event.data.nesting === 0 ? { kind: 'over' } : undefined;
    case 'test:pass':
      return resultOf(event.data, 'passed', '');
    case 'test:fail':
      return resultOf(event.data, 'failed', describeFailure(event.data.details.error));
    case 'test:diagnostic':
      // Those at the end are Node's own sums.
      return /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(event.data.message)
        ? undefined
        : { kind: 'remark', text: event.data.message };
    case 'test:summary':
      return { kind: 'end' };
    default:
      return undefined;
  }
}

function resultOf(
  data: EventData.TestPass | EventData.TestFail,
  outcome: 'passed' | 'failed',
  reason: string,
): ResultLine {
  const { error } = data.details as { readonly error?: { readonly failureType?: string } }; // only a failure has one
  const skipped = data.skip !== undefined && data.skip !== false;
  const todo = data.todo !== undefined && data.todo !== false;
  const why = skipped ? data.skip : data.todo;
  // Node reports a file that registered no test as one test that passed, named as the file.
  if (data.nesting === 0 && outcome === 'passed' && data.file !== undefined && resolve(data.name) === data.file) {
    return resultOf({ ...data, name: 'the file' }, 'failed', 'it holds no test');
  }
  return {
    kind: 'result',
    // Hooks outside of every test fail under the file's name.
    name: data.name === data.file ? 'the file' : data.name,
    nesting: data.nesting,
    isSuite: data.details.type === 'suite',
    file: data.file,
    durationMs: data.details.duration_ms,
    outcome: skipped || todo ? 'skipped' : outcome,
    reason:
      skipped || todo
        ? `${todo && !skipped ? 'to do: ' : ''}${typeof why === 'string' && why !== '' ? why : 'no reason given'}`
        : reason,
    onlyInside: error?.failureType === 'subtestsFailed',
  };
}

/** Node wraps what was thrown in an error of its own, whose cause it is. */
function describeFailure(error: Error): string {
  const thrown = error.cause ?? error;
  if (typeof thrown === 'string') return thrown;
  const isAssertion = thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_ASSERTION';
  // An assertion's message holds its values already; of any other error, its own fields tell more.
  const text = isAssertion
    ? (thrown.stack ?? thrown.message)
    : inspect(thrown, { depth: 4, breakLength: 110, maxStringLength: 4_000, maxArrayLength: 50 });
  return text.replaceAll(/\n\s+at [^\n]*node:internal[^\n]*/g, '');
}
