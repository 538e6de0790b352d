import type { Node } from 'libpg-query';
import { conjunctsOf, operandsOf, withoutAlias } from './condition-text.ts';
import { nodesOf, type PlanNode } from './plan-tree.ts';
import type { SqlParser } from './sql-parser.ts';

/** A key that an index could have. */
export interface RoleKey {
  /** The column, or the first of the expression. */
  readonly column: string;
  /** All columns in it. */
  readonly columns: readonly string[];
  /** As SQL: the quoted column, or an expression of it. */
  readonly sql: string;
}

/** A condition without parameters, as SQL. */
export interface RoleCondition {
  readonly columns: readonly string[];
  readonly sql: string;
  /** Of being null or true and no more, so that there are two kinds of rows. */
  readonly simple: boolean;
}

/** What a statement asks of one table; each place where it stands in the statement by itself. */
export interface TableRoles {
  readonly schema: string;
  readonly table: string;
  /** Compared for equality with something known before: a value, or a column of another table. */
  readonly equal: readonly (RoleKey & { readonly joined: boolean })[];
  readonly ranges: readonly RoleKey[];
  readonly sort: readonly (RoleKey & { readonly descending: boolean; readonly nullsFirst: boolean })[];
  /** Conditions on this table alone that are the same whatever the parameters: a partial index may hold only rows that meet one. */
  readonly conditions: readonly RoleCondition[];
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
  readonly conditions: Map<string, RoleCondition>;
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
      conditions: new Map(),
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
      for (const condition of conjunctsOf(sql)) readClause(condition, parser, byAlias, parameters);
    }
    for (const text of [...(node.Output ?? []), ...(node['Group Key'] ?? [])]) {
      const tree = parser.expression(text);
      if (tree !== null) for (const { alias, column } of columnsIn(tree)) byAlias.get(alias)?.needed.add(column);
    }
    readSort(node['Sort Key'] ?? node['Group Key'] ?? [], parser, byAlias);
  }
  return {
    tables: [...byAlias.values()].map((one) => ({
      ...one,
      conditions: [...one.conditions.values()],
      needed: [...one.needed],
    })),
    parameters,
  };
}

function readClause(
  text: string,
  parser: SqlParser,
  byAlias: ReadonlyMap<string, Gathered>,
  parameters: ParameterColumn[],
): void {
  const clause = parser.expression(text);
  if (clause === null) return;
  for (const { alias, column } of columnsIn(clause)) byAlias.get(alias)?.needed.add(column);
  readCondition(text, clause, byAlias);
  if (!('A_Expr' in clause)) return;
  const { A_Expr: expression } = clause;
  const operator = operatorOf(expression);
  const texts = operandsOf(text, (expression.location ?? 0) - expressionOffset);
  const left = keyOf(expression.lexpr, texts?.left ?? null, parser);
  const right = keyOf(expression.rexpr, texts?.right ?? null, parser);
  for (const [key, other, otherKey] of [
    [left, expression.rexpr, right],
    [right, expression.lexpr, left],
  ] as const) {
    const table = key === null ? undefined : byAlias.get(key.alias);
    if (key === null || table === undefined || columnsIn(other ?? {}).some(({ alias }) => alias === key.alias))
      continue;
    readComparison(table, key, operator, other, otherKey !== null);
    for (const number of parametersIn(other))
      parameters.push({ number, schema: table.schema, table: table.table, column: key.column, operator });
  }
}

function readCondition(text: string, clause: Node, byAlias: ReadonlyMap<string, Gathered>): void {
  const found = columnsIn(clause);
  const table = byAlias.get(found[0]?.alias ?? '');
  if (table === undefined || found.some(({ alias }) => alias !== found[0]?.alias) || !isFixed(clause)) return;
  const sql = withoutAlias(
    text,
    found.map(({ at }) => at - expressionOffset),
  );
  const simple = 'NullTest' in clause || 'ColumnRef' in clause || 'BoolExpr' in clause;
  table.conditions.set(sql, { columns: [...new Set(found.map(({ column }) => column))], sql, simple });
}

/** Neither a parameter nor the result of a subquery is in it; those stand as NULL here. */
function isFixed(tree: Node): boolean {
  return [...walk(tree)].every(
    (node) => !('ParamRef' in node || 'SubLink' in node || ('A_Const' in node && isNull(node.A_Const))),
  );
}

function isNull(constant: unknown): boolean {
  return typeof constant === 'object' && constant !== null && 'isnull' in constant && constant.isnull === true;
}

