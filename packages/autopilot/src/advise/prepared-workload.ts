import type { WorkloadCoverage } from '../contract/index-advice.ts';
import { messageOf } from '../kernel/errors.ts';
import type { ColumnFactsBook } from '../planner/column-facts.ts';
import { rolesOf, type TableRoles } from '../planner/column-roles.ts';
import { tablesOf } from '../planner/cost-book.ts';
import { candidateKey, candidatesFor, type IndexCandidate } from '../planner/index-candidate.ts';
import { withValues } from '../planner/parameter-values.ts';
import type { PlanNode } from '../planner/plan-tree.ts';
import type { PlannableStatement, PlanningEngine } from '../planner/planning-engine.ts';
import type { SqlParser } from '../planner/sql-parser.ts';
import type { TargetCatalog } from '../planner/target-catalog.ts';
import type { Workload, WorkloadStatement } from '../planner/workload.ts';

/** A statement of the workload that can be planned, and what could serve it. */
export interface PreparedStatement {
  readonly id: string;
  readonly statement: WorkloadStatement;
  readonly samples: readonly PlannableStatement[];
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  readonly candidates: readonly IndexCandidate[];
  /** Of its first variant: what it asks, and the plan that was read from, without values and indexes. */
  readonly roles: readonly TableRoles[];
  readonly generic: PlanNode;
}

/** A statement with the switchable indexes that could change its plan. */
export type RelevantStatement = PreparedStatement & { readonly relevant: ReadonlySet<string> };

/** With the indexes that are on tables which each statement touches, as the engine has them now. */
export function withRelevance(
  prepared: readonly PreparedStatement[],
  engine: PlanningEngine,
  book: ColumnFactsBook,
): readonly RelevantStatement[] {
  return prepared.map((one) => {
    const oids = new Set(one.tables.map(({ schema, name }) => engine.oidOf(book.table(schema, name)?.oid ?? 0)));
    const on = engine.indexes.filter(({ tableOids }) => tableOids.some((oid) => oids.has(oid)));
    return { ...one, relevant: new Set(on.map(({ id }) => id)) };
  });
}

/** Statements that can be planned, and those that can't with the reason. */
export interface PreparedWorkload {
  readonly prepared: readonly PreparedStatement[];
  readonly skipped: Workload['skipped'];
}

/** Reads from plans without values and indexes what each statement asks; what can't be planned is named with the reason. */
export async function prepareWorkload(
  workload: Workload,
  engine: PlanningEngine,
  book: ColumnFactsBook,
  parser: SqlParser,
  leftOut: TargetCatalog['leftOut'],
): Promise<PreparedWorkload> {
  const skipped = [...workload.skipped];
  const prepared: PreparedStatement[] = [];
  const existing = engine.indexes.map(({ id }) => id);
  await engine.use(new Set());
  for (const [at, statement] of workload.statements.entries()) {
    try {
      const read = [];
      for (const sql of statement.variants) read.push(await readVariant(sql, engine, book, parser));
      const samples = read.flatMap((one) => one.samples);
      // A partial index for a value serves only a statement that always asks for that one.
      const everywhere = read
        .map(({ candidates }) => new Set(candidates.map(candidateKey)))
        .reduce((all, keys) => all.intersection(keys));
      const candidates = read
        .flatMap((one) => one.candidates)
        .filter((candidate) => candidate.where === null || everywhere.has(candidateKey(candidate)));
      const [first] = read;
      if (first === undefined) continue;
      const { roles, generic } = first;
      const tables = read.flatMap((one) => one.tables);
      prepared.push({ id: String(at), statement, samples, tables, candidates, roles, generic });
    } catch (error) {
      skipped.push({ sql: statement.sql, reason: reasonOf(error, leftOut) });
    }
  }
  await engine.use(new Set(existing));
  return { prepared, skipped };
}

async function readVariant(
  sql: string,
  engine: PlanningEngine,
  book: ColumnFactsBook,
  parser: SqlParser,
): Promise<Pick<PreparedStatement, 'samples' | 'tables' | 'candidates' | 'roles' | 'generic'>> {
  const { plan, types, prepared } = await engine.planWithoutValues(sql);
  const { tables, parameters } = rolesOf(plan, parser);
  const samples = withValues(prepared, types, parameters, book.statisticsOf);
  await Promise.all(samples.map((sample) => engine.plan(sample)));
  const candidates = tables.flatMap((roles) => candidatesFor(roles, book));
  return { samples, tables: tablesOf(plan), candidates, roles: tables, generic: plan };
}

function reasonOf(error: unknown, leftOut: TargetCatalog['leftOut']): string {
  const message = messageOf(error);
  const missing = /relation "(?:.*\.)?([^"]+)" does not exist/.exec(message)?.[1];
  return leftOut.some(({ name }) => name === missing)
    ? `${missing} has too many partitions to be planned for.`
    : message;
}

/** How much of a workload was planned. */
export function coverageOf(prepared: readonly PreparedStatement[], { calls, totalMs }: Workload): WorkloadCoverage {
  const planned = prepared.map(({ statement }) => statement);
  const time = planned.reduce((sum, one) => sum + (one.totalMs ?? 0), 0);
  return {
    statements: planned.length,
    callsRatio: calls === 0 ? 0 : Math.min(1, planned.reduce((sum, one) => sum + one.calls, 0) / calls),
    timeRatio: totalMs === null || totalMs === 0 ? null : Math.min(1, time / totalMs),
  };
}
