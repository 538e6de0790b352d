import type {
  CompressionMetric,
  JobMetric,
  PoolMetric,
  RequestMetric,
  RouteStatementMetric,
  RuntimeMetric,
  StatementMetric,
} from '../contract/metrics.ts';
import type { Cell, GaugeCell } from '../contract/series.ts';
import { ExponentialHistogram } from '../kernel/histogram.ts';
import type {
  CompressionObservation,
  JobObservation,
  PoolLevelObservation,
  PoolUseObservation,
  PoolWaitObservation,
  ProcessObservation,
  RepeatObservation,
  RequestObservation,
  StatementObservation,
} from './observation.ts';
import type { PageTotals } from './page-counts.ts';

/** What one series collects within one window. */
export interface Cells {
  /** By the names of the metric table; what is zero or empty is left out. */
  encode(): Readonly<Record<string, Cell>>;
}

/** Collects a gauge's samples. */
class Gauge {
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  sample(value: number): void {
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** null without a sample. */
  encode(): GaugeCell | null {
    return this.#count === 0 ? null : { count: this.#count, sum: this.#sum, min: this.#min, max: this.#max };
  }
}

/** Drops what is zero, empty or null; `Metric` ties the names to the metric table. */
function pack<Metric extends string>(
  values: Readonly<Record<Metric, number | Gauge | ExponentialHistogram>>,
): Readonly<Record<string, Cell>> {
  const cells: Record<string, Cell> = {};
  for (const name in values) {
    const value = values[name];
    if (typeof value === 'number') {
      if (value !== 0) cells[name] = value;
    } else if (value instanceof Gauge) {
      const cell = value.encode();
      if (cell !== null) cells[name] = cell;
    } else if (value.count > 0) cells[name] = value.encode();
  }
  return cells;
}

/** Of the families `route` and `tenant`. */
export class RequestCells implements Cells {
  #requests = 0;
  #errors = 0;
  #clientErrors = 0;
  #aborted = 0;
  #bytesSent = 0;
  #databaseCalls = 0;
  #databaseMs = 0;
  #bytesReceived = 0;
  #loopMs = 0;
  #shed = 0;
  readonly #durationMs = new ExponentialHistogram();

  add(request: RequestObservation): void {
    this.#requests++;
    if (request.aborted) this.#aborted++;
    else if (request.status >= 500) this.#errors++;
    else if (request.status >= 400) this.#clientErrors++;
    this.#durationMs.record(request.durationMs);
    this.#bytesSent += request.bytesSent;
    this.#databaseCalls += request.databaseCalls;
    this.#databaseMs += request.databaseMs;
    this.#bytesReceived += request.bytesReceived;
    this.#loopMs += request.loopMs;
    if (request.shed) this.#shed++;
  }

  addLoopTime(loopMs: number): void {
    this.#loopMs += loopMs;
  }

  encode(): Readonly<Record<string, Cell>> {
    return pack<RequestMetric>({
      requests: this.#requests,
      errors: this.#errors,
      clientErrors: this.#clientErrors,
      aborted: this.#aborted,
      durationMs: this.#durationMs,
      bytesSent: this.#bytesSent,
      databaseCalls: this.#databaseCalls,
      databaseMs: this.#databaseMs,
      bytesReceived: this.#bytesReceived,
      loopMs: this.#loopMs,
      shed: this.#shed,
    });
  }
}

/** Of the family `statement`. */
export class StatementCells implements Cells {
  #calls = 0;
  #errors = 0;
  #rows = 0;
  readonly #durationMs = new ExponentialHistogram();

  add(call: StatementObservation): void {
    this.#calls++;
    if (call.failed) this.#errors++;
    this.#rows += call.rows;
    this.#durationMs.record(call.durationMs);
  }

  encode(): Readonly<Record<string, Cell>> {
    return pack<StatementMetric>({
      calls: this.#calls,
      errors: this.#errors,
      rows: this.#rows,
      durationMs: this.#durationMs,
    });
  }
}

/** Of the family `route-statement`. */
export class RouteStatementCells implements Cells {
  #calls = 0;
  #totalMs = 0;
  #repeats = 0;
  #repeatedCalls = 0;

  get calls(): number {
    return this.#calls;
  }

  get totalMs(): number {
    return this.#totalMs;
  }

  add(call: StatementObservation): void {
    this.#calls++;
    this.#totalMs += call.durationMs;
  }

  addRepeat({ calls }: RepeatObservation): void {
    this.#repeats++;
    this.#repeatedCalls += calls;
  }

  encode(): Readonly<Record<string, Cell>> {
    return pack<RouteStatementMetric>({
      calls: this.#calls,
      totalMs: this.#totalMs,
      repeats: this.#repeats,
      repeatedCalls: this.#repeatedCalls,
    });
  }
}

/** Of the family `pool`. */
export class PoolCells implements Cells {
  readonly #size = new Gauge();
  readonly #idle = new Gauge();
  readonly #waiting = new Gauge();
  readonly #max = new Gauge();
  readonly #ageMs = new Gauge();
  readonly #leaked = new Gauge();
  #opened = 0;
  #closed = 0;
  #acquired = 0;
  #failed = 0;
  readonly #waitMs = new ExponentialHistogram();
  readonly #useMs = new ExponentialHistogram();

  addWait(wait: PoolWaitObservation): void {
    if (wait.failed) this.#failed++;
    else this.#acquired++;
    this.#waitMs.record(wait.waitMs);
  }

