import { nodesOf, type PlanNode } from './plan-tree.ts';
import type { ShadowServer } from './shadow-server.ts';
import type { TargetCatalog } from './target-catalog.ts';

/** Where the shadow of an older server keeps its inverted indexes. */
const ginSpace = 'autopilot_gin';
/** In `cpu_operator_cost`: what 16 and later charge for a page of an inverted index and for finding it; measured, 108 to 147. */
const ginPageOperators = 128;

/**
 * Before 16 a page of a GIN index cost what reading it costs; since then also what is done with it (commit cd9479af2af). The shadow
 * is a later one, so its inverted indexes lie in a tablespace whose pages are that much cheaper to read. Null: the target is no older one.
 */
export async function olderGinSpace(
  server: ShadowServer,
  { versionNumber, settings }: Pick<TargetCatalog, 'versionNumber' | 'settings'>,
): Promise<string | null> {
  if (versionNumber >= 160_000) return null;
  const [page, operator] = [Number(settings['random_page_cost'] ?? 4), Number(settings['cpu_operator_cost'] ?? 0.0025)];
  await server.admin.query('SET allow_in_place_tablespaces = on');
  await server.admin.query(`CREATE TABLESPACE ${ginSpace} LOCATION ''`);
  const cost = Math.max(0, page - ginPageOperators * operator);
  await server.admin.query(`ALTER TABLESPACE ${ginSpace} SET (random_page_cost = ${cost})`);
  return ginSpace;
}

/** Ways to join that came later than 13, with the first version that knows them: no setting turns them off. */
const laterJoins: Readonly<Record<string, number>> = { 'Right Anti': 160_000, 'Right Semi': 180_000 };

/** A way to join in a plan that the server it is made for does not know; null: none. */
export function unknownJoin(plan: PlanNode, versionNumber: number): string | null {
  for (const { 'Join Type': join } of nodesOf(plan))
    if (join !== undefined && (laterJoins[join] ?? 0) > versionNumber) return join;
  return null;
}
