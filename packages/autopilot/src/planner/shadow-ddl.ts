import type { NamedStatement, TargetCatalog, TargetColumn, TargetTable } from './target-catalog.ts';

/** A name as SQL has it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A schema-qualified name as SQL has it. */
export function qualified({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

/** The statements that make the shadow's tables, in order, each by itself. */
export interface ShadowPlan {
  /** Types, functions, collations: tried again after the tables, which some of them name. */
  readonly early: readonly NamedStatement[];
  readonly tables: readonly NamedStatement[];
  /** Constraints with their indexes, other indexes, views, extended statistics. */
  readonly late: readonly NamedStatement[];
  /** What was left out or replaced, and why. */
  readonly notes: readonly string[];
}

/** Decides how the shadow is made; `lacking` are extensions of the target that the shadow's server does not have. */
export function shadowPlan(catalog: TargetCatalog, lacking: ReadonlySet<string>): ShadowPlan {
  const byOid = new Map(catalog.tables.map((table) => [table.oid, table]));
  const standIns = standInTypes(catalog, lacking);
  const notes = [...standIns].map(
    ([type, extension]) =>
      `The type ${type} of the extension ${extension} is replaced by text: statements that use its operators can't be planned.`,
  );
  const foreign = catalog.tables.filter(({ kind }) => kind === 'f').map(qualified);
  if (foreign.length > 0) notes.push(`Foreign tables are planned as empty local ones: ${foreign.join(', ')}.`);
  const secured = catalog.tables.filter(({ rowSecurity }) => rowSecurity).map(qualified);
  if (secured.length > 0)
    notes.push(
      `Row-level security is left out of plans, as its policies depend on the account: ${secured.slice(0, 5).join(', ')}${secured.length > 5 ? ` and ${secured.length - 5} more` : ''}.`,
    );
  return {
    early: [
      ...[...standIns.keys()].map((type) => ({ subject: type, sql: `CREATE DOMAIN ${type} AS text` })),
      ...catalog.collations,
      ...catalog.types,
      ...catalog.functions,
    ],
    // Parents before their children: their oids need not be in that order.
    tables: inOrderOfParents(catalog.tables, byOid).map((table) => ({
      subject: qualified(table),
      sql: tableSql(table, byOid, lacking),
    })),
    late: lateStatements(catalog, byOid),
    notes,
  };
}

function lateStatements(catalog: TargetCatalog, byOid: ReadonlyMap<number, TargetTable>): readonly NamedStatement[] {
  const nameOf = (oid: number): string => {
    const table = byOid.get(oid);
    return table === undefined ? '' : qualified(table);
  };
  const constraints = catalog.constraints.map(({ tableOid, name, kind, definition }) => ({
    kind,
    subject: `the constraint ${quoted(name)} of ${nameOf(tableOid)}`,
    sql: `ALTER TABLE ${nameOf(tableOid)} ADD CONSTRAINT ${quoted(name)} ${definition}`,
  }));
  const withConstraint = new Set(
    catalog.constraints
      .filter(({ kind }) => kind === 'p' || kind === 'u' || kind === 'x')
      .map(({ tableOid, name }) => `${byOid.get(tableOid)?.schema}.${name}`),
  );
  const indexes = catalog.indexes
    .filter(({ parentOid, schema, name }) => parentOid === null && !withConstraint.has(`${schema}.${name}`))
    .map(({ schema, name, definition }) => ({
      subject: `the index ${qualified({ schema, name })}`,
      // On the parent of a partitioned table it says ONLY, because each child has a definition of its own.
      sql: definition.replace(' ON ONLY ', ' ON '),
    }));
  return [
    ...constraints.filter(({ kind }) => kind !== 'f'),
    ...indexes,
    ...constraints.filter(({ kind }) => kind === 'f'),
    ...catalog.views,
    ...catalog.statistics.map(({ subject, sql }) => ({ subject: `the statistics ${subject}`, sql })),
  ];
}

/** Types of extensions that are lacking, by their name; their arrays are made with them. */
function standInTypes(catalog: TargetCatalog, lacking: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { extension, plainType } of catalog.tables.flatMap(({ columns }) => columns)) {
    if (extension !== null && lacking.has(extension)) found.set(plainType.replace(/(?:\[\])+$/, ''), extension);
  }
  return found;
}

function inOrderOfParents(
  tables: readonly TargetTable[],
  byOid: ReadonlyMap<number, TargetTable>,
): readonly TargetTable[] {
  const ordered = new Set<TargetTable>();
  const add = (table: TargetTable): void => {
    if (ordered.has(table)) return;
    for (const parent of table.parents) {
      const found = byOid.get(parent);
      if (found !== undefined) add(found);
    }
    ordered.add(table);
  };
  for (const table of tables) add(table);
  return [...ordered];
}

function tableSql(table: TargetTable, byOid: ReadonlyMap<number, TargetTable>, lacking: ReadonlySet<string>): string {
  const name = qualified(table);
  const partitions = table.partitionKey === null ? '' : ` PARTITION BY ${table.partitionKey}`;
  const parents = table.parents.flatMap((oid) => byOid.get(oid) ?? []).map(qualified);
  const options = table.options.filter((option) => /^(?:parallel_workers|fillfactor)=/.test(option));
  const storage = options.length === 0 ? '' : ` WITH (${options.join(', ')})`;
  if (table.partitionBound !== null && parents[0] !== undefined)
    return `CREATE TABLE ${name} PARTITION OF ${parents[0]} ${table.partitionBound}${partitions}${storage}`;
  const columns = table.columns.map((column) => columnSql(column, lacking)).join(', ');
  const inherits = parents.length === 0 ? '' : ` INHERITS (${parents.join(', ')})`;
  return `CREATE ${table.unlogged ? 'UNLOGGED ' : ''}TABLE ${name} (${columns})${inherits}${partitions}${storage}`;
}

/** Defaults, identities and stored generation are left out: they are no part of a plan's choice. */
function columnSql(column: TargetColumn, lacking: ReadonlySet<string>): string {
  const standIn = column.extension !== null && lacking.has(column.extension);
  const collation = column.collation === null || standIn ? '' : ` COLLATE ${column.collation}`;
  const generated =
    column.virtualExpression === null ? '' : ` GENERATED ALWAYS AS (${column.virtualExpression}) VIRTUAL`;
  const notNull = column.notNull ? ' NOT NULL' : '';
  return `${quoted(column.name)} ${standIn ? column.plainType : column.type}${collation}${generated}${notNull}`;
}
