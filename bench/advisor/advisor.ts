import type pg from 'pg';
import { adviseIndexes } from '../../packages/autopilot/src/advise/index-advisor.ts';
import { benchVersions, makeDatabase, startServer, statementsOf } from '../databases/bench-database.ts';
import { eventLog } from '../databases/event-log.ts';
import { shop } from '../databases/shop.ts';
import { teamflow } from '../databases/teamflow.ts';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';
import { againstExhaustive } from './exhaustive.ts';
import { hypopgChoice } from './hypopg-choice.ts';
import { onMixedWork } from './mixed.ts';

/**
 * What the advisor's choice is worth: each workload really run with the indexes really built, against no secondary index, every foreign
 * key indexed, the set made by hand, and what supabase/index_advisor would choose; then one table read and written, with and without the
 * advice.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  const notes: string[] = [];
  // HypoPG is packaged for Debian's server only.
  const version = benchVersions().at(-1) ?? 18;
  await using server = await startServer(version);
  for (const [at, database] of [shop, eventLog, teamflow].entries()) {
    log(`advisor: ${database.name} on ${version}`);
    await using made = await makeDatabase(server, database, quick, `advised_${at}`);
    const { client, url } = made;
    // What is learned from is another draw of values than what is run.
    const all = statementsOf(database, quick, quick ? 10 : 40);
    const half = Math.floor(all.length / 2);
    const [learned, asked] = [all.slice(0, half), all.slice(half)];
    const handMade = await secondaryIndexes(client);
    await client.query(handMade.map(({ name }) => `DROP INDEX ${name}`).join(';'));
    const handBytes = handMade.reduce((total, { bytes }) => total + bytes, 0);

    if (database === shop) {
      const small = await againstExhaustive(url, learned.slice(0, 5));
      goals.push(
        goal(
          `${database.name}: within 2 % of the best of all subsets of ${small.candidates} candidates`,
          `${(100 * (small.chosen / small.best - 1)).toFixed(2)} % above`,
          small.chosen <= 1.02 * small.best,
        ),
      );
    }
    const variants = new Map<string, readonly string[]>([['no index', []]]);
    const started = performance.now();
    const advice = await adviseIndexes({
      url,
      workload: learned.join(';\n'),
      budgetBytes: handBytes,
      mostPerTable: 8,
      searchMs: 30_000,
    });
    const adviceMs = performance.now() - started;
    notes.push(
      `${database.name}: advice from ${learned.length} statements in ${(adviceMs / 1_000).toFixed(1)} s, ${advice.targetMs.toFixed(0)} ms of it on the target; ${advice.fidelity.same} of ${advice.fidelity.compared} plans the same.`,
    );
    variants.set('foreign keys', await foreignKeyIndexes(client));
    variants.set(
      'by hand',
      handMade.map(({ ddl }) => ddl),
    );
    const peer = await hypopgChoice(client, learned);
    if (peer !== null) variants.set('supabase/index_advisor', peer);
    variants.set(
      'advised',
      advice.create.flatMap(({ steps }) => steps),
    );

    const times = new Map<string, { readonly ms: number; readonly bytes: number; readonly each: readonly number[] }>();
    for (const [name, ddl] of variants) {
      for (const sql of ddl) await client.query(sql);
      await client.query('CHECKPOINT');
      const each = await runAll(client, asked, quick ? 2 : 3);
      const built = await secondaryIndexes(client);
      const bytes = built.reduce((total, one) => total + one.bytes, 0);
      if (name === 'advised') for (const line of sizesOf(advice.create, built)) log(line);
      const ms = each.reduce((total, one) => total + one, 0);
      times.set(name, { ms, bytes, each });
      rows.push({
        workload: `${database.name}: ${name}`,
        indexes: ddl.filter((sql) => !/ATTACH PARTITION/.test(sql)).length,
        'MB of indexes': bytes / 1e6,
        'workload ms': ms,
      });
      const drop = built.map((one) => `DROP INDEX ${one.name}`);
      if (drop.length > 0) await client.query(drop.join(';'));
    }
    const [hand, ours] = [times.get('by hand'), times.get('advised')];
    if (hand === undefined || ours === undefined) continue;
    slowest(asked, ours.each, hand.each, log);
    const best = Math.min(...[...times].flatMap(([name, { ms }]) => (name === 'advised' ? [] : ms)));
    goals.push(
      goal(
        `${database.name}: at most 1.05 x the time of the set made by hand`,
        `${(ours.ms / hand.ms).toFixed(3)} x`,
        ours.ms <= 1.05 * hand.ms,
      ),
      goal(
        `${database.name}: with at most its storage`,
        `${(ours.bytes / 1e6).toFixed(1)} of ${(hand.bytes / 1e6).toFixed(1)} MB`,
        ours.bytes <= hand.bytes,
      ),
      goal(
        `${database.name}: not worse than any peer`,
        `${(ours.ms / best).toFixed(3)} x the best of them`,
        ours.ms <= 1.05 * best,
      ),
    );
  }
  const mixed = await onMixedWork(server, quick, log);
  return { rows: [...rows, ...mixed.rows], goals: [...goals, ...mixed.goals], notes };
}

interface RealIndex {
  readonly name: string;
  readonly ddl: string;
  readonly bytes: number;
}

/** Every index that enforces nothing; a partitioned one with its parts. */
async function secondaryIndexes(client: pg.Client): Promise<readonly RealIndex[]> {
  const { rows } = await client.query<RealIndex>(
    `SELECT x.indexrelid::regclass::text AS name, replace(pg_get_indexdef(x.indexrelid), ' ON ONLY ', ' ON ') AS ddl,
       coalesce((SELECT sum(pg_relation_size(t.relid)) FROM pg_partition_tree(x.indexrelid) t), pg_relation_size(x.indexrelid))::float8 AS bytes
     FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT x.indisunique AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%'`,
  );
  return rows;
}