function readComparison(table: Gathered, key: Key, operator: string, other: Node | undefined, joined: boolean): void {
  const { column, columns, sql } = key;
  const known = (list: readonly RoleKey[]): boolean => list.some((one) => one.sql === sql);
  if (operator === '=' && !known(table.equal)) table.equal.push({ column, columns, sql, joined });
  else if (/^[<>]=?$/.test(operator) && !known(table.ranges)) table.ranges.push({ column, columns, sql });
  else if (/^!?~~\*?$/.test(operator) && !operator.startsWith('!')) {
    if (!known(table.contained)) table.contained.push({ column, columns, sql, operatorClass: 'gin_trgm_ops' });
    if (operator === '~~' && !(literalOf(other) ?? '').startsWith('%') && !known(table.ranges))
      table.ranges.push({ column, columns, sql });
  } else if (['@>', '<@', '&&', '@@', '?', '?|', '?&'].includes(operator) && !known(table.contained))
    table.contained.push({ column, columns, sql, operatorClass: null });
}

function readSort(keys: readonly string[], parser: SqlParser, byAlias: ReadonlyMap<string, Gathered>): void {
  const read = keys.map((text) => {
    const [, expression = text, direction = '', nulls = ''] =
      /^(.*?)( DESC)?( NULLS (?:FIRST|LAST))?$/s.exec(text) ?? [];
    const tree = parser.expression(expression);
    const key = tree === null ? null : keyOf(tree, expression, parser);
    const descending = direction !== '';
    return key && { ...key, descending, nullsFirst: nulls === '' ? descending : nulls.endsWith('FIRST') };
  });
  const first = read[0];
  if (!first || read.some((key) => key?.alias !== first.alias)) return;
  const table = byAlias.get(first.alias);
  if (table === undefined || table.sort.length > 0) return;
  table.sort = read.flatMap((key) =>
    key
      ? [
          {
            column: key.column,
            columns: key.columns,
            sql: key.sql,
            descending: key.descending,
            nullsFirst: key.nullsFirst,
          },
        ]
      : [],
  );
}

function operatorOf(expression: Clause): string {
  const last = expression.name?.at(-1);
  return last !== undefined && 'String' in last ? (last.String.sval ?? '') : '';
}

/** What a text is parsed behind: "SELECT ". */
const expressionOffset = 7;

/** A column, or an expression of columns of one table alone, without parameters. */
function keyOf(node: Node | undefined, text: string | null, parser: SqlParser): Key | null {
  if (node === undefined) return null;
  const column = columnOf(node);
  if (column !== null) return { ...column, columns: [column.column], sql: `"${column.column.replaceAll('"', '""')}"` };
  // Between types that are stored alike, as a varchar shown as text.
  if ('TypeCast' in node && typeOf(node.TypeCast.typeName) === 'text' && 'ColumnRef' in (node.TypeCast.arg ?? {}))
    return keyOf(node.TypeCast.arg, null, parser);
  // By itself it is parsed again, for the places of its columns in it.
  const tree = text === null || !isExpression(node) || !isFixed(node) ? null : parser.expression(text);
  if (text === null || tree === null) return null;
  const found = columnsIn(tree);
  const [first] = found;
  if (first === undefined || found.some(({ alias }) => alias !== first.alias)) return null;
  const columns = [...new Set(found.map((one) => one.column))];
  const sql = withoutAlias(
    text,
    found.map(({ at }) => at - expressionOffset),
  );
  return { alias: first.alias, column: first.column, columns, sql };
}

/** Neither a condition nor an aggregate; a constant has no columns and is found out by that. */
function isExpression(node: Node): boolean {
  if ('FuncCall' in node) {
    const { agg_star: star, over, agg_distinct: distinct } = node.FuncCall;
    const name = node.FuncCall.funcname?.at(-1);
    const called = name !== undefined && 'String' in name ? name.String.sval : undefined;
    return !star && !distinct && over === undefined && !/^(?:count|sum|avg|min|max|.*_agg)$/.test(called ?? '');
  }
  return 'CoalesceExpr' in node || 'A_Expr' in node || 'TypeCast' in node || 'CaseExpr' in node || 'MinMaxExpr' in node;
}

function typeOf(type: { readonly names?: readonly Node[] } | undefined): string {
  const last = type?.names?.at(-1);
  return last !== undefined && 'String' in last ? (last.String.sval ?? '') : '';
}

interface FoundColumn {
  readonly alias: string;
  readonly column: string;
  /** In the text that was parsed, "SELECT " counted. */
  readonly at: number;
}

function columnOf(node: Node): FoundColumn | null {
  if (!('ColumnRef' in node)) return null;
  const { fields = [], location = 0 } = node.ColumnRef;
  const [alias, column] = fields.map((field) => ('String' in field ? field.String.sval : undefined));
  if (fields.length !== 2 || alias === undefined || column === undefined) return null;
  return { alias, column, at: location };
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

function columnsIn(tree: Node | object): readonly FoundColumn[] {
  return [...walk(tree)].flatMap(
    (node) => ('ColumnRef' in node ? (columnOf({ ColumnRef: node.ColumnRef } as Node) ?? []) : []), // `as`: the parser's own shape
  );
}

function parametersIn(node: Node | undefined): readonly number[] {
  return [...walk(node)].flatMap((inner) => {
    if (!('ParamRef' in inner)) return [];
    const reference = inner.ParamRef as { readonly number?: number }; // the parser's own shape
    return reference.number ?? [];
  });
}
