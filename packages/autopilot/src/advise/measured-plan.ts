import type { DatabaseFinding } from '../contract/database.ts';
import type { MeasuredPlan, MeasuredStep } from '../contract/statement-plan.ts';
import { AutopilotError } from '../kernel/errors.ts';
import { rolesOf } from '../planner/column-roles.ts';
import { typicalValues, type ValueStatistics } from '../planner/parameter-values.ts';
import type { PlanNode } from '../planner/plan-tree.ts';
import { SqlParser } from '../planner/sql-parser.ts';
import { type MeasuredStatement, measureStatement } from '../postgres/measure-statement.ts';
import type { ObservedDatabase } from '../postgres/observed-database.ts';
import { measuredSteps } from '../postgres/plan-shape.ts';
import { countText } from './finding.ts';

/** From here on the planner chooses by what is not so. */
const MISJUDGED = 10;
/** Of fewer rows it does not matter how they are found. */
const MIN_ROWS = 100;
const PAGE_BYTES = 8_192;

/** A statement that was carried out once, as it went. */
export interface MeasuredPlanParts extends Pick<MeasuredPlan, 'values' | 'planningMs' | 'executionMs' | 'steps'> {
  readonly root: MeasuredStatement['root'];
}

/**
 * Carries out a statement that reads, once, with the values given or with typical ones from the statistics of the columns that its parameters are
 * compared with.
 * @throws AutopilotError AP_PLAN_UNAVAILABLE, AP_BODY_INVALID where there are more or fewer values than parameters
 */
export async function measuredPlan(
  database: ObservedDatabase,
  text: string,
  given: readonly (string | null)[] | null,
): Promise<MeasuredPlanParts> {
  const parser = await SqlParser.load();
  const measured = await measureStatement(database, text, async (types, plan) => {
    if (given === null) {
      // The same document, of which two rooms read different fields.
      const { parameters } = rolesOf(plan as unknown as PlanNode, parser);
      const known = await statisticsOf(database, parameters);
      return typicalValues(
        types,
        parameters,
        ({ schema, table, column }) => known.get(keyOf(schema, table, column)) ?? null,
      );
    }
    if (given.length === types.length) return given;
    throw new AutopilotError(
      'AP_BODY_INVALID',
      `The statement has ${types.length} parameters (${types.join(', ')}), and ${given.length} values were given.`,
      { remedy: 'Give a value for each, as text, or none for typical ones.' },
    );
  });
  const { root, planningMs, executionMs, values } = measured;
  return {
    root,
    values: values === 0 ? 'none' : given === null ? 'typical' : 'given',
    planningMs,
    executionMs,
    steps: measuredSteps(root),
  };
}

function keyOf(schema: string, table: string, column: string): string {
  return JSON.stringify([schema, table, column]);
}

async function statisticsOf(
  database: ObservedDatabase,
  columns: readonly { readonly schema: string; readonly table: string; readonly column: string }[],
): Promise<ReadonlyMap<string, ValueStatistics>> {
  const rows = await database.read<
    ValueStatistics & { readonly schema: string; readonly table: string; readonly column: string }
  >(
    `SELECT schemaname::text AS schema, tablename::text AS table, attname::text AS column, most_common_vals::text AS "commonValues",
       most_common_freqs::float8[] AS "commonFrequencies", histogram_bounds::text AS bounds
     FROM pg_stats WHERE (schemaname::text, tablename::text, attname::text) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))`,
    [columns.map(({ schema }) => schema), columns.map(({ table }) => table), columns.map(({ column }) => column)],
  );
  return new Map(rows.map((row) => [keyOf(row.schema, row.table, row.column), row]));
}

/** What is odd about how it went. */
export function measuredFindings(queryId: string, { root, steps }: MeasuredPlanParts): readonly DatabaseFinding[] {
  const findings: DatabaseFinding[] = [];
  const isWrong = ({ misjudged, rows, actualRows, loops }: MeasuredStep): boolean =>
    (misjudged ?? 1) >= MISJUDGED && loops * Math.max(rows, actualRows ?? 0) >= MIN_ROWS;
  // What is misjudged below is misjudged above: the lowest is where it begins.
  const deepest = Math.max(...steps.map((step) => (isWrong(step) ? step.depth : -1)));
  const worst = steps.find((step) => step.depth === deepest && isWrong(step));
  if (worst !== undefined) {
    findings.push({
      kind: 'bad-estimate',
      severity: 'warning',
      subject: queryId,
      message: `${worst.label}: ${countText(worst.rows)} rows were expected, and ${countText(worst.actualRows ?? 0)} came. What lies above it is chosen by the wrong number.`,
      remedy:
        'Analyze its tables; where columns depend on each other, CREATE STATISTICS on them together; where values are very uneven, a larger statistics target.',
      sql: null,
      evidence: { step: worst.label, expectedRows: worst.rows, rows: worst.actualRows ?? 0, loops: worst.loops },
    });
  }
  const visit = (node: MeasuredStatement['root']): void => {
    if (node['Sort Space Type'] === 'Disk') {
      const kilobytes = node['Sort Space Used'] ?? 0;
      findings.push({
        kind: 'spilled',
        severity: 'info',
        subject: queryId,
        message: `It sorted through files: ${countText(kilobytes)} kB did not fit into work_mem.`,
        remedy: 'Raise work_mem for the role that asks this, or give it an index in this order.',
        sql: null,
        evidence: { bytes: kilobytes * 1024, pages: Math.ceil((kilobytes * 1024) / PAGE_BYTES) },
      });
    }
    for (const child of node.Plans ?? []) visit(child);
  };
  visit(root);
  return findings;
}
