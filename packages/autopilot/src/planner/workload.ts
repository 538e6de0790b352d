import type { ParsedStatement, SqlParser } from './sql-parser.ts';
import type { TargetSession } from './target-session.ts';

/** A statement of a workload, and how often it runs. */
export interface WorkloadStatement extends ParsedStatement {
  readonly calls: number;
  /** Rows that one call writes, for a statement that writes. */
  readonly rowsWritten: number;
  /** The statement as it was really sent, with values that differ; the first is `sql`. */
  readonly variants: readonly string[];
}

/** Of one statement, so many are planned. */
const mostVariants = 8;

/** Statements, the weightiest first, and what was left out of them. */
export interface Workload {
  readonly statements: readonly WorkloadStatement[];
  readonly skipped: readonly { readonly sql: string; readonly reason: string }[];
}

/** The statements of a SQL file. Those that differ in literals only are one, called as often as they stand there. */
export function workloadOfText(text: string, parser: SqlParser): Workload {
  return gather(
    parser.statements(text).map((statement) => ({ ...statement, calls: 1, rowsWritten: 1, variants: [statement.sql] })),
  );
}

/** The statements that took the most time according to pg_stat_statements, at most `limit`. */
export async function workloadOfServer(session: TargetSession, parser: SqlParser, limit = 200): Promise<Workload> {
  const answer = await session.attempt<{ sql: string; calls: number; rows: number }>(
    `SELECT s.query AS sql, s.calls::float8 AS calls, s.rows::float8 AS rows FROM pg_stat_statements s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.query <> '<insufficient privilege>'
     ORDER BY s.total_exec_time DESC LIMIT $1`,
    [limit],
  );
  if ('refused' in answer)
    return { statements: [], skipped: [{ sql: 'pg_stat_statements', reason: `it can't be read: ${answer.refused}` }] };
  const parsed: WorkloadStatement[] = [];
  const skipped: Workload['skipped'][number][] = [];
  for (const { sql, calls, rows } of answer.rows) {
    try {
      const rowsWritten = calls > 0 ? rows / calls : 1;
      parsed.push(
        ...parser.statements(sql).map((statement) => ({ ...statement, calls, rowsWritten, variants: [statement.sql] })),
      );
    } catch (error) {
      skipped.push({ sql, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const gathered = gather(parsed);
  return { ...gathered, skipped: [...skipped, ...gathered.skipped] };
}

function gather(all: readonly WorkloadStatement[]): Workload {
  const byFingerprint = new Map<string, WorkloadStatement[]>();
  const skipped: Workload['skipped'][number][] = [];
  for (const statement of all) {
    // What changes no rows and asks for none (SET, BEGIN, DDL) has no plan.
    if (statement.kind === 'other') {
      skipped.push({ sql: statement.sql, reason: 'it has no plan' });
      continue;
    }
    const known = byFingerprint.get(statement.fingerprint);
    if (known === undefined) byFingerprint.set(statement.fingerprint, [statement]);
    else known.push(statement);
  }
  const statements = [...byFingerprint.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const calls = same.reduce((total, one) => total + one.calls, 0);
    return { ...first, calls, variants: spread([...new Set(same.flatMap(({ variants }) => variants))]) };
  });
  return { statements, skipped };
}

/** At most {@link mostVariants} of them, from all along the list. */
function spread(all: readonly string[]): readonly string[] {
  if (all.length <= mostVariants) return all;
  return Array.from({ length: mostVariants }, (_, at) => all[Math.floor((at * all.length) / mostVariants)] ?? '');
}
