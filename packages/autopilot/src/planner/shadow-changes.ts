import type { TargetCatalog, TargetIndex, TargetTable } from './target-catalog.ts';
import type { ColumnStatistics, TargetStatistics } from './target-statistics.ts';

/** What was read of a target at one time. */
export interface TargetKnowledge {
  readonly catalog: TargetCatalog;
  readonly statistics: TargetStatistics;
}

/** The relations that grew or were analyzed since then, and the columns whose statistics are others now. */
export interface ShadowChanges {
  readonly tables: readonly TargetTable[];
  readonly indexes: readonly TargetIndex[];
  readonly columns: readonly ColumnStatistics[];
}

/** What a shadow has to take over to be that of the target as it is now; null: something else than sizes and statistics changed, build it anew. */
export function shadowChanges(before: TargetKnowledge, now: TargetKnowledge): ShadowChanges | null {
  if (shapeOf(before) !== shapeOf(now)) return null;
  const former = new Map(before.statistics.columns.map((one) => [keyOf(one), JSON.stringify(one)]));
  // What nobody knows any more (a table was emptied by a restore) would have to be forgotten here as well.
  const known = new Set(now.statistics.columns.map(keyOf));
  if ([...former.keys()].some((key) => !known.has(key))) return null;
  return {
    tables: changedOf(before.catalog.tables, now.catalog.tables, sizeOfTable),
    indexes: changedOf(before.catalog.indexes, now.catalog.indexes, sizeOfIndex),
    columns: now.statistics.columns.filter((one) => former.get(keyOf(one)) !== JSON.stringify(one)),
  };
}

function changedOf<Relation extends { readonly oid: number }>(
  before: readonly Relation[],
  now: readonly Relation[],
  sizeOf: (one: Relation) => string,
): readonly Relation[] {
  const former = new Map(before.map((one) => [one.oid, sizeOf(one)]));
  return now.filter((one) => former.get(one.oid) !== sizeOf(one));
}

function sizeOfTable({ pages, statisticsPages, rows, visiblePages }: TargetTable): string {
  return [pages, statisticsPages, rows, visiblePages].join();
}

function sizeOfIndex({ pages, statisticsPages, rows }: TargetIndex): string {
  return [pages, statisticsPages, rows].join();
}

/** All that changes what the shadow is made of. */
function shapeOf({ catalog, statistics: { extended, notes } }: TargetKnowledge): string {
  const none = { pages: 0, statisticsPages: 0, rows: 0 };
  return JSON.stringify({
    catalog: {
      ...catalog,
      tables: catalog.tables.map((one) => ({ ...one, ...none, visiblePages: 0 })),
      indexes: catalog.indexes.map((one) => ({ ...one, ...none, scans: null })),
    },
    extended,
    notes,
  });
}

function keyOf({ schema, relation, column, inherited }: ColumnStatistics): string {
  return JSON.stringify([schema, relation, column, inherited]);
}
