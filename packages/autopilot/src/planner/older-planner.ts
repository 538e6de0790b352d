import type { GinShape } from './gin-size.ts';
import { nodesOf, type PlanNode } from './plan-tree.ts';
import type { PretendedSize } from './shadow.ts';
import type { ShadowServer } from './shadow-server.ts';
import type { TargetCatalog } from './target-catalog.ts';

/** In `cpu_operator_cost`: what 16 and later charge for a page of an inverted index besides reading it, and for each element looked for. */
const pageOperators = 50;
/** Prices are told apart by so many. */
const stepOperators = 5;
/** Elements in a question: with fewer rows than a page of them in the index, a page is read all the same. */
const usualElements = 2;

/**
 * Before 16 a page of a GIN index cost what reading it costs; since then also what is done with it, and finding each element (commit cd9479af2af). The
 * shadow is a later one, so its inverted indexes lie in tablespaces whose pages are that much cheaper to read: each in one for its shape, as
 * an index with long lists of rows reads more pages for an element than one with short ones.
 */
export class OlderGinSpaces {
  readonly #server: ShadowServer;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #made = new Set<string>();

  private constructor(server: ShadowServer, settings: Readonly<Record<string, string>>) {
    this.#server = server;
    this.#settings = settings;
  }

  /** Null: the target is no older one. */
  static for(
    server: ShadowServer,
    { versionNumber, settings }: Pick<TargetCatalog, 'versionNumber' | 'settings'>,
  ): OlderGinSpaces | null {
    return versionNumber >= 160_000 ? null : new OlderGinSpaces(server, settings);
  }

  /** Moves those of some relations that are inverted indexes. Their files must have no size yet. */
  async move(sizes: readonly PretendedSize[]): Promise<void> {
    const inverted = new Map(sizes.flatMap(({ oid, gin }) => (gin == null ? [] : [[oid, gin] as const])));
    if (inverted.size === 0) return;
    const { rows } = await this.#server.admin.query<{ oid: number; name: string }>(
      `SELECT c.oid::int8::float8 AS oid, c.oid::regclass::text AS name FROM pg_class c WHERE c.oid = ANY ($1::oid[]) AND c.relkind = 'i'`,
      [[...inverted.keys()]],
    );
    for (const { oid, name } of rows) {
      const gin = inverted.get(oid);
      if (gin === undefined) continue;
      await this.#server.admin.query(`ALTER INDEX ${name} SET TABLESPACE ${await this.#spaceFor(gin)}`);
    }
  }

  async #spaceFor(gin: GinShape): Promise<string> {
    const operators = stepOperators * Math.round(operatorsOfPage(gin) / stepOperators);
    const name = `autopilot_gin_${operators}`;
    if (!this.#made.has(name)) {
      const page = Number(this.#settings['random_page_cost'] ?? 4);
      const operator = Number(this.#settings['cpu_operator_cost'] ?? 0.0025);
      await this.#server.admin.query('SET allow_in_place_tablespaces = on');
      await this.#server.admin.query(`CREATE TABLESPACE ${name} LOCATION ''`);
      await this.#server.admin.query(
        `ALTER TABLESPACE ${name} SET (random_page_cost = ${Math.max(0, page - operators * operator)})`,
      );
      this.#made.add(name);
    }
    return name;
  }
}

/** What is charged for an element besides reading its pages, for each of these; in `cpu_operator_cost`. Pages of entries and the way to them count twice. */
export function operatorsOfPage({ entries, entryPages, dataPages }: GinShape): number {
  const entryPagesRead = Math.max(1, Math.round(entryPages ** 0.15));
  const dataPagesRead = Math.max(dataPages / Math.max(1, entries), 1 / usualElements);
  const found = 2 * Math.ceil(Math.log2(Math.max(1, entries))) + pageOperators;
  return (found + pageOperators * (2 * entryPagesRead + dataPagesRead)) / (entryPagesRead + dataPagesRead);
}

/** Ways to join that came later than 13, with the first version that knows them: no setting turns them off. */
const laterJoins: Readonly<Record<string, number>> = { 'Right Anti': 160_000, 'Right Semi': 180_000 };

/** A way to join in a plan that the server it is made for does not know; null: none. */
export function unknownJoin(plan: PlanNode, versionNumber: number): string | null {
  for (const { 'Join Type': join } of nodesOf(plan))
    if (join !== undefined && (laterJoins[join] ?? 0) > versionNumber) return join;
  return null;
}
