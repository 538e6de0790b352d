import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { type Running, sleep, start } from './child-process.ts';
import type { ReportLine, ResultLine } from './test-reporter.ts';

/** How long a process that does not answer may clear up after its tests. */
const busyLimitMs = 60_000;

/** A process that runs test files, and how long it may take. */
export interface TestProcess {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly root: string;
  /** After this one test has failed, whatever it waits for. */
  readonly testLimitMs: number;
  /** After this the whole process is ended. */
  readonly processLimitMs: number;
  /** How long the process may live on after its last test, and how long what it started may outlive it. */
  readonly closeLimitMs: number;
}

export interface TestProcessResult {
  /** Why the process itself failed, beside its tests: it hung, crashed, left something open or behind. */
  readonly trouble: string | undefined;
  /** What it wrote to stdout and stderr. */
  readonly output: string;
}

/** Runs test files in one process of their own; calls `onResult` for each test as it ends. */
export async function runTestProcess(
  task: TestProcess,
  onResult: (result: ResultLine) => void,
): Promise<TestProcessResult> {
  const folder = mkdtempSync(join(tmpdir(), 'test-report-'));
  const path = join(folder, 'report.jsonl');
  const report = new Report(path, onResult);
  try {
    const child = start(
      process.execPath,
      [
        '-C',
        'source',
        '--test',
        '--test-isolation=none',
        `--test-timeout=${task.testLimitMs}`,
        `--test-reporter=${join(import.meta.dirname, 'test-reporter.ts')}`,
        `--test-reporter-destination=${path}`,
        ...task.files,
      ],
      { cwd: task.root, env: environment(), leaveMs: task.closeLimitMs },
    );
    const forced = await endInTime(child, report, task);
    const ended = await child.ended;
    report.follow();
    const how = ended.signal ?? `exit code ${ended.code}`;
    let trouble = forced;
    if (trouble === undefined && !report.isWhole) {
      trouble = `the process ended (${how}) before its tests were over${report.during()}`;
    } else if (trouble === undefined && ended.code !== 0 && report.failures === 0) {
      trouble = [`the process ended with ${how} though no test failed`, ...report.remarks].join('\n');
    } else if (trouble === undefined && ended.leftBehind.length > 0) {
      trouble = `it left processes behind (now ended):\n${ended.leftBehind.map((command) => `  ${command}`).join('\n')}`;
    }
    return { trouble, output: ended.output };
  } finally {
    report.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits for the process; ends it by force when it hangs, and then answers with what it was doing. */
async function endInTime(child: Running, report: Report, task: TestProcess): Promise<string | undefined> {
  let isGone = false;
  const exit = child.exited.then(() => {
    isGone = true;
  });
  const startedMs = performance.now();
  let heardMs = startedMs;
  for (;;) {
    await Promise.race([exit, sleep(100)]);
    if (isGone) return undefined;
    const nowMs = performance.now();
    if (report.follow() > 0) heardMs = nowMs;
    const silentMs = nowMs - heardMs;
    let trouble: string | undefined;
    if (report.isOver) {
      if (silentMs <= task.closeLimitMs) continue;
      // No answer: it is at work, clearing up, and may have a while longer.
      const open = await openResources(child);
      if (open === undefined && silentMs <= task.closeLimitMs + busyLimitMs) continue;
      trouble = `its tests were over, but the process did not end: ${open ?? `busy for ${seconds(silentMs)}`}`;
    } else if (silentMs > task.testLimitMs * 1.5) {
      trouble = `nothing happened for ${seconds(silentMs)}${report.during()}: the process was blocked and was ended`;
    } else if (nowMs - startedMs > task.processLimitMs) {
      trouble = `still running after ${seconds(task.processLimitMs)}${report.during()}: the process was ended`;
    }
    if (trouble !== undefined) {
      child.kill();
      return trouble;
    }
  }
}

/** Asks the reporter inside the process what keeps it alive; undefined when it does not answer, or has ended meanwhile. */
async function openResources(child: Running): Promise<string | undefined> {
  const before = child.output().length;
  child.signal('SIGUSR2');
  for (let waitedMs = 0; waitedMs < 2_000; waitedMs += 50) {
    await sleep(50);
    const answer = /^still open: .*$/m.exec(child.output().slice(before))?.[0];
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}

/** Ours, without what would make Node take this process for a test runner's child. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return env;
}

/** The report that a test process writes, followed as it grows. */
class Report {
  /** Tests that failed. */
  failures = 0;
  /** What Node remarked besides results: a promise rejected after its test, and the like. */
  readonly remarks: string[] = [];
  /** Node wrote its sums: nothing is missing. */
  isWhole = false;
  readonly #onResult: (result: ResultLine) => void;
  readonly #descriptor: number;
  readonly #decoder: StringDecoder = new StringDecoder('utf8');
  readonly #buffer: Buffer = Buffer.alloc(64 * 1024);
  #rest = '';
  #registered = 0;
  #open = 0;
  #begun: string | undefined;

  constructor(path: string, onResult: (result: ResultLine) => void) {
    this.#descriptor = openSync(path, 'a+');
    this.#onResult = onResult;
  }

  /** Every test that was registered has run. */
  get isOver(): boolean {
    return this.isWhole || (this.#registered > 0 && this.#open === 0);
  }

  /** The test that began last, for a message about a process that says no more. */
  during(): string {
    return this.#begun === undefined ? '' : `, in "${this.#begun}"`;
  }

  /** Takes in what was written since the last call; answers how many lines that were. */
  follow(): number {
    for (let length = 1; length > 0; ) {
      length = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.length, null);
      this.#rest += this.#decoder.write(this.#buffer.subarray(0, length));
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    // Our own reporter wrote them.
    for (const line of lines) this.#take(JSON.parse(line) as ReportLine);
    return lines.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #take(line: ReportLine): void {
    switch (line.kind) {
      case 'registered':
        this.#registered += 1;
        this.#open += 1;
        break;
      case 'over':
        this.#open -= 1;
        break;
      case 'begun':
        this.#begun = line.name;
        break;
      case 'remark':
        this.remarks.push(line.text);
        break;
      case 'end':
        this.isWhole = true;
        break;
      case 'result':
        this.#begun = undefined;
        if (line.outcome === 'failed') this.failures += 1;
        this.#onResult(line);
        break;
    }
  }
}
