import type { SlowStatementTrend, StatementStatistics } from '../../contract/database.ts';
import type { SlowStatementsQuery } from '../../contract/database-operations.ts';
import type { TimeSpan } from '../../contract/frame.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { AutopilotError, toldOf } from '../../kernel/errors.ts';
import { trendKey } from '../../observe/database-collector.ts';
import { databaseHistoryKeptMs, type StatementIncrease, statementStepsMs } from '../../storage/database-history.ts';
import type { DatabaseWatch, StatementsLook } from './database-watch.ts';
import type { CountedOfRange } from './slow-statements.ts';

/** What statements did in a range; or, where none was watched, since the server counts. */
export interface StatementRange extends CountedOfRange {
  /** null: since the server counts. */
  readonly range: TimeSpan | null;
  readonly notes: readonly string[];
}

const LOOK_BACK_MS = 3_600_000;
/** Watched for less, the server's own counts since its reset tell more. */
const LEAST_WATCHED_MS = 10 * 60_000;

/** [from, to) of a query, with `lookBackMs` for what it leaves out. @throws AutopilotError AP_RANGE_INVALID */
export function askedSpan(
  asked: { readonly from?: string; readonly to?: string },
  lookBackMs: number,
  now: EpochMs,
): TimeSpan {
  const to = asked.to === undefined ? now + 1 : Date.parse(asked.to);
  const from = asked.from === undefined ? to - lookBackMs : Date.parse(asked.from);
  if (from < to) return { from, to };
  throw new AutopilotError(
    'AP_RANGE_INVALID',
    `The range ends (${asked.to ?? 'now'}) before it begins (${asked.from}).`,
    {
      remedy: 'Ask for a range that begins before it ends.',
    },
  );
}

/** Minutes where they are kept, else hours. */
export function stepOf({ from }: TimeSpan, now: EpochMs): (typeof statementStepsMs)[keyof typeof statementStepsMs] {
  return from >= now - databaseHistoryKeptMs.minutes ? statementStepsMs.minute : statementStepsMs.hour;
}

/** @throws AutopilotError AP_RANGE_INVALID; as the store does when a range was asked for */
export async function statementsOfRange(
  watch: DatabaseWatch,
  look: StatementsLook,
  asked: SlowStatementsQuery,
  now: EpochMs,
): Promise<StatementRange> {
  const { name, collector, history } = watch;
  const isAsked = asked.from !== undefined || asked.to !== undefined;
  const span = askedSpan(asked, LOOK_BACK_MS, now);
  const sinceReset = (trends: StatementRange['trends'], notes: readonly string[]): StatementRange => ({
    statements: look.value.statements,
    trends,
    range: null,
    notes,
  });
  let trends: ReadonlyMap<string, SlowStatementTrend>;
  try {
    trends = await collector.statementTrends();
    const [first] = await history.samples(name, span.from, span.to);
    if (!isAsked && (first === undefined || now - first.at < LEAST_WATCHED_MS)) return sinceReset(trends, []);
    const stepMs = stepOf(span, now);
    const range = { from: Math.floor(span.from / stepMs) * stepMs, to: Math.min(span.to, now) };
    const increases = await history.increases(name, stepMs, range.from, span.to);
    const counted = new Map(look.value.statements.map((one) => [trendKey(one), one]));
    const texts = new Map(
      [...(await textsOf(watch, increases, counted))].concat([...counted].map(([key, { text }]) => [key, text])),
    );
    return {
      statements: increases.map((one) => statisticsOf(one, texts.get(trendKey(one)) ?? '', counted.get(trendKey(one)))),
      trends,
      range,
      notes:
        first !== undefined && first.at - span.from > LEAST_WATCHED_MS && isAsked
          ? [`It was watched from ${new Date(first.at).toISOString()} on.`]
          : [],
    };
  } catch (error) {
    if (isAsked) throw error;
    return sinceReset(new Map(), [`What statements did before can't be had now: ${toldOf(error)}`]);
  }
}

/** Of statements that the server does not hold any more, as they were kept. */
async function textsOf(
  { name, history }: DatabaseWatch,
  increases: readonly StatementIncrease[],
  counted: ReadonlyMap<string, StatementStatistics>,
): Promise<ReadonlyMap<string, string>> {
  if (increases.every((one) => counted.has(trendKey(one)))) return new Map();
  const standings = await history.standings(name);
  return new Map(standings.flatMap((one) => (one.text === null ? [] : [[trendKey(one), one.text] as const])));
}

/** Extremes are known since the server counts only. */
function statisticsOf(
  { queryId, role, counters }: StatementIncrease,
  text: string,
  counted: StatementStatistics | undefined,
): StatementStatistics {
  return {
    queryId,
    role,
    text,
    ...counters,
    meanMs: counters.totalMs / counters.calls,
    minMs: counted?.minMs ?? 0,
    maxMs: counted?.maxMs ?? 0,
    deviationMs: counted?.deviationMs ?? 0,
    listValues: counted?.listValues ?? 0,
  };
}
