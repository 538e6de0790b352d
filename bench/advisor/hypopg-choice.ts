import type pg from 'pg';
import { indexesOf, type PlanNode } from '../../packages/autopilot/src/planner/plan-tree.ts';

/**
 * What supabase/index_advisor (index_advisor 0.2) would choose: for each statement a hypothetical index on every column of its tables that none leads
 * yet, by HypoPG; those that the plan uses are its advice, and the workload's advice is all of them. It plans without values where we
 * give it the statement as it stands, which is in its favour. Null: HypoPG is not on the server.
 */
export async function hypopgChoice(
  client: pg.Client,
  statements: readonly string[],
): Promise<readonly string[] | null> {
  try {
    await client.query('CREATE EXTENSION IF NOT EXISTS hypopg SCHEMA public');
  } catch {
    return null;
  }
  const { rows: columns } = await client.query<{ table: string; name: string; sql: string }>(
    `SELECT c.relname AS table, a.attname AS name, format('CREATE INDEX ON %I.%I USING btree (%I)', n.nspname, c.relname, a.attname) AS sql
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname NOT LIKE 'pg\\_%'
       AND n.nspname <> 'information_schema'
       AND EXISTS (SELECT FROM pg_opclass o WHERE o.opcmethod = 403 AND o.opcdefault AND o.opcintype = a.atttypid)
       AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indkey[0] = a.attnum)`,
  );
  const chosen = new Set<string>();
  for (const sql of statements) {
    await client.query('SELECT public.hypopg_reset()');
    const mentioned = columns.filter(({ table, name }) => sql.includes(table) && sql.includes(name));
    const byName = new Map<string, string>();
    for (const { sql: ddl } of mentioned) {
      const { rows } = await client.query<{ name: string }>(
        'SELECT indexname AS name FROM public.hypopg_create_index($1)',
        [ddl],
      );
      const [made] = rows;
      if (made !== undefined) byName.set(made.name, ddl);
    }
    const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
      `EXPLAIN (FORMAT JSON) ${sql}`,
    );
    const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
    if (plan === undefined) continue;
    for (const name of indexesOf(plan)) {
      const ddl = byName.get(name);
      if (ddl !== undefined) chosen.add(ddl);
    }
  }
  await client.query('SELECT public.hypopg_reset()');
  return [...chosen];
}
