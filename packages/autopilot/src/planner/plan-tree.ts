/** A node of a plan as EXPLAIN (FORMAT JSON) writes it: the fields we read. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Startup Cost': number;
  readonly 'Total Cost': number;
  readonly 'Plan Rows': number;
  readonly 'Plan Width'?: number;
  readonly 'Join Type'?: string;
  readonly Strategy?: string;
  readonly Operation?: string;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly Alias?: string;
  readonly 'Index Name'?: string;
  readonly 'Scan Direction'?: string;
  readonly Filter?: string;
  readonly 'Index Cond'?: string;
  readonly 'Recheck Cond'?: string;
  readonly 'Order By'?: string;
  readonly 'Hash Cond'?: string;
  readonly 'Merge Cond'?: string;
  readonly 'Join Filter'?: string;
  readonly 'Sort Key'?: readonly string[];
  readonly 'Group Key'?: readonly string[];
  readonly Output?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/** Every node, parents first. */
export function* nodesOf(plan: PlanNode): Generator<PlanNode> {
  yield plan;
  for (const child of plan.Plans ?? []) yield* nodesOf(child);
}

/** The names of the indexes that a plan reads, without their schemas. */
export function indexesOf(plan: PlanNode): ReadonlySet<string> {
  return new Set([...nodesOf(plan)].flatMap((node) => node['Index Name'] ?? []));
}

/** How a plan is told. */
export interface PlanTelling {
  /** Other names for indexes. */
  readonly names?: ReadonlyMap<string, string>;
  /** What is told of a condition; default: all. */
  readonly condition?: (text: string) => string;
}

/** A plan in lines for people, like EXPLAIN's text. */
export function planLines(plan: PlanNode, telling: PlanTelling = {}, depth = 0): readonly string[] {
  const { names, condition = (text: string): string => text } = telling;
  const index = plan['Index Name'];
  const what = [
    plan['Node Type'],
    index === undefined ? '' : ` using ${names?.get(index) ?? index}`,
    plan['Relation Name'] === undefined ? '' : ` on ${plan['Relation Name']}`,
    plan.Alias === undefined || plan.Alias === plan['Relation Name'] ? '' : ` ${plan.Alias}`,
  ].join('');
  const numbers = `(cost=${plan['Startup Cost'].toFixed(2)}..${plan['Total Cost'].toFixed(2)} rows=${plan['Plan Rows']})`;
  const details = (['Index Cond', 'Filter', 'Hash Cond', 'Merge Cond', 'Join Filter'] as const).flatMap((name) =>
    plan[name] === undefined ? [] : [`${'  '.repeat(depth + 2)}${name}: ${condition(plan[name])}`],
  );
  const sort =
    plan['Sort Key'] === undefined
      ? []
      : [`${'  '.repeat(depth + 2)}Sort Key: ${condition(plan['Sort Key'].join(', '))}`];
  return [
    `${'  '.repeat(depth)}${depth === 0 ? '' : '-> '}${what}  ${numbers}`,
    ...details,
    ...sort,
    ...(plan.Plans ?? []).flatMap((child) => planLines(child, telling, depth + 1)),
  ];
}
