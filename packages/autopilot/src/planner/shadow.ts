import type pg from 'pg';
import type { GinShape } from './gin-size.ts';
import type { OlderGinSpaces } from './older-planner.ts';
import type { PlanNode } from './plan-tree.ts';
import type {
  HypotheticalIndex,
  PlanDetail,
  PlannableStatement,
  PlanningEngine,
  PlanWithoutValues,
  SwitchableIndex,
} from './planning-engine.ts';
import { PlanningSession } from './planning-session.ts';
import { runAll } from './run-all.ts';
import { qualified } from './shadow-ddl.ts';
import { fillGin, heightenBtree, sizeRelation } from './shadow-files.ts';
import type { ShadowServer } from './shadow-server.ts';
import { replaceStatistics } from './shadow-statistics.ts';
import type { ColumnStatistics } from './target-statistics.ts';

/** Dropped at once: each needs locks until all are gone. */
const dropBatch = 200;

/** A relation as the shadow pretends it to be. */
export interface PretendedSize {
  readonly oid: number;
  /** Of the file. */
  readonly pages: number;
  /** As of the last ANALYZE. */
  readonly statisticsPages: number;
  readonly rows: number;
  readonly visiblePages: number;
  /** The height of a B-tree; null for what is none. */
  readonly level: number | null;
  /** What an inverted index says of itself; null or absent: nothing, and the planner guesses. */
  readonly gin?: GinShape | null;
}

/** A switchable index with what it is made of in the shadow. */
export interface ShadowIndex extends SwitchableIndex {
  readonly oids: readonly number[];
}

/**
 * A database with the tables, statistics and settings of another and none of its rows, whose planner answers as that one's would,
 * under any set of indexes. Plans may be asked for together; whatever changes the indexes has to be waited for.
 */
export class Shadow implements PlanningEngine, AsyncDisposable {
  /** What the shadow lacks of the original. */
  readonly notes: readonly string[];
  readonly #server: ShadowServer;
  readonly #planner: pg.Client;
  readonly #session: PlanningSession;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #switchable = new Map<string, ShadowIndex>();
  readonly #tables: Map<number, PretendedSize>;
  readonly #oids: ReadonlyMap<number, number>;
  readonly #indexOids: ReadonlyMap<number, number>;
  readonly #on = new Set<string>();
  readonly #ginSpaces: OlderGinSpaces | null;

  constructor(parts: {
    readonly server: ShadowServer;
    readonly planner: pg.Client;
    readonly settings: Readonly<Record<string, string>>;
    /** By the target's oid. */
    readonly tables: ReadonlyMap<number, PretendedSize>;
    /** The shadow's oids of all existing indexes, by the target's. */
    readonly indexOids: ReadonlyMap<number, number>;
    readonly existing: readonly ShadowIndex[];
    readonly notes: readonly string[];
    /** Where inverted indexes lie; null: where all do. */
    readonly ginSpaces: OlderGinSpaces | null;
  }) {
    this.#ginSpaces = parts.ginSpaces;
    this.#server = parts.server;
    this.#planner = parts.planner;
    this.#session = new PlanningSession(parts.planner);
    this.#settings = parts.settings;
    this.#tables = new Map([...parts.tables.values()].map((size) => [size.oid, size]));
    this.#oids = new Map([...parts.tables].map(([target, { oid }]) => [target, oid]));
    this.#indexOids = parts.indexOids;
    this.notes = parts.notes;
    for (const index of parts.existing) {
      this.#switchable.set(index.id, index);
      this.#on.add(index.id);
    }
  }

