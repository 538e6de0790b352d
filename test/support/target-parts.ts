import type { TargetCatalog, TargetColumn, TargetTable } from '../../packages/autopilot/src/planner/target-catalog.ts';
import type { ColumnStatistics } from '../../packages/autopilot/src/planner/target-statistics.ts';

/** Parts of what is read from a target, with nothing in them but what a test says. */

export function targetCatalog(parts: Partial<TargetCatalog>): TargetCatalog {
  return {
    versionNumber: 180_000,
    database: 'd',
    locale: { provider: 'c', name: 'C' },
    extensions: [],
    schemas: [],
    types: [],
    functions: [],
    collations: [],
    tables: [],
    constraints: [],
    indexes: [],
    views: [],
    statistics: [],
    settings: {},
    notes: [],
    leftOut: [],
    ...parts,
  };
}

/** An ordinary table of the schema public. */
export function targetTable(parts: Pick<TargetTable, 'name'> & Partial<TargetTable>): TargetTable {
  return {
    oid: 1,
    schema: 'public',
    kind: 'r',
    unlogged: false,
    pages: 1,
    statisticsPages: 1,
    rows: 1,
    visiblePages: 0,
    options: [],
    partitionKey: null,
    partitionBound: null,
    parents: [],
    rowSecurity: false,
    columns: [],
    ...parts,
  };
}

export function targetColumn(
  parts: Pick<TargetColumn, 'name' | 'type' | 'category'> & Partial<TargetColumn>,
): TargetColumn {
  return {
    number: 1,
    plainType: parts.type,
    typeLength: -1,
    alignment: 4,
    extension: null,
    collation: null,
    notNull: false,
    virtualExpression: null,
    ...parts,
  };
}

/** Of a column of which nothing is known but its distinct values. */
export function columnStatistics(
  parts: Pick<ColumnStatistics, 'relation' | 'column' | 'distinct'> & Partial<ColumnStatistics>,
): ColumnStatistics {
  return {
    schema: 'public',
    inherited: false,
    nullFraction: 0,
    averageWidth: 4,
    commonValues: null,
    commonFrequencies: null,
    bounds: null,
    correlation: null,
    commonElements: null,
    commonElementFrequencies: null,
    elementCounts: null,
    rangeLengths: null,
    rangeEmptyFraction: null,
    rangeBounds: null,
    ...parts,
  };
}
