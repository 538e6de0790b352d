import { messageOf } from '../kernel/errors.ts';
import { parameterizedStatement } from '../kernel/parameterized-statement.ts';
import { isOwnStatement } from '../postgres/observed-database.ts';
import { statementsOfLog } from './server-log.ts';
import type { ParsedStatement, SqlParser } from './sql-parser.ts';
import type { TargetSession } from './target-session.ts';

/** A statement of a workload, and how often it runs. */
export interface WorkloadStatement extends ParsedStatement {
  readonly calls: number;
  /** Rows that one call writes, for a statement that writes. */
  readonly rowsWritten: number;
  /** ms that the server spent on it; null: not measured. */
  readonly totalMs: number | null;
  /** The statement as it was really sent, with values that differ; the first is `sql`. */
  readonly variants: readonly string[];
}

/** Of what was counted or logged, so many statements are planned. */
const mostStatements = 200;
/** Of one statement, so many are planned. */
const mostVariants = 8;

/** A statement as somebody has counted it: `$1` or `?` stand for its values. */
export interface ObservedStatement {
  readonly sql: string;
  readonly calls: number;
  readonly totalMs: number | null;
  /** Returned or written by all calls. */
  readonly rows: number;
}

/** Statements, the weightiest first, and what was left out of them. */
export interface Workload {
  readonly statements: readonly WorkloadStatement[];
  readonly skipped: readonly { readonly sql: string; readonly reason: string }[];
  /** Calls and ms of everything, also of what was left out; null: the time was not measured. */
  readonly calls: number;
  readonly totalMs: number | null;
  /** Somebody counted all that was asked; false: it is what somebody wrote down. */
  readonly counted: boolean;
}

/** The statements of a SQL file, or of a server's log. Those that differ in literals only are one, called as often as they stand there. */
export function workloadOfText(text: string, parser: SqlParser): Workload {
  const logged = statementsOfLog(text);
  const all: WorkloadStatement[] = [];
  const refused: Workload['skipped'][number][] = [];
  for (const { sql, calls, totalMs } of logged ?? [{ sql: text, calls: 1, totalMs: null }]) {
    const read = parser.readable(sql);
    refused.push(...read.refused);
    for (const statement of read.statements)
      all.push({ ...statement, calls, rowsWritten: 1, totalMs, variants: [statement.sql] });
  }
  const gathered = gather(all);
  const weightiest = gathered.statements.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, mostStatements);
  return {
    statements: logged === null ? gathered.statements : weightiest,
    skipped: [...refused, ...gathered.skipped],
    calls: all.reduce((total, one) => total + one.calls, refused.length),
    totalMs: all.reduce<number | null>((total, one) => sumOf(total, one.totalMs), null),
    // Nobody knows what is not in it.
    counted: false,
  };
}

/** The statements that took the most time according to pg_stat_statements, at most `limit`. */
export async function workloadOfServer(
  session: TargetSession,
  parser: SqlParser,
  limit: number = mostStatements,
): Promise<Workload> {
  const answer = await session.attempt<ObservedStatement>(
    `SELECT s.query AS sql, s.calls::float8 AS calls, s.rows::float8 AS rows, s.total_exec_time AS "totalMs" FROM pg_stat_statements s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.query <> '<insufficient privilege>'`,
  );
  if ('refused' in answer) {
    const skipped = [{ sql: 'pg_stat_statements', reason: `it can't be read: ${answer.refused}` }];
    return { statements: [], skipped, calls: 0, totalMs: null, counted: false };
  }
  const others = answer.rows.filter(({ sql }) => !isOwnStatement(sql));
  return workloadOfObserved(others, parser, limit);
}

/** A workload of what was counted: the statements that took the most time, at most `limit`. */
export function workloadOfObserved(
  all: readonly ObservedStatement[],
  parser: SqlParser,
  limit: number = mostStatements,
): Workload {
  const parsed: WorkloadStatement[] = [];
  const skipped: Workload['skipped'][number][] = [];
  for (const { sql, calls, rows, totalMs } of all.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, limit)) {
    try {
      const rowsWritten = calls > 0 ? rows / calls : 1;
      parsed.push(
        ...parser
          .statements(parameterizedStatement(sql))
          .map((statement) => ({ ...statement, calls, rowsWritten, totalMs, variants: [statement.sql] })),
      );
    } catch (error) {
      skipped.push({ sql, reason: messageOf(error) });
    }
  }
  const gathered = gather(parsed);
  return {
    statements: gathered.statements,
    skipped: [...skipped, ...gathered.skipped],
    calls: all.reduce((total, one) => total + one.calls, 0),
    totalMs: all.reduce<number | null>((total, one) => sumOf(total, one.totalMs), null),
    counted: true,
  };
}

/** The same without any literal: what stands in its place is taken from the statistics, like a parameter. */
export function withoutLiterals(workload: Workload, parser: SqlParser): Workload {
  const statements = workload.statements.map((one) => ({
    ...one,
    variants: [...new Set(one.variants.map((sql) => parser.withoutLiterals(sql)))].slice(0, 1),
  }));
  return { ...workload, statements };
}

function weightOf({ totalMs, calls }: Pick<ObservedStatement, 'totalMs' | 'calls'>): number {
  return totalMs ?? calls / 1_000;
}

/** Of what was measured. */
function sumOf(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

function gather(all: readonly WorkloadStatement[]): Pick<Workload, 'statements' | 'skipped'> {
  const byFingerprint = new Map<string, WorkloadStatement[]>();
  const skipped: Workload['skipped'][number][] = [];
  for (const statement of all) {
    // What changes no rows and asks for none (SET, BEGIN, DDL) has no plan.
    if (statement.kind === 'other') {
      skipped.push({ sql: statement.sql, reason: 'it has no plan' });
      continue;
    }
    // A fingerprint takes t1 and t2 for parts of one table.
    const key = `${statement.fingerprint} ${numberedNames(statement.sql)}`;
    const known = byFingerprint.get(key);
    if (known === undefined) byFingerprint.set(key, [statement]);
    else known.push(statement);
  }
  const statements = [...byFingerprint.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const calls = same.reduce((total, one) => total + one.calls, 0);
    const totalMs = same.reduce<number | null>((total, one) => sumOf(total, one.totalMs), null);
    return { ...first, calls, totalMs, variants: spread([...new Set(same.flatMap(({ variants }) => variants))]) };
  });
  return { statements, skipped };
}

/** Names with digits in them, outside of strings. */
function numberedNames(sql: string): string {
  return (sql.replaceAll(/'(?:[^']|'')*'/g, '').match(/[\p{L}_][\p{L}\w]*\d[\p{L}\w]*/gu) ?? []).join(' ');
}

/** At most {@link mostVariants} of them, from all along the list. */
function spread(all: readonly string[]): readonly string[] {
  if (all.length <= mostVariants) return all;
  return Array.from({ length: mostVariants }, (_, at) => all[Math.floor((at * all.length) / mostVariants)] ?? '');
}