  /** Every index that can be switched, existing ones first. */
  get indexes(): readonly SwitchableIndex[] {
    return [...this.#switchable.values()];
  }

  /** One of them by its id. */
  index(id: string): SwitchableIndex | undefined {
    return this.#switchable.get(id);
  }

  /** A table's oid in the shadow, by the target's. */
  oidOf(targetOid: number): number | undefined {
    return this.#oids.get(targetOid);
  }

  /** An existing index's oid in the shadow, by the target's. */
  indexOidOf(targetOid: number): number | undefined {
    return this.#indexOids.get(targetOid);
  }

  /** Takes over what ANALYZE found and what grew since it was built. */
  async refresh(sizes: readonly PretendedSize[], columns: readonly ColumnStatistics[]): Promise<void> {
    await replaceStatistics(this.#planner, columns);
    for (const size of sizes) if (this.#tables.has(size.oid)) this.#tables.set(size.oid, size);
    if (sizes.length > 0) await pretend(this.#server, sizes);
  }

  /** Makes it as it was built: without hypothetical indexes, with the existing ones. */
  async reset(): Promise<void> {
    const all = this.indexes;
    await this.remove(all.flatMap(({ id, existing }) => (existing ? [] : [id])));
    await this.use(new Set(all.flatMap(({ id, existing }) => (existing ? [id] : []))));
    // Nobody else clears away what was made and switched.
    await this.rows('VACUUM pg_class, pg_attribute, pg_index, pg_depend, pg_statistic');
  }

  /** Rows of a statement about the shadow itself. */
  async rows<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return (await this.#server.admin.query<Row>(sql, [...values])).rows;
  }

  /**
   * Adds hypothetical indexes, switched off. Answers those that were refused, with the reason.
   * Cost: a ms each and 50 ms for all; the tables' files are empty for that time.
   */
  async add(indexes: readonly HypotheticalIndex[]): Promise<ReadonlyMap<string, string>> {
    const refused = new Map<string, string>();
    const tables = [...new Set(indexes.flatMap(({ sizes }) => sizes.map(({ tableOid }) => tableOid)))];
    const paths = await relationPaths(this.#server, tables);
    for (const path of paths.values()) sizeRelation(this.#server.dataDirectory, path, 0);
    // A session of its own: one that has read a long table keeps its parts open and would not see that it is empty.
    const builder = await this.#server.connectPlanner();
    try {
      for (const failure of await runAll(
        builder,
        indexes.map(({ id, ddlOn, table }) => ({ subject: id, sql: ddlOn(table) })),
      ))
        refused.set(failure.subject, failure.reason);
    } finally {
      await builder.end();
      for (const [oid, path] of paths)
        sizeRelation(this.#server.dataDirectory, path, this.#tables.get(oid)?.pages ?? 0);
    }
    const made = indexes.filter(({ id }) => !refused.has(id));
    await this.#register(made);
    return refused;
  }

  async #register(made: readonly HypotheticalIndex[]): Promise<void> {
    const found = await this.rows<{ id: string; oid: number; name: string; tableOid: number; leaf: boolean }>(
      `WITH RECURSIVE tree(id, oid) AS (
         SELECT c.relname::text, c.oid FROM pg_class c WHERE c.relname = ANY ($1) AND c.relkind IN ('i', 'I')
         UNION ALL SELECT t.id, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid)
       SELECT t.id, t.oid::int8::float8 AS oid, c.relname AS name, x.indrelid::int8::float8 AS "tableOid", c.relkind = 'i' AS leaf
       FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_index x ON x.indexrelid = t.oid`,
      [made.map(({ id }) => id)],
    );
    const byId = Map.groupBy(found, ({ id }) => id);
    const sizes: PretendedSize[] = [];
    for (const { id, sizes: wanted } of made) {
      const parts = byId.get(id) ?? [];
      let pages = 0;
      for (const { oid, tableOid, leaf } of parts) {
        const size = leaf ? wanted.find((one) => one.tableOid === tableOid) : undefined;
        if (size === undefined) continue;
        pages += size.pages;
        sizes.push({ ...size, oid, statisticsPages: size.pages, visiblePages: 0 });
      }
      this.#switchable.set(id, {
        id,
        tableOids: parts.map(({ tableOid }) => tableOid),
        oids: parts.map(({ oid }) => oid),
        names: parts.map(({ name }) => name),
        bytes: pages * 8_192,
        existing: false,
      });
    }
    await this.rows(`UPDATE pg_index SET indislive = false WHERE indexrelid = ANY ($1::oid[])`, [
      found.map(({ oid }) => oid),
    ]);
    await this.#ginSpaces?.move(sizes);
    const touched = [...new Set(found.flatMap(({ tableOid }) => this.#tables.get(tableOid) ?? []))];
    await pretend(this.#server, [...sizes, ...touched]);
  }

  /** Takes hypothetical indexes away for good. */
  async remove(ids: readonly string[]): Promise<void> {
    const known = ids.flatMap((id) => this.#switchable.get(id) ?? []).filter(({ existing }) => !existing);
    const places = await this.rows<{ schema: string; name: string }>(
      `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = ANY ($1) AND c.relkind IN ('i', 'I')`,
      [known.map(({ id }) => id)],
    );
    for (let at = 0; at < places.length; at += dropBatch)
      await this.rows(
        `DROP INDEX ${places
          .slice(at, at + dropBatch)
          .map(qualified)
          .join(', ')}`,
      );
    for (const { id } of known) {
      this.#switchable.delete(id);
      this.#on.delete(id);
    }
  }

  async use(ids: ReadonlySet<string>, among: Iterable<string> = this.#switchable.keys()): Promise<void> {
    for (const id of ids) if (!this.#switchable.has(id)) throw new Error(`There is no index ${id} in the shadow`);
    const changed: { readonly oid: number; readonly on: boolean }[] = [];
    const tables = new Set<number>();
    for (const id of among) {
      const on = ids.has(id);
      const index = this.#switchable.get(id);
      if (index === undefined || on === this.#on.has(id)) continue;
      changed.push(...index.oids.map((oid) => ({ oid, on })));
      for (const oid of index.tableOids) tables.add(oid);
      if (on) this.#on.add(id);
      else this.#on.delete(id);
    }
    if (changed.length === 0) return;
    // Dead to the planner: one that is only not valid is opened and locked for each plan before it is passed over. What a table has is
    // known to each session until the table's own row changes.
    await this.rows(
      `WITH switched AS (
         UPDATE pg_index x SET indislive = c.on FROM unnest($1::oid[], $2::bool[]) c(oid, "on") WHERE x.indexrelid = c.oid)
       UPDATE pg_class SET relpages = relpages WHERE oid = ANY ($3::oid[]) AND relkind IN ('r', 'm')`,
      [changed.map(({ oid }) => oid), changed.map(({ on }) => on), [...tables]],
    );
  }

  async plan(statement: PlannableStatement, detail: PlanDetail = 'plain'): Promise<PlanNode> {
    return await this.#session.plan(statement, detail);
  }

  async planWithoutValues(sql: string): Promise<PlanWithoutValues> {
    return await this.#session.planWithoutValues(sql);
  }

  /** Sets one of the planner's settings for the plans that follow; null takes the target's value. */
  async set(name: string, value: string | null): Promise<void> {
    await this.#planner.query('SELECT set_config($1, $2, false)', [name, value ?? this.#settings[name] ?? null]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#planner.end().catch(() => {});
    await this.#server[Symbol.asyncDispose]();
  }
}

/** Where relations have their files, below the data directory. */
async function relationPaths(server: ShadowServer, oids: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const { rows } = await server.admin.query<{ oid: number; path: string | null }>(
    `SELECT o::int8::float8 AS oid, pg_relation_filepath(o::oid::regclass) AS path FROM unnest($1::oid[]) o`,
    [[...oids]],
  );
  return new Map(rows.flatMap(({ oid, path }) => (path === null ? [] : [[oid, path] as const])));
}

/** Makes the planner believe that relations have these sizes and rows. */
export async function pretend(server: ShadowServer, sizes: readonly PretendedSize[]): Promise<void> {
  const paths = await relationPaths(
    server,
    sizes.map(({ oid }) => oid),
  );
  // Nothing of the pages we are about to write may be in the server's memory, least of all changed.
  await server.admin.query('CHECKPOINT');
  await server.admin.query('SELECT autopilot_shadow.pg_buffercache_evict_all()');
  for (const { oid, pages, level, gin } of sizes) {
    const path = paths.get(oid);
    if (path === undefined) continue;
    // Every B-tree has its metapage, and a root when it has an entry.
    const least = level === null ? 0 : pages > 1 ? level + 2 : 1;
    if (level === null || pages > 1) sizeRelation(server.dataDirectory, path, Math.max(pages, least));
    if (level !== null && pages > 1) heightenBtree(server.dataDirectory, path, level);
    if (gin != null) fillGin(server.dataDirectory, path, pages, gin);
  }
  // After the files: changing the row makes every session forget what it read of them.
  await server.admin.query(
    `UPDATE pg_class c SET relpages = s.pages, reltuples = s.rows, relallvisible = s.visible
     FROM unnest($1::oid[], $2::int[], $3::real[], $4::int[]) s(oid, pages, rows, visible) WHERE c.oid = s.oid`,
    [
      sizes.map(({ oid }) => oid),
      sizes.map(({ statisticsPages }) => statisticsPages),
      sizes.map(({ rows }) => rows),
      sizes.map(({ visiblePages }) => visiblePages),
    ],
  );
}
