import type { Node } from 'libpg-query';
import { nodesOf, type PlanNode } from './plan-tree.ts';
import type { SqlParser } from './sql-parser.ts';

/** A key that an index could have. */
export interface RoleKey {
  /** The column, or that of the expression. */
  readonly column: string;
  /** As SQL: the quoted column, or an expression of it. */
  readonly sql: string;
}

/** What a statement asks of one table; each place where it stands in the statement by itself. */
export interface TableRoles {
  readonly schema: string;
  readonly table: string;
  /** Compared for equality with something known before: a value, or a column of another table. */
  readonly equal: readonly (RoleKey & { readonly joined: boolean; readonly literal: string | null })[];
  readonly ranges: readonly RoleKey[];
  readonly sort: readonly (RoleKey & { readonly descending: boolean; readonly nullsFirst: boolean })[];
  readonly nulls: readonly string[];
  /** Contained, overlapping, matching: for an inverted index, with the operator class it needs. */
  readonly contained: readonly (RoleKey & { readonly operatorClass: string | null })[];
  /** All columns that it needs of the table. */
  readonly needed: readonly string[];
}

/** Which parameter is compared with which column. */
export interface ParameterColumn {
  readonly number: number;
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly operator: string;
}

interface Gathered {
  readonly schema: string;
  readonly table: string;
  readonly equal: TableRoles['equal'][number][];
  readonly ranges: RoleKey[];
  sort: TableRoles['sort'];
  readonly nulls: Set<string>;
  readonly contained: TableRoles['contained'][number][];
  readonly needed: Set<string>;
}

type Clause = Extract<Node, { readonly A_Expr: unknown }>['A_Expr'];
type Key = RoleKey & { readonly alias: string };

/**
 * Reads them from a plan with its columns shown (EXPLAIN VERBOSE), made without values and indexes: there the server has resolved every
 * name, expanded views, moved conditions to where they belong and derived those that follow from others. Its conditions are SQL and
 * parsed as such.
 */
export function rolesOf(
  plan: PlanNode,
  parser: SqlParser,
): { readonly tables: readonly TableRoles[]; readonly parameters: readonly ParameterColumn[] } {
  const byAlias = new Map<string, Gathered>();
  for (const node of nodesOf(plan)) {
    const { Alias: alias, Schema: schema, 'Relation Name': table } = node;
    if (alias === undefined || schema === undefined || table === undefined || byAlias.has(alias)) continue;
    byAlias.set(alias, {
      schema,
      table,
      equal: [],
      ranges: [],
      sort: [],
      nulls: new Set(),
      contained: [],
      needed: new Set(),
    });
  }
  const parameters: ParameterColumn[] = [];
  for (const node of nodesOf(plan)) {
    for (const text of [
      node.Filter,
      node['Index Cond'],
      node['Recheck Cond'],
      node['Hash Cond'],
      node['Merge Cond'],
      node['Join Filter'],
    ]) {
      if (text === undefined) continue;
      // Results of subqueries are written in a way that is no SQL.
      const sql = text.replaceAll(/\((?:hashed )?(?:InitPlan|SubPlan) \d+\)(?:\.col\d+)?/g, 'NULL');
      const tree = parser.expression(sql);
      if (tree !== null) for (const clause of conjuncts(tree)) readClause(clause, byAlias, parameters);
    }
    for (const text of [...(node.Output ?? []), ...(node['Group Key'] ?? [])]) {
      const tree = parser.expression(text);
      if (tree !== null) for (const { alias, column } of columnsIn(tree)) byAlias.get(alias)?.needed.add(column);
    }
    readSort(node['Sort Key'] ?? node['Group Key'] ?? [], parser, byAlias);
  }
  return {
    tables: [...byAlias.values()].map((one) => ({ ...one, nulls: [...one.nulls], needed: [...one.needed] })),
    parameters,
  };
}

function readClause(clause: Node, byAlias: ReadonlyMap<string, Gathered>, parameters: ParameterColumn[]): void {
  for (const { alias, column } of columnsIn(clause)) byAlias.get(alias)?.needed.add(column);
  if ('NullTest' in clause) {
    const key = keyOf(clause.NullTest.arg);
    if (key !== null && clause.NullTest.nulltesttype === 'IS_NULL') byAlias.get(key.alias)?.nulls.add(key.column);
    return;
  }
  if (!('A_Expr' in clause)) return;
  const { A_Expr: expression } = clause;
  const operator = operatorOf(expression);
  const left = keyOf(expression.lexpr);
  const right = keyOf(expression.rexpr);
  for (const [key, other, otherKey] of [
    [left, expression.rexpr, right],
    [right, expression.lexpr, left],
  ] as const) {
    const table = key === null ? undefined : byAlias.get(key.alias);
    if (key === null || table === undefined || otherKey?.alias === key.alias) continue;
    readComparison(table, key, operator, other, otherKey !== null);
    for (const number of parametersIn(other))
      parameters.push({ number, schema: table.schema, table: table.table, column: key.column, operator });
  }
}

