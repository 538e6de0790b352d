import {
  AliasNode,
  AndNode,
  BinaryOperationNode,
  CamelCasePlugin,
  ColumnNode,
  type CommonTableExpressionNode,
  type DeleteQueryNode,
  IdentifierNode,
  type InsertQueryNode,
  type JoinNode,
  type Kysely,
  type KyselyPlugin,
  type OnConflictNode,
  OnNode,
  type OperationNode,
  OperationNodeTransformer,
  OperatorNode,
  ParensNode,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type PrimitiveValueListNode,
  type QueryId,
  type QueryResult,
  RawNode,
  ReferenceNode,
  type RootOperationNode,
  type SelectQueryNode,
  TableNode,
  type UnknownRow,
  type UpdateQueryNode,
  type ValueListNode,
  ValueNode,
  ValuesNode,
  WhereNode,
} from 'kysely';
import { type Database, type OrganizationTables, schemaName } from './database.ts';

/**
 * The database as one organization sees it. This file is the only place where tenancy is enforced: the plugin below
 * adds `organization_id = <id>` to every table of every select, join, update and delete, at any depth, writes it into
 * every insert, and refuses what it can not see through. The composite keys of the schema refuse the rest.
 */
export type OrganizationDatabase = Kysely<OrganizationTables>;