/** Each advised index with the size that was expected, and that which it has. */
function sizesOf(
  create: readonly { readonly ddl: string; readonly bytes: number }[],
  built: readonly RealIndex[],
): readonly string[] {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return create.map(({ ddl, bytes }) => {
    const name = /"((?:[^"]|"")*)"/.exec(ddl)?.[1] ?? '';
    const real = built.find((one) => one.name.replaceAll('"', '').split('.').at(-1) === name);
    return `  ${megabytes(bytes)} MB expected, ${real === undefined ? '?' : megabytes(real.bytes)} built: ${ddl}`;
  });
}

/** An index on every foreign key that no index begins with. */
async function foreignKeyIndexes(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ ddl: string }>(
    `SELECT DISTINCT format('CREATE INDEX ON %s (%s)', k.conrelid::regclass,
       (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.at) FROM unnest(k.conkey) WITH ORDINALITY u(number, at)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number)) AS ddl
     FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
     WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname NOT LIKE 'pg\\_%'
       AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = k.conrelid AND (x.indkey::int2[])[0:cardinality(k.conkey) - 1] = k.conkey)`,
  );
  return rows.map(({ ddl }) => ddl);
}

/** The best time of each statement in ms; what writes is rolled back. */
async function runAll(client: pg.Client, statements: readonly string[], rounds: number): Promise<readonly number[]> {
  const best = statements.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, sql] of statements.entries()) {
      const writes = !/^(?:SELECT|WITH)/.test(sql);
      if (writes) await client.query('BEGIN');
      const started = performance.now();
      await client.query(sql);
      best[at] = Math.min(best[at] ?? 0, performance.now() - started);
      if (writes) await client.query('ROLLBACK');
    }
  }
  return best;
}

/** Tells where the advised set loses most against the one made by hand. */
function slowest(
  statements: readonly string[],
  ours: readonly number[],
  hand: readonly number[],
  log: (line: string) => void,
): void {
  const lost = statements.map((sql, at) => ({ sql, ours: ours[at] ?? 0, hand: hand[at] ?? 0 }));
  for (const one of lost.toSorted((a, b) => b.ours - b.hand - a.ours + a.hand).slice(0, 4))
    log(`  ${one.ours.toFixed(2)} ms for ${one.hand.toFixed(2)} by hand: ${one.sql}`);
}

function goal(text: string, measured: string, met: boolean): BenchGoal {
  return { goal: text, measured, met };
}
