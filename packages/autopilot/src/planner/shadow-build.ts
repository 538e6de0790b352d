import type pg from 'pg';
import { ColumnFactsBook } from './column-facts.ts';
import { btreeLevel } from './index-size.ts';
import { OlderGinSpaces } from './older-planner.ts';
import { runAll } from './run-all.ts';
import { type PretendedSize, pretend, Shadow, type ShadowIndex } from './shadow.ts';
import type { ShadowChanges } from './shadow-changes.ts';
import { qualified, quoted, shadowPlan } from './shadow-ddl.ts';
import { plannerRole, ShadowServer } from './shadow-server.ts';
import { restoreStatistics } from './shadow-statistics.ts';
import type { NamedStatement, TargetCatalog, TargetIndex, TargetTable } from './target-catalog.ts';
import type { TargetStatistics } from './target-statistics.ts';

/**
 * Makes the shadow of a database from what was read of it. Takes 1.5 s and about 3 ms a table with its indexes.
 * What can't be made is left out and said in the shadow's notes. The caller closes it.
 */
export async function buildShadow(catalog: TargetCatalog, statistics: TargetStatistics): Promise<Shadow> {
  const server = await ShadowServer.start(catalog.locale);
  try {
    const { lacking, notes: extensionNotes } = await makeExtensions(server, catalog);
    const plan = shadowPlan(catalog, lacking);
    const planner = await server.connectPlanner();
    const settings = await applySettings(planner, catalog.settings);
    const notes = [...catalog.notes, ...statistics.notes, ...extensionNotes, ...plan.notes];
    notes.push(...(await makeObjects(planner, plan.early, plan.tables, plan.late)));

    const found = await findRelations(server, catalog);
    await renamePartitionIndexes(server, catalog, found);
    const book = new ColumnFactsBook(catalog, statistics);
    const tables = new Map(
      catalog.tables.flatMap((table) => {
        const oid = found.tables.get(table.oid);
        return oid === undefined ? [] : [[table.oid, tableSize(table, oid)] as const];
      }),
    );
    const indexes = catalog.indexes.flatMap((index) => {
      const oid = found.indexes.get(index.oid);
      return oid === undefined ? [] : [indexSize(index, oid, book)];
    });
    notes.push(...(await restoreStatistics(planner, server.admin, statistics)));
    const ginSpaces = OlderGinSpaces.for(server, catalog);
    await ginSpaces?.move(indexes);
    // Last: planning, which also checking a foreign key does, reads pages into the server's memory.
    await pretend(server, [...tables.values(), ...indexes]);
    return new Shadow({
      server,
      planner,
      settings,
      tables,
      indexOids: found.indexes,
      existing: switchable(catalog, found),
      notes,
      ginSpaces,
    });
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Brings a shadow up to date with changes that were found between what it was built from and `catalog`. */
export async function refreshShadow(
  shadow: Shadow,
  catalog: TargetCatalog,
  statistics: TargetStatistics,
  changes: ShadowChanges,
): Promise<void> {
  const book = new ColumnFactsBook(catalog, statistics);
  const tables = changes.tables.flatMap((table) => {
    const oid = shadow.oidOf(table.oid);
    return oid === undefined ? [] : [tableSize(table, oid)];
  });
  const indexes = changes.indexes.flatMap((index) => {
    const oid = shadow.indexOidOf(index.oid);
    return oid === undefined ? [] : [indexSize(index, oid, book)];
  });
  await shadow.refresh([...tables, ...indexes], changes.columns);
}

async function makeExtensions(
  server: ShadowServer,
  catalog: TargetCatalog,
): Promise<{ readonly lacking: ReadonlySet<string>; readonly notes: readonly string[] }> {
  const lacking = new Set<string>();
  const schemas = catalog.schemas.map((name) => `CREATE SCHEMA ${quoted(name)} AUTHORIZATION ${plannerRole}`);
  for (const sql of schemas) await server.admin.query(sql);
  const { rows } = await server.admin.query<{ name: string }>('SELECT name FROM pg_available_extensions');
  const available = new Set(rows.map(({ name }) => name));
  for (const { name, schema } of catalog.extensions) {
    // Those that only watch a server have no part in planning, and some must be loaded at its start.
    if (name.startsWith('pg_stat') || name === 'pg_buffercache' || name === 'hypopg') continue;
    if (!available.has(name)) lacking.add(name);
    else {
      try {
        await server.admin.query(`CREATE EXTENSION IF NOT EXISTS ${quoted(name)} SCHEMA ${quoted(schema)} CASCADE`);
      } catch {
        lacking.add(name);
      }
    }
  }
  const notes = lacking.size === 0 ? [] : [`Not available to the shadow: the extensions ${[...lacking].join(', ')}.`];
  return { lacking, notes };
}

/** Sets what this version knows of the target's settings; answers those that were taken. */
async function applySettings(
  planner: pg.Client,
  settings: TargetCatalog['settings'],
): Promise<Readonly<Record<string, string>>> {
  const taken: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    try {
      await planner.query('SELECT set_config($1, $2, false)', [name, value]);
      taken[name] = value;
    } catch {
      // Not of this version.
    }
  }
  await planner.query('SET check_function_bodies = off');
  return taken;
}

async function makeObjects(
  planner: pg.Client,
  early: readonly NamedStatement[],
  tables: readonly NamedStatement[],
  late: readonly NamedStatement[],
): Promise<readonly string[]> {
  let failed = await runAll(planner, early);
  failed = [...failed, ...(await runAll(planner, tables))];
  failed = [...failed, ...(await runAll(planner, late))];
  // Things that name each other: again, as long as that gets us anywhere.
  for (let before = Number.POSITIVE_INFINITY; failed.length > 0 && failed.length < before; ) {
    before = failed.length;
    failed = await runAll(planner, failed);
  }
  return failed.map(({ subject, reason }) => `The shadow is without ${subject}: ${reason}.`);
}

/** The shadow's oids by the target's. */
interface FoundRelations {
  readonly tables: ReadonlyMap<number, number>;
  readonly indexes: ReadonlyMap<number, number>;
}

async function findRelations(server: ShadowServer, catalog: TargetCatalog): Promise<FoundRelations> {
  const { rows } = await server.admin.query<{
    oid: number;
    schema: string;
    name: string;
    tableOid: number | null;
    parentOid: number | null;
  }>(
    `SELECT c.oid::int8::float8 AS oid, n.nspname AS schema, c.relname AS name, x.indrelid::int8::float8 AS "tableOid",
       i.inhparent::int8::float8 AS "parentOid"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index x ON x.indexrelid = c.oid
       LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND x.indexrelid IS NOT NULL
     WHERE c.relkind IN ('r', 'p', 'i', 'I') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`,
  );
  const byName = new Map(rows.map((row) => [qualified(row), row.oid]));
  const byParent = new Map<string, number>(
    rows.flatMap((row) => (row.parentOid === null ? [] : [[`${row.parentOid} ${row.tableOid}`, row.oid] as const])),
  );
  const tables = new Map(
    catalog.tables.flatMap((table) => {
      const oid = byName.get(qualified(table));
      return oid === undefined ? [] : [[table.oid, oid] as const];
    }),
  );
  const targets = new Map(catalog.indexes.map((index) => [index.oid, index]));
  const indexes = new Map<number, number>();
  // An index of a partition has the name that the shadow's server gave it: it is found by its parent and its table.
  const find = (index: TargetIndex): number | undefined => {
    const known = indexes.get(index.oid);
    if (known !== undefined) return known;
    const parent = index.parentOid === null ? undefined : targets.get(index.parentOid);
    const oid =
      parent === undefined
        ? byName.get(qualified(index))
        : byParent.get(`${find(parent)} ${tables.get(index.tableOid)}`);
    if (oid !== undefined) indexes.set(index.oid, oid);
    return oid;
  };
  for (const index of catalog.indexes) find(index);
  return { tables, indexes };
}

async function renamePartitionIndexes(
  server: ShadowServer,
  catalog: TargetCatalog,
  found: FoundRelations,
): Promise<void> {
  const children = catalog.indexes.flatMap(({ oid, parentOid, name }) => {
    const shadowOid = parentOid === null ? undefined : found.indexes.get(oid);
    return shadowOid === undefined ? [] : [{ oid: shadowOid, name }];
  });
  if (children.length === 0) return;
  const oids = children.map(({ oid }) => oid);
  // In two steps, for a name may be another one's until then.
  await server.admin.query(`UPDATE pg_class SET relname = 'autopilot_' || oid WHERE oid = ANY ($1::oid[])`, [oids]);
  await server.admin.query(
    `UPDATE pg_class c SET relname = n.name FROM unnest($1::oid[], $2::name[]) n(oid, name) WHERE c.oid = n.oid`,
    [oids, children.map(({ name }) => name)],
  );
}

function tableSize(table: TargetTable, oid: number): PretendedSize {
  const { pages, statisticsPages, rows, visiblePages } = table;
  return { oid, pages, statisticsPages, rows, visiblePages, level: null };
}

function indexSize(index: TargetIndex, oid: number, book: ColumnFactsBook): PretendedSize {
  const { pages, statisticsPages, rows } = index;
  const level = index.method === 'btree' ? btreeLevel(Math.max(1, pages - 1), entryBytes(index, book)) : null;
  return { oid, pages, statisticsPages, rows, visiblePages: 0, level, gin: book.ginShape(index) };
}

/** About how long a key is, for the height of the tree. */
function entryBytes(index: TargetIndex, book: ColumnFactsBook): number {
  const table = book.tableByOid(index.tableOid);
  const widths = index.keys.map((key) => {
    const facts =
      table === undefined ? undefined : book.column(table, key.replace(/^"(.*)"$/, '$1').replaceAll('""', '"'));
    return facts?.statistics?.averageWidth ?? (facts && facts.column.typeLength > 0 ? facts.column.typeLength : 16);
  });
  return 8 + Math.ceil(widths.reduce((total, width) => total + width, 0) / 8) * 8;
}

/** The existing indexes that may be dropped: not those of constraints, and none that keeps values unique. */
function switchable(catalog: TargetCatalog, found: FoundRelations): readonly ShadowIndex[] {
  const children = Map.groupBy(catalog.indexes, ({ parentOid }) => parentOid);
  const family = (index: TargetIndex): readonly TargetIndex[] => [
    index,
    ...(children.get(index.oid) ?? []).flatMap(family),
  ];
  const fixed = (index: TargetIndex): boolean => index.constraint || index.unique;
  return (children.get(null) ?? []).flatMap((index) => {
    const members = family(index).filter(({ oid }) => found.indexes.has(oid));
    if (members.length === 0 || members.some(fixed)) return [];
    return {
      id: qualified(index),
      tableOids: members.flatMap(({ tableOid }) => found.tables.get(tableOid) ?? []),
      oids: members.flatMap(({ oid }) => found.indexes.get(oid) ?? []),
      names: members.map(({ name }) => name),
      bytes: members.reduce((total, { pages }) => total + pages * 8_192, 0),
      existing: true,
    };
  });
}