function readComparison(table: Gathered, key: Key, operator: string, other: Node | undefined, joined: boolean): void {
  const { column, sql } = key;
  const known = (list: readonly RoleKey[]): boolean => list.some((one) => one.sql === sql);
  if (operator === '=' && !known(table.equal)) table.equal.push({ column, sql, joined, literal: literalOf(other) });
  else if (/^[<>]=?$/.test(operator) && !known(table.ranges)) table.ranges.push({ column, sql });
  else if (/^!?~~\*?$/.test(operator) && !operator.startsWith('!')) {
    if (!known(table.contained)) table.contained.push({ column, sql, operatorClass: 'gin_trgm_ops' });
    if (operator === '~~' && !(literalOf(other) ?? '').startsWith('%') && !known(table.ranges))
      table.ranges.push({ column, sql });
  } else if (['@>', '<@', '&&', '@@', '?', '?|', '?&'].includes(operator) && !known(table.contained))
    table.contained.push({ column, sql, operatorClass: null });
}

function readSort(keys: readonly string[], parser: SqlParser, byAlias: ReadonlyMap<string, Gathered>): void {
  const read = keys.map((text) => {
    const [, expression = text, direction = '', nulls = ''] =
      /^(.*?)( DESC)?( NULLS (?:FIRST|LAST))?$/s.exec(text) ?? [];
    const tree = parser.expression(expression);
    const key = tree === null ? null : keyOf(tree);
    const descending = direction !== '';
    return key && { ...key, descending, nullsFirst: nulls === '' ? descending : nulls.endsWith('FIRST') };
  });
  const first = read[0];
  if (!first || read.some((key) => key?.alias !== first.alias)) return;
  const table = byAlias.get(first.alias);
  if (table === undefined || table.sort.length > 0) return;
  table.sort = read.flatMap((key) =>
    key ? [{ column: key.column, sql: key.sql, descending: key.descending, nullsFirst: key.nullsFirst }] : [],
  );
}

function conjuncts(tree: Node): readonly Node[] {
  if ('BoolExpr' in tree && tree.BoolExpr.boolop === 'AND_EXPR') return (tree.BoolExpr.args ?? []).flatMap(conjuncts);
  return [tree];
}

function operatorOf(expression: Clause): string {
  const last = expression.name?.at(-1);
  return last !== undefined && 'String' in last ? (last.String.sval ?? '') : '';
}

/** A column, or a function of one column alone. */
function keyOf(node: Node | undefined): Key | null {
  if (node === undefined) return null;
  if ('ColumnRef' in node) {
    const names = (node.ColumnRef.fields ?? []).map((field) => ('String' in field ? field.String.sval : undefined));
    const [alias, column] = names;
    if (names.length !== 2 || alias === undefined || column === undefined) return null;
    return { alias, column, sql: `"${column.replaceAll('"', '""')}"` };
  }
  // Between types that are stored alike, as a varchar shown as text.
  if ('TypeCast' in node) return keyOf(node.TypeCast.arg);
  if ('FuncCall' in node && node.FuncCall.args?.length === 1 && node.FuncCall.funcname?.length === 1) {
    const [name] = node.FuncCall.funcname;
    const inner = keyOf(node.FuncCall.args[0]);
    if (inner === null || name === undefined || !('String' in name)) return null;
    return { ...inner, sql: `${name.String.sval}(${inner.sql})` };
  }
  return null;
}

function literalOf(node: Node | undefined): string | null {
  if (node === undefined) return null;
  if ('TypeCast' in node) return literalOf(node.TypeCast.arg);
  return 'A_Const' in node && node.A_Const.sval !== undefined ? (node.A_Const.sval.sval ?? '') : null;
}

/** Walks the plain objects that a parsed tree is made of. */
function* walk(node: unknown): Generator<object> {
  if (typeof node !== 'object' || node === null) return;
  yield node;
  for (const value of Object.values(node) as readonly unknown[]) yield* walk(value); // `as`: what they are is asked at each step
}

function columnsIn(tree: Node): readonly Key[] {
  return [...walk(tree)].flatMap(
    (node) => ('ColumnRef' in node ? (keyOf({ ColumnRef: node.ColumnRef } as Node) ?? []) : []), // `as`: the parser's own shape
  );
}

function parametersIn(node: Node | undefined): readonly number[] {
  return [...walk(node)].flatMap((inner) => {
    if (!('ParamRef' in inner)) return [];
    const reference = inner.ParamRef as { readonly number?: number }; // the parser's own shape
    return reference.number ?? [];
  });
}