const tenantTables: ReadonlySet<string> = new Set([
  'teams',
  'team_members',
  'projects',
  'tasks',
  'comments',
  'activity',
  'notifications',
  'exports',
  'activity_days',
  'people',
  'members',
]);
const tenantColumn = 'organization_id';
const rootKinds: ReadonlySet<string> = new Set([
  'SelectQueryNode',
  'InsertQueryNode',
  'UpdateQueryNode',
  'DeleteQueryNode',
]);
/** Raw text that could reach a table by itself. */
const tableReachingText = /\b(select|insert|update|delete|merge|table|join|truncate|copy)\b/i;
/** The only raw text allowed as something to select from: a call of a function that makes rows. */
const rowFunctionText = /^\s*(lateral\s+)?(unnest|generate_series|jsonb_to_recordset|websearch_to_tsquery)\s*\($/i;

/** A query was written that could leave its organization: a mistake in the program, never in a request. */
class OrganizationScopeError extends Error {
  override readonly name: string = 'OrganizationScopeError';
}

class OrganizationTransformer extends OperationNodeTransformer {
  readonly #organization: ValueNode;
  #queryNames: ReadonlySet<string> = new Set();

  constructor(organizationId: string) {
    super();
    this.#organization = ValueNode.create(organizationId);
  }

  scope(node: RootOperationNode, queryId: QueryId): RootOperationNode {
    if (!rootKinds.has(node.kind)) {
      throw new OrganizationScopeError(`A ${node.kind} can not be kept inside an organization.`);
    }
    this.#queryNames = new Set();
    return this.transformNode(node, queryId);
  }

  protected override transformCommonTableExpression(
    node: CommonTableExpressionNode,
    queryId: QueryId,
  ): CommonTableExpressionNode {
    const name = node.name.table.table.identifier.name;
    if (tenantTables.has(name)) {
      throw new OrganizationScopeError(`The query name "${name}" hides the table of that name; choose another.`);
    }
    this.#queryNames = new Set([...this.#queryNames, name]);
    return super.transformCommonTableExpression(node, queryId);
  }

  protected override transformSelectQuery(node: SelectQueryNode, queryId: QueryId): SelectQueryNode {
    // WITH comes first in the text, so its names are known to everything after it.
    const withNode = this.transformNode(node.with, queryId);
    const froms = (node.from?.froms ?? []).map((from) => this.#source(from));
    const { with: _, ...rest } = node;
    const query = super.transformSelectQuery(rest, queryId);
    return {
      ...query,
      ...(withNode === undefined ? {} : { with: withNode }),
      ...(query.from === undefined ? {} : { from: { ...query.from, froms: query.from.froms.map(qualified) } }),
      ...this.#restricted(query.where, froms),
    };
  }

  protected override transformJoin(node: JoinNode, queryId: QueryId): JoinNode {
    const name = this.#source(node.table);
    const join = super.transformJoin(node, queryId);
    if (name === undefined) return join;
    const mine = this.#isMine(name);
    const on = join.on === undefined ? mine : AndNode.create(ParensNode.create(join.on.on), mine);
    // A cross join takes no condition; as an inner join it means the same.
    const joinType = join.joinType === 'CrossJoin' ? 'InnerJoin' : join.joinType;
    return { ...join, joinType, table: qualified(join.table), on: OnNode.create(on) };
  }

  protected override transformUpdateQuery(node: UpdateQueryNode, queryId: QueryId): UpdateQueryNode {
    const withNode = this.transformNode(node.with, queryId);
    const tables = [
      node.table === undefined ? undefined : this.#source(node.table),
      ...(node.from?.froms ?? []).map((from) => this.#source(from)),
    ];
    for (const update of node.updates ?? []) {
      if (ColumnNode.is(update.column) && update.column.column.name === tenantColumn) {
        throw new OrganizationScopeError('A row can not be moved to another organization.');
      }
    }
    const { with: _, ...rest } = node;
    const query = super.transformUpdateQuery(rest, queryId);
    return {
      ...query,
      ...(withNode === undefined ? {} : { with: withNode }),
      ...(query.table === undefined ? {} : { table: qualified(query.table) }),
      ...(query.from === undefined ? {} : { from: { ...query.from, froms: query.from.froms.map(qualified) } }),
      ...this.#restricted(query.where, tables),
    };
  }

  protected override transformDeleteQuery(node: DeleteQueryNode, queryId: QueryId): DeleteQueryNode {
    const withNode = this.transformNode(node.with, queryId);
    const tables = [...node.from.froms, ...(node.using?.tables ?? [])].map((table) => this.#source(table));
    const { with: _, ...rest } = node;
    const query = super.transformDeleteQuery(rest, queryId);
    return {
      ...query,
      ...(withNode === undefined ? {} : { with: withNode }),
      from: { ...query.from, froms: query.from.froms.map(qualified) },
      ...(query.using === undefined ? {} : { using: { ...query.using, tables: query.using.tables.map(qualified) } }),
      ...this.#restricted(query.where, tables),
    };
  }

  protected override transformInsertQuery(node: InsertQueryNode, queryId: QueryId): InsertQueryNode {
    const { into, values, columns = [] } = node;
    if (into === undefined || this.#source(into) === undefined || values === undefined || !ValuesNode.is(values)) {
      throw new OrganizationScopeError('Only rows given as values can be inserted into a table of an organization.');
    }
    if (columns.some((column) => column.column.name === tenantColumn)) {
      throw new OrganizationScopeError('The organization of a new row is not given with it: the scope sets it.');
    }
    const query = super.transformInsertQuery(node, queryId);
    return {
      ...query,
      into: qualified(into),
      columns: [ColumnNode.create(tenantColumn), ...(query.columns ?? [])],
      values: ValuesNode.create(values.values.map((row) => this.#owned(this.transformNode(row, queryId)))),
    };
  }

  protected override transformOnConflict(node: OnConflictNode, queryId: QueryId): OnConflictNode {
    if (node.columns === undefined || node.constraint !== undefined) {
      throw new OrganizationScopeError('A conflict must name its columns, so that the organization can join them.');
    }
    const conflict = super.transformOnConflict(node, queryId);
    return { ...conflict, columns: [ColumnNode.create(tenantColumn), ...(conflict.columns ?? [])] };
  }

  protected override transformRaw(node: RawNode, queryId: QueryId): RawNode {
    const text = node.sqlFragments.find((fragment) => tableReachingText.test(fragment));
    if (text !== undefined || node.parameters.some((parameter) => TableNode.is(parameter))) {
      throw new OrganizationScopeError(
        `Raw SQL that reaches tables can not be kept inside an organization: ${text ?? node.sqlFragments.join('?')}`,
      );
    }
    return super.transformRaw(node, queryId);
  }

  /** The name that a tenant table goes by in its query; undefined: not a table, but something already restricted. */
  #source(node: OperationNode): string | undefined {
    if (AliasNode.is(node)) {
      const inner = this.#source(node.node);
      return inner === undefined || !IdentifierNode.is(node.alias) ? inner : node.alias.name;
    }
    if (TableNode.is(node)) {
      const { schema, identifier } = node.table;
      if (schema === undefined && this.#queryNames.has(identifier.name)) return undefined;
      // With the schema: a subquery made by a scoped builder of its own; restricting it twice does no harm.
      const ours = schema === undefined || schema.name === schemaName;
      if (ours && tenantTables.has(identifier.name)) return identifier.name;
      throw new OrganizationScopeError(`"${identifier.name}" is not a table of an organization.`);
    }
    if (node.kind === 'SelectQueryNode') return undefined;
    if (RawNode.is(node) && rowFunctionText.test(node.sqlFragments[0] ?? '')) return undefined;
    throw new OrganizationScopeError(`A ${node.kind} can not be selected from inside an organization.`);
  }

  #isMine(name: string): OperationNode {
    return BinaryOperationNode.create(
      ReferenceNode.create(ColumnNode.create(tenantColumn), TableNode.create(name)),
      OperatorNode.create('='),
      this.#organization,
    );
  }

  #restricted(where: WhereNode | undefined, tables: readonly (string | undefined)[]): { readonly where?: WhereNode } {
    const mine = tables.filter((name) => name !== undefined).map((name) => this.#isMine(name));
    const all = where === undefined ? mine : [...mine, ParensNode.create(where.where)];
    const [first, ...others] = all;
    if (first === undefined) return {};
    return { where: WhereNode.create(others.reduce((left, right) => AndNode.create(left, right), first)) };
  }

  #owned(row: ValueListNode | PrimitiveValueListNode): ValueListNode | PrimitiveValueListNode {
    if (row.kind === 'PrimitiveValueListNode') return { ...row, values: [this.#organization.value, ...row.values] };
    return { ...row, values: [this.#organization, ...row.values] };
  }
}

/** Puts the schema before a tenant table; columns go on naming it without. */
function qualified<T extends OperationNode>(node: T): T {
  if (AliasNode.is(node)) return { ...node, node: qualified(node.node) };
  if (!TableNode.is(node) || !tenantTables.has(node.table.identifier.name)) return node;
  return { ...node, table: { ...node.table, schema: IdentifierNode.create(schemaName) } };
}

class OrganizationPlugin implements KyselyPlugin {
  readonly #transformer: OrganizationTransformer;

  constructor(organizationId: string) {
    this.#transformer = new OrganizationTransformer(organizationId);
  }

  transformQuery(args: PluginTransformQueryArgs): RootOperationNode {
    return this.#transformer.scope(args.node, args.queryId);
  }

  async transformResult(args: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return args.result;
  }
}

const camelCase = new CamelCasePlugin({ maintainNestedObjectKeys: true });

/** The database restricted to one organization. Costs two small objects; made once for a request. */
export function forOrganization(database: Database, organizationId: string): OrganizationDatabase {
  const scoped = database.withoutPlugins().withPlugin(camelCase).withPlugin(new OrganizationPlugin(organizationId));
  // The tables seen from inside: without organization_id, which the plugin adds to each query.
  return scoped as unknown as OrganizationDatabase;
}
