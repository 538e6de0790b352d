import type { IndexAdvice } from '../contract/index-advice.ts';
import { candidateKey } from '../planner/index-candidate.ts';
import { nodesOf, type PlanNode } from '../planner/plan-tree.ts';
import type { PreparedStatement } from './prepared-workload.ts';

/** A cheaper statement is not worth a word. */
const leastCost = 100;
/** Indexes have helped it when less than this is left. */
const mostLeft = 0.5;

/** What a hint is read from. */
export interface UnhelpedStatement {
  readonly prepared: Pick<PreparedStatement, 'statement' | 'candidates' | 'generic'>;
  readonly costBefore: number;
  readonly costAfter: number;
}

/** How statements could be written so that an index can help, for those that none helps as they stand; one hint each. */
export function rewritingHints(
  statements: readonly UnhelpedStatement[],
  facts: {
    /** By {@link candidateKey}: why the server would not have an index. */
    readonly refused: ReadonlyMap<string, string>;
    readonly hasTrigrams: boolean;
  },
): IndexAdvice['hints'] {
  return statements.flatMap(({ prepared, costBefore, costAfter }) => {
    if (costBefore < leastCost || costAfter > costBefore || costAfter < mostLeft * costBefore) return [];
    const hint = hintFor(prepared, facts);
    return hint === null ? [] : { sql: prepared.statement.sql, hint };
  });
}

function hintFor(
  { statement: { sql }, candidates, generic }: UnhelpedStatement['prepared'],
  { refused, hasTrigrams }: Parameters<typeof rewritingHints>[1],
): string | null {
  const filters = [...nodesOf(generic)].flatMap(conditionsIn);
  const reasons = candidates.flatMap((one) => refused.get(candidateKey(one)) ?? []);
  if (reasons.some((reason) => reason.includes('IMMUTABLE')))
    return 'It compares what a function makes of a column, and what that answers depends on settings (the time zone, for one), so that no index can hold it. Compare the column itself with a range: created_at >= $1 AND created_at < $2.';
  if (filters.some((text) => /NOT \((?:ANY )?\(?.*SubPlan|<> ALL \(.*SubPlan/.test(text)))
    return 'NOT IN with a subquery reads all of it for its nulls. NOT EXISTS can be planned as a join, and looked up in an index.';
  if (/\bOFFSET\s+(?:\$\d+|[1-9]\d{2,})/i.test(sql))
    return 'OFFSET reads and throws away all rows before the page. Remember where the last page ended: WHERE (sort key, id) < ($1, $2) ORDER BY ... LIMIT ... is as fast on every page.';
  if (/\bORDER\s+BY\s+random\(\)/i.test(sql))
    return 'ORDER BY random() reads and sorts everything. TABLESAMPLE, or a random place in an indexed column, reads only what it takes.';
  if (/^\s*SELECT\s+count\(\s*(?:\*|1)\s*\)\s+FROM\s+[\w."$]+\s*$/i.test(sql))
    return 'Counting a whole table reads all of it. Where about right will do: SELECT reltuples FROM pg_class WHERE oid = $1::regclass.';
  if (!hasTrigrams && filters.some((text) => /!?~~\*? (?:'%|\$|ANY|\()/.test(text)))
    return 'A pattern that may begin with anything needs an index of trigrams: CREATE EXTENSION pg_trgm, and ask for advice again.';
  if (filters.some(hasOtherColumns))
    return 'OR between columns is answered by one index only when each side has one of its own on the same table. UNION ALL of a statement for each side, the second without what the first has, lets each use its index.';
  return null;
}

function conditionsIn(node: PlanNode): readonly string[] {
  return [node.Filter, node['Join Filter']].flatMap((text) => text ?? []);
}

/** An OR whose sides ask of different tables. */
function hasOtherColumns(text: string): boolean {
  const sides = text.split(' OR ');
  const tables = sides.map((side) => new Set([...side.matchAll(/\b([a-z_]\w*)\.[a-z_"]/g)].map(([, table]) => table)));
  const [first] = tables;
  return sides.length > 1 && first !== undefined && tables.some((one) => one.size > 0 && one.isDisjointFrom(first));
}