  addUse(use: PoolUseObservation): void {
    this.#useMs.record(use.useMs);
  }

  addLevel(level: PoolLevelObservation): void {
    this.#size.sample(level.size);
    this.#idle.sample(level.idle);
    this.#waiting.sample(level.waiting);
    this.#max.sample(level.max);
    for (const ageMs of level.agesMs) this.#ageMs.sample(ageMs);
    this.#leaked.sample(level.leaked);
    this.#opened += level.opened;
    this.#closed += level.closed;
  }

  encode(): Readonly<Record<string, Cell>> {
    return pack<PoolMetric>({
      size: this.#size,
      idle: this.#idle,
      waiting: this.#waiting,
      max: this.#max,
      ageMs: this.#ageMs,
      leaked: this.#leaked,
      opened: this.#opened,
      closed: this.#closed,
      acquired: this.#acquired,
      failed: this.#failed,
      waitMs: this.#waitMs,
      useMs: this.#useMs,
    });
  }
}

/** Of the family `runtime`. */
export class RuntimeCells implements Cells {
  readonly #eventLoopDelayMs = new ExponentialHistogram();
  readonly #eventLoopUtilization = new Gauge();
  #cpuUserMs = 0;
  #cpuSystemMs = 0;
  readonly #rssBytes = new Gauge();
  readonly #heapUsedBytes = new Gauge();
  readonly #heapLimitBytes = new Gauge();
  readonly #externalBytes = new Gauge();
  readonly #gcMs = new ExponentialHistogram();
  readonly #activeRequests = new Gauge();
  #diskReadBytes = 0;
  #diskWriteBytes = 0;
  readonly #pages: Record<keyof PageTotals, number> = {
    pages: 0,
    pageRows: 0,
    pageMs: 0,
    pagesByDefault: 0,
    pagesByDefaultMore: 0,
    pagesByDefaultFollowed: 0,
    pagesOverTime: 0,
  };

  addDelay(delayMs: number): void {
    this.#eventLoopDelayMs.record(delayMs);
  }

  addGc(pauseMs: number): void {
    this.#gcMs.record(pauseMs);
  }

  addProcess(process: ProcessObservation): void {
    this.#eventLoopUtilization.sample(process.eventLoopUtilization);
    this.#cpuUserMs += process.cpuUserMs;
    this.#cpuSystemMs += process.cpuSystemMs;
    this.#rssBytes.sample(process.rssBytes);
    this.#heapUsedBytes.sample(process.heapUsedBytes);
    this.#heapLimitBytes.sample(process.heapLimitBytes);
    this.#externalBytes.sample(process.externalBytes);
    this.#activeRequests.sample(process.activeRequests);
    this.#diskReadBytes += process.diskReadBytes;
    this.#diskWriteBytes += process.diskWriteBytes;
    const { pages } = process;
    if (pages.pages === 0) return;
    for (const name in this.#pages) {
      // Object keys are texts to the compiler; these are those of the totals.
      this.#pages[name as keyof PageTotals] += pages[name as keyof PageTotals];
    }
  }

  encode(): Readonly<Record<string, Cell>> {
    return pack<RuntimeMetric>({
      eventLoopDelayMs: this.#eventLoopDelayMs,
      eventLoopUtilization: this.#eventLoopUtilization,
      cpuUserMs: this.#cpuUserMs,
      cpuSystemMs: this.#cpuSystemMs,
      rssBytes: this.#rssBytes,
      heapUsedBytes: this.#heapUsedBytes,
      heapLimitBytes: this.#heapLimitBytes,
      externalBytes: this.#externalBytes,
      gcMs: this.#gcMs,
      activeRequests: this.#activeRequests,
      diskReadBytes: this.#diskReadBytes,
      diskWriteBytes: this.#diskWriteBytes,
      ...this.#pages,
    });
  }
}

/** Of the family `job`. */
export class JobCells implements Cells {
  #runs = 0;
  #failures = 0;
  #retries = 0;
  #databaseCalls = 0;
  #databaseMs = 0;
  readonly #durationMs = new ExponentialHistogram();
  readonly #waitMs = new ExponentialHistogram();

  add(run: JobObservation): void {
    this.#runs++;
    if (run.failed) this.#failures++;
    if (run.retried) this.#retries++;
    this.#durationMs.record(run.durationMs);
    if (run.waitMs !== null) this.#waitMs.record(run.waitMs);
    this.#databaseCalls += run.databaseCalls;
    this.#databaseMs += run.databaseMs;
  }

  encode(): Readonly<Record<string, Cell>> {
    return pack<JobMetric>({
      runs: this.#runs,
      failures: this.#failures,
      retries: this.#retries,
      durationMs: this.#durationMs,
      waitMs: this.#waitMs,
      databaseCalls: this.#databaseCalls,
      databaseMs: this.#databaseMs,
    });
  }
}

/** Of the family `compression`. */
export class CompressionCells implements Cells {
  #answers = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #cpuMs = 0;
  readonly #addedMs = new ExponentialHistogram();

  add(answer: CompressionObservation): void {
    this.#answers++;
    this.#bytesIn += answer.bytesIn;
    this.#bytesOut += answer.bytesOut;
    this.#cpuMs += answer.cpuMs;
    if (answer.addedMs !== null) this.#addedMs.record(answer.addedMs);
  }

  encode(): Readonly<Record<string, Cell>> {
    return pack<CompressionMetric>({
      answers: this.#answers,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      cpuMs: this.#cpuMs,
      addedMs: this.#addedMs,
    });
  }
}
