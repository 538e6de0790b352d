import type { DatabaseHistoryAnswer } from '../../contract/database.ts';
import type { DatabaseHistoryQuery } from '../../contract/database-operations.ts';
import type { Frame } from '../../contract/frame.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import {
  type DatabaseSample,
  type StatementStep,
  statementStepsMs,
  type TableHour,
} from '../../storage/database-history.ts';
import type { DatabaseWatch } from './database-watch.ts';
import { askedSpan, stepOf } from './statement-range.ts';

const DAY_MS = 86_400_000;
const PAGE_BYTES = 8192;

/** A column of a frame: how it is computed from what is kept. */
interface Column<Row> {
  readonly unit: string;
  readonly of: (row: Row) => number | null;
}
type Columns<Row> = Readonly<Record<string, Column<Row>>>;

const ratio = (part: number | null | undefined, whole: number | null | undefined): number | null =>
  part == null || whole == null || whole <= 0 ? null : part / whole;

const ofDatabase: Columns<DatabaseSample['values']> = {
  connections: { unit: 'connections', of: (one) => one['connections'] ?? null },
  active: { unit: 'connections', of: (one) => one['active'] ?? null },
  idleInTransaction: { unit: 'connections', of: (one) => one['idleInTransaction'] ?? null },
  waitingForLocks: { unit: 'connections', of: (one) => one['waitingForLocks'] ?? null },
  oldestTransactionMs: { unit: 'ms', of: (one) => one['oldestTransactionMs'] ?? null },
  transactions: { unit: 'transactions', of: (one) => one['transactions'] ?? null },
  calls: { unit: 'calls', of: (one) => one['calls'] ?? null },
  statementMs: { unit: 'ms', of: (one) => one['statementMs'] ?? null },
  unseenCalls: { unit: 'calls', of: (one) => one['unseenCalls'] ?? null },
  cacheHitRatio: {
    unit: 'ratio',
    of: (one) => ratio(one['pagesHit'], (one['pagesHit'] ?? 0) + (one['pagesRead'] ?? 0)),
  },
  tempBytes: { unit: 'bytes', of: (one) => one['tempBytes'] ?? null },
  deadlocks: { unit: 'deadlocks', of: (one) => one['deadlocks'] ?? null },
  readingMs: { unit: 'ms', of: (one) => one['readingMs'] ?? null },
  processingMs: { unit: 'ms', of: (one) => one['processingMs'] ?? null },
};

type Counters = StatementStep['counters'];
const ofStatement: Columns<Counters> = {
  calls: { unit: 'calls', of: ({ calls }) => calls },
  totalMs: { unit: 'ms', of: ({ totalMs }) => totalMs },
  meanMs: { unit: 'ms', of: ({ totalMs, calls }) => ratio(totalMs, calls) },
  rowsPerCall: { unit: 'rows', of: ({ rows, calls }) => ratio(rows, calls) },
  planMs: { unit: 'ms', of: ({ planMs }) => planMs },
  pagesPerCall: { unit: 'pages', of: ({ buffersHit, buffersRead, calls }) => ratio(buffersHit + buffersRead, calls) },
  cacheHitRatio: { unit: 'ratio', of: ({ buffersHit, buffersRead }) => ratio(buffersHit, buffersHit + buffersRead) },
  tempBytes: { unit: 'bytes', of: ({ tempBuffersWritten }) => tempBuffersWritten * PAGE_BYTES },
  walBytes: { unit: 'bytes', of: ({ walBytes }) => walBytes },
};

const ofTable: Columns<TableHour> = {
  totalBytes: { unit: 'bytes', of: ({ totalBytes }) => totalBytes },
  liveRows: { unit: 'rows', of: ({ liveRows }) => liveRows },
  deadRows: { unit: 'rows', of: ({ deadRows }) => deadRows },
  deadRatio: { unit: 'ratio', of: ({ deadRows, liveRows }) => ratio(deadRows, deadRows + liveRows) },
};

/** @throws AutopilotError AP_RANGE_INVALID, AP_PARAMETER_INVALID, and as the store does */
export async function databaseHistory(
  watch: DatabaseWatch,
  query: DatabaseHistoryQuery,
  now: EpochMs,
): Promise<DatabaseHistoryAnswer> {
  const { name, history, collector } = watch;
  const { queryId, table } = query;
  if (queryId !== undefined && table !== undefined) {
    throw new AutopilotError('AP_PARAMETER_INVALID', 'A statement and a table were named.', {
      remedy: 'Ask for one of them at a time.',
    });
  }
  const span = askedSpan(query, DAY_MS, now);
  const head = { name, queryId: queryId ?? null, table: table ?? null, notes: [] };
  if (queryId !== undefined) {
    const stepMs = stepOf(span, now);
    const steps = await history.steps(name, stepMs, span.from, span.to, queryId);
    const text = collector.textOf(queryId);
    return { ...head, text, ...framed(ofStatement, merged(steps), stepMs) };
  }
  if (table !== undefined) {
    const rows = await history.tableHours(name, span.from, span.to, table);
    return {
      ...head,
      text: null,
      ...framed(
        ofTable,
        rows.map((row) => [row.at, row] as const),
        statementStepsMs.hour,
      ),
    };
  }
  const samples = await history.samples(name, span.from, span.to);
  const rows = samples.map(({ at, values }) => [at, values] as const);
  return { ...head, text: null, ...framed(ofDatabase, rows, statementStepsMs.minute) };
}

/** One statement is a row for each role that calls it. */
function merged(steps: readonly StatementStep[]): (readonly [EpochMs, Counters])[] {
  return [...Map.groupBy(steps, ({ at }) => at)].map(([at, [first, ...more]]) => {
    const sum: Record<string, number> = { ...first?.counters };
    for (const { counters } of more) {
      for (const [name, value] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + value;
    }
    // Of the same names as each of its parts.
    return [at, sum as unknown as Counters] as const;
  });
}

function framed<Row>(
  columns: Columns<Row>,
  rows: readonly (readonly [EpochMs, Row])[],
  stepMs: number,
): Pick<DatabaseHistoryAnswer, 'frame' | 'units'> {
  const frame: Frame = {
    at: rows.map(([at]) => at),
    stepMs,
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, { of }]) => [name, rows.map(([, row]) => of(row))]),
    ),
    complete: true,
  };
  return { frame, units: Object.fromEntries(Object.entries(columns).map(([name, { unit }]) => [name, unit])) };
}
