import { measuredFindings, measuredPlan } from '../../advise/measured-plan.ts';
import { planFindings } from '../../advise/statement-findings.ts';
import type { StatementStatistics } from '../../contract/database.ts';
import type { MeasuredPlan, PlanEra, PlanMeasurement, StatementPlan } from '../../contract/statement-plan.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { explainStatement } from '../../postgres/explain-statement.ts';
import { planSteps } from '../../postgres/plan-shape.ts';
import { readStatements } from '../../postgres/read-statements.ts';
import { ServerShape } from '../../postgres/server-shape.ts';
import type { StoredPlan } from '../../storage/database-history.ts';
import type { Answering } from '../handler.ts';
import { jsonOf } from '../request-body.ts';
import { jsonResponse } from '../responses.ts';
import type { DatabaseWatch, WatchedDatabases } from './database-watch.ts';

const VALUES_NOTES: Readonly<Record<MeasuredPlan['values'], string>> = {
  given: 'Carried out once with the values given, in a read-only transaction; they are not kept.',
  typical:
    'Carried out once with a common value of the column that each parameter is compared with, in a read-only transaction. Each is common by itself: together they may meet no row.',
  none: 'Carried out once, in a read-only transaction; it takes no parameters.',
};

/** Answers the calls about plans of single statements. */
export function planAnswers(watched: WatchedDatabases): Pick<Answering, 'getStatementPlan' | 'measureStatementPlan'> {
  return {
    getStatementPlan: async ({ query: { database, queryId } }) =>
      jsonResponse(await planOf(watched.find(database), queryId)),
    measureStatementPlan: async ({ query, body }) => {
      const { queryId, parameters } = (
        body === null ? { queryId: '' } : jsonOf(body, body.declared)
      ) as PlanMeasurement; // its shape was looked at
      const watch = watched.find(query.database);
      const { text } = await statementOf(watch, queryId);
      const measured = await measuredPlan(watch.database, text, parameters ?? null);
      const { values, planningMs, executionMs, steps } = measured;
      const findings = measuredFindings(queryId, measured);
      const notes = [VALUES_NOTES[values]];
      return jsonResponse({
        name: watch.name,
        queryId,
        text,
        values,
        planningMs,
        executionMs,
        steps,
        findings,
        notes,
      } satisfies MeasuredPlan);
    },
  };
}

/** @throws AutopilotError AP_STATEMENT_UNKNOWN */
async function statementOf(watch: DatabaseWatch, queryId: string): Promise<StatementStatistics> {
  const { database } = watch;
  const shape = await ServerShape.read(database);
  const { value: server } = await watch.server();
  const { value } = await readStatements(database, shape, server, { queryIds: [queryId] });
  const [statement] = value.statements;
  if (statement !== undefined) return statement;
  throw new AutopilotError(
    'AP_STATEMENT_UNKNOWN',
    `pg_stat_statements holds no statement ${JSON.stringify(queryId)}.`,
    {
      remedy:
        'It may have been forgotten since, or belongs to a role whose statements are hidden: ask slow-queries again.',
    },
  );
}

async function planOf(watch: DatabaseWatch, queryId: string): Promise<StatementPlan> {
  const { database } = watch;
  const { text, calls, rows: allRows } = await statementOf(watch, queryId);
  const root = await explainStatement(database, text);
  const { tables } = await watch.look();
  const rows = new Map(tables.map((one) => [one.table, one.liveRows]));
  const [memory] = await database.read<{ bytes: number }>(
    `SELECT setting::float8 * 1024 AS bytes FROM pg_settings WHERE name = 'work_mem'`,
  );
  return {
    name: watch.name,
    queryId,
    text,
    steps: planSteps(root),
    history: (await watch.history.plans(watch.name, queryId).catch(() => [])).map(eraOf),
    findings: planFindings(
      queryId,
      root,
      (table) => rows.get(table) ?? null,
      memory?.bytes ?? Number.POSITIVE_INFINITY,
      calls === 0 ? null : allRows / calls,
    ),
    notes: ['The plan for any parameters (a generic plan), as estimated: the statement was not executed.'],
  };
}

function eraOf({ fingerprint, firstAt, sinceAt, lastAt, cost, steps }: StoredPlan): PlanEra {
  const at = (ms: EpochMs): string => new Date(ms).toISOString();
  return { fingerprint, firstAt: at(firstAt), sinceAt: at(sinceAt), lastAt: at(lastAt), cost, steps };
}
