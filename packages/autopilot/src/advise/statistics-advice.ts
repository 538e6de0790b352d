import { createHash } from 'node:crypto';
import type { IndexAdvice } from '../contract/index-advice.ts';
import { nodesOf } from '../planner/plan-tree.ts';
import type { PlanningEngine } from '../planner/planning-engine.ts';
import { qualified, quoted } from '../planner/shadow-ddl.ts';
import type { TargetCatalog } from '../planner/target-catalog.ts';
import type { PreparedStatement } from './prepared-workload.ts';

/** So many times more or fewer rows than were expected: PostgreSQL's plans change their kind at about that. */
const leastFactor = 5;
/** Fewer rows a call than that decide nothing. */
const leastRows = 10;
/** Columns in one CREATE STATISTICS: the server takes eight, and its cost grows with their combinations. */
const mostColumns = 4;

/**
 * Statistics on columns that belong together, where the planner is measured to be wrong: a statement on one table that compares or groups
 * by several of its columns, and whose calls return far more or fewer rows than the planner expects of values as they are in the table.
 * Only what the server counted says how many rows there were, so a written workload gets none.
 */
export async function statisticsAdvice(
  prepared: readonly PreparedStatement[],
  engine: PlanningEngine,
  { statistics }: Pick<TargetCatalog, 'statistics'>,
): Promise<IndexAdvice['statistics']> {
  const known = statistics.map(({ sql }) => sql);
  const found = new Map<string, IndexAdvice['statistics'][number]>();
  for (const { statement, samples, roles, generic } of prepared) {
    const [table] = roles;
    if (statement.kind !== 'select' || roles.length !== 1 || table === undefined) continue;
    const kinds = [...nodesOf(generic)].map((node) => node['Node Type']);
    const groups = [...nodesOf(generic)].flatMap((node) => node['Group Key'] ?? []);
    const isGrouped = kinds.includes('Aggregate') || kinds.includes('Group') || kinds.includes('Unique');
    if (kinds.includes('Limit') || (isGrouped && groups.length < 2)) continue;
    // What else is asked could be as wrong.
    if (table.ranges.length + table.contained.length + table.conditions.length > 0) continue;
    const columns = isGrouped
      ? groups.flatMap((text) => columnIn(text) ?? [])
      : table.equal.filter(({ sql, column }) => sql === quoted(column)).map(({ column }) => column);
    const together = [...new Set(columns)].slice(0, mostColumns);
    const place = { schema: table.schema, name: table.table };
    if (together.length < 2 || hasStatistics(known, place, together)) continue;
    let expected = 0;
    for (const sample of samples) expected += (await engine.plan(sample))['Plan Rows'] / samples.length;
    const real = statement.rowsWritten;
    const factor = Math.max(real, 1) / Math.max(expected, 1);
    if (Math.max(real, expected) < leastRows || Math.max(factor, 1 / factor) < leastFactor) continue;
    const ddl = `CREATE STATISTICS ${quoted(nameFor(place.name, together))} ON ${together.map(quoted).join(', ')} FROM ${qualified(place)}`;
    found.set(ddl, {
      ddl,
      fill: `ANALYZE ${qualified(place)}`,
      sql: statement.sql,
      reason: `A call returns ${rounded(real)} rows and the planner expects ${rounded(expected)}, as it takes ${together.join(' and ')} for independent of each other.`,
    });
  }
  return [...found.values()];
}

/** The column that a plan names so; null: it is an expression. */
function columnIn(text: string): string | null {
  const name = /^(?:(?:"(?:[^"]|"")+"|[\w$]+)\.)?("(?:[^"]|"")+"|[\w$]+)$/.exec(text)?.[1];
  return name?.replace(/^"(.*)"$/, '$1').replaceAll('""', '"') ?? null;
}

function hasStatistics(
  known: readonly string[],
  { schema, name }: { readonly schema: string; readonly name: string },
  columns: readonly string[],
): boolean {
  return known.some((sql) => {
    const [, on = '', from = ''] = /\sON (.*) FROM (.*)$/s.exec(sql) ?? [];
    const unquoted = from.replaceAll('"', '');
    const there = new Set(on.split(', ').map((column) => column.replace(/^"(.*)"$/, '$1')));
    return (unquoted === `${schema}.${name}` || unquoted === name) && columns.every((column) => there.has(column));
  });
}

/** At most 63 bytes, and not that of other columns which begin alike. */
function nameFor(table: string, columns: readonly string[]): string {
  const stem = [table, ...columns].join('_').replaceAll(/[^\p{L}\p{N}_]+/gu, '_');
  if (Buffer.byteLength(stem) <= 58) return `${stem}_stat`;
  const short = createHash('sha256').update(stem).digest('hex').slice(0, 8);
  return `${Buffer.from(stem).subarray(0, 48).toString().replaceAll('\uFFFD', '')}_${short}_stat`;
}

function rounded(rows: number): string {
  return rows >= 10 ? String(Math.round(rows)) : rows.toFixed(1);
}
