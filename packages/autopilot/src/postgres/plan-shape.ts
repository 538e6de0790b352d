import { hash } from 'node:crypto';
import type { MeasuredStep, PlanStep } from '../contract/statement-plan.ts';
import { normalizeStatement } from '../kernel/statement-text.ts';
import type { PlanNode } from './explain-statement.ts';
import type { MeasuredNode } from './measure-statement.ts';

/** What of a node of a plan makes it what it is. */
interface ShapedNode {
  readonly 'Node Type': string;
  readonly 'Join Type'?: string;
  readonly Strategy?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Scan Direction'?: string;
  readonly Plans?: readonly ShapedNode[];
}

/** What makes two plans the same way of answering: the kinds of nodes, what they read and how they join, not their costs. */
export function signatureOf(plan: ShapedNode): string {
  const parts = [
    plan['Node Type'],
    plan['Join Type'],
    plan.Strategy,
    plan['Relation Name'],
    plan['Index Name'],
    plan['Scan Direction'] === 'Backward' ? 'backward' : undefined,
  ].filter((part) => part !== undefined);
  const inOrder = (plan.Plans ?? []).map(signatureOf);
  // Of bitmaps that are put together, and of parts that are read beside each other, the order says nothing: it changes with the last digit of a cost.
  const children = /^(?:Bitmap(?:And|Or)|Append)$/.test(plan['Node Type']) ? inOrder.toSorted() : inOrder;
  return `${parts.join(':')}${children.length === 0 ? '' : `(${children.join(',')})`}`;
}

/** The signature of a plan, short. */
export function planFingerprint(plan: PlanNode): string {
  return hash('sha256', signatureOf(plan), 'hex').slice(0, 16);
}

/** A plan as steps, parents first. */
export function planSteps(node: PlanNode, depth = 0): readonly PlanStep[] {
  return [stepOf(node, depth), ...(node.Plans ?? []).flatMap((child) => planSteps(child, depth + 1))];
}

/** A plan that was carried out as steps, parents first; the values it was carried out with are taken out of its conditions. */
export function measuredSteps(node: MeasuredNode, depth = 0): readonly MeasuredStep[] {
  const step = stepOf(node, depth);
  const { 'Actual Rows': rows = 0, 'Actual Loops': loops = 0, 'Actual Total Time': ms = 0 } = node;
  return [
    {
      ...step,
      condition: step.condition === null ? null : normalizeStatement(step.condition),
      actualRows: loops === 0 ? null : rows,
      loops,
      durationMs: ms * loops,
      pages: (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0),
      misjudged: loops === 0 ? null : misjudgedBy(node['Plan Rows'], rows),
    },
    ...(node.Plans ?? []).flatMap((child) => measuredSteps(child, depth + 1)),
  ];
}

/** Under a row there is nothing to choose between. */
function misjudgedBy(estimated: number, actual: number): number {
  const [less, more] = [Math.min(estimated, actual), Math.max(estimated, actual)];
  return Math.max(1, more) / Math.max(1, less);
}

function stepOf(node: PlanNode, depth: number): PlanStep {
  const on = node['Relation Name'] === undefined ? '' : ` on ${node['Relation Name']}`;
  const using = node['Index Name'] === undefined ? '' : ` using ${node['Index Name']}`;
  const sort = node['Sort Key'] === undefined ? null : `sorted by ${node['Sort Key'].join(', ')}`;
  const conditions = [node['Index Cond'], node['Hash Cond'], node['Join Filter'], node.Filter, sort];
  return {
    depth,
    label: `${node['Node Type']}${using}${on}`,
    rows: node['Plan Rows'],
    cost: node['Total Cost'],
    condition: conditions.filter((one) => one != null).join('; ') || null,
  };
}
