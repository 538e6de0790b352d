import type pg from 'pg';
import { ColumnFactsBook } from '../../packages/autopilot/src/planner/column-facts.ts';
import { rolesOf } from '../../packages/autopilot/src/planner/column-roles.ts';
import { measureFidelity } from '../../packages/autopilot/src/planner/fidelity.ts';
import {
  candidateKey,
  candidatesFor,
  hypothetical,
  type IndexCandidate,
} from '../../packages/autopilot/src/planner/index-candidate.ts';
import { unknownJoin } from '../../packages/autopilot/src/planner/older-planner.ts';
import { withValues } from '../../packages/autopilot/src/planner/parameter-values.ts';
import { type PlanNode, planLines } from '../../packages/autopilot/src/planner/plan-tree.ts';
import type { ExplainRow } from '../../packages/autopilot/src/planner/planning-session.ts';
import { withoutSamples } from '../../packages/autopilot/src/planner/private-statistics.ts';
import type { Shadow } from '../../packages/autopilot/src/planner/shadow.ts';
import { buildShadow } from '../../packages/autopilot/src/planner/shadow-build.ts';
import { SqlParser } from '../../packages/autopilot/src/planner/sql-parser.ts';
import { readTargetCatalog, type TargetCatalog } from '../../packages/autopilot/src/planner/target-catalog.ts';
import { TargetSession } from '../../packages/autopilot/src/planner/target-session.ts';
import { readTargetStatistics, type TargetStatistics } from '../../packages/autopilot/src/planner/target-statistics.ts';
import { signatureOf } from '../../packages/autopilot/src/postgres/plan-shape.ts';
import {
  type BenchDatabase,
  benchVersions,
  makeDatabase,
  pickFrom,
  startServer,
  statementsOf,
} from '../databases/bench-database.ts';
import { eventLog } from '../databases/event-log.ts';
import { shop } from '../databases/shop.ts';
import { teamflow } from '../databases/teamflow.ts';
import { type BenchFindings, type BenchGoal, type BenchOptions, type BenchRow, median } from '../result.ts';

/**
 * How faithfully the shadow plans: the same plans and costs as the real server, with the indexes that are there, and with random
 * hypothetical ones against the same indexes really built. On the embedded 18 and on Debian's 15.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  const notes: string[] = [];
  const parser = await SqlParser.load();
  for (const version of benchVersions()) {
    await using server = await startServer(version);
    const figures: Figures[] = [];
    for (const [at, database] of [shop, eventLog, teamflow].entries()) {
      log(`planner: ${database.name} on ${version}`);
      await using made = await makeDatabase(server, database, quick, `bench_${at}`);
      const one = await measure(made, database, quick, parser, log);
      figures.push(one);
      rows.push({
        database: `${database.name} on ${version}`,
        statements: one.compared,
        'same plan %': percent(one.same, one.compared),
        'median cost error %': 100 * one.medianError,
        'worst cost error %': 100 * one.maxError,
        'private: same plan %': percent(one.privateSame, one.privateCompared),
        'private: median cost error %': 100 * one.privateError,
        'indexes built': one.built,
        'declined with': one.declined,
        'same plan with %': percent(one.builtSame, one.built),
        'median error with %': 100 * median(one.builtErrors),
        'worst error with %': 100 * Math.max(0, ...one.builtErrors),
        'shadow built in ms': one.buildMs,
        'EXPLAIN ms': one.explainMs,
      });
      notes.push(...one.notes.map((note) => `${database.name} on ${version}: ${note}`));
    }
    const sum = (of: (one: Figures) => number): number => figures.reduce((total, one) => total + of(one), 0);
    const [same, builtSame] = [
      percent(
        sum(({ same }) => same),
        sum(({ compared }) => compared),
      ),
      percent(
        sum((one) => one.builtSame),
        sum(({ built }) => built),
      ),
    ];
    const worst = Math.max(...figures.map(({ maxError }) => maxError));
    const middle = Math.max(...figures.map(({ medianError }) => medianError));
    const explain = Math.max(...figures.map(({ explainMs }) => explainMs));
    goals.push(
      goal(`${version}: the same plan for at least 98 % of statements`, `${same.toFixed(1)} %`, same >= 98),
      goal(`${version}: costs off by less than 0.1 % in the median`, `${(100 * middle).toFixed(4)} %`, middle < 0.001),
      goal(`${version}: costs off by less than 5 % at worst`, `${(100 * worst).toFixed(2)} %`, worst < 0.05),
      goal(
        `${version}: a hypothetical index plans like the same really built for at least 97 %`,
        `${builtSame.toFixed(1)} %`,
        builtSame >= 97,
      ),
      goal(
        `${version}: a plan under a set of candidates in at most 2 ms, five for each set`,
        `${explain.toFixed(2)} ms`,
        explain <= 2,
      ),
    );
  }
  const tables = quick ? 200 : 1_000;
  log(`planner: a shadow of ${tables} tables`);
  const builtMs = await buildMany(tables);
  goals.push(
    goal(`the shadow of ${tables} tables stands in under 10 s`, `${(builtMs / 1_000).toFixed(1)} s`, builtMs < 10_000),
  );
  return { rows, goals, notes };
}

/** A statement is planned for so many values under each set of candidates. */
const valuesOfSet = 5;

interface Figures {
  readonly compared: number;
  readonly same: number;
  readonly medianError: number;
  readonly maxError: number;
  /** Without a value of a row: the plans that are still the server's for the statement as it stands. */
  readonly privateSame: number;
  readonly privateCompared: number;
  readonly privateError: number;
  readonly built: number;
  readonly builtSame: number;
  /** The advisor says by name that it can't tell what these would cost. */
  readonly declined: number;
  readonly builtErrors: readonly number[];
  readonly buildMs: number;
  readonly explainMs: number;
  readonly notes: readonly string[];
}

async function measure(
  { url, client }: { readonly url: string; readonly client: pg.Client },
  database: BenchDatabase,
  quick: boolean,
  parser: SqlParser,
  log: (line: string) => void,
): Promise<Figures> {
  await using session = await TargetSession.open(url);
  const started = performance.now();
  const catalog = await readTargetCatalog(session);
  const statistics = await readTargetStatistics(session, catalog);
  await using shadow = await buildShadow(catalog, statistics);
  const buildMs = performance.now() - started;
  const book = new ColumnFactsBook(catalog, statistics);
  const statements = statementsOf(database, quick, quick ? 3 : 20);
  const fidelity = await measureFidelity(
    session,
    shadow,
    statements.map((sql) => ({ sql, values: [] })),
  );
  const notes = [...shadow.notes, ...fidelity.refused.map(({ sql, reason }) => `${reason}: ${sql}`)];
  const { worst } = fidelity;
  if (worst !== null && fidelity.maxCostError > 0.05)
    log(
      `  ${(100 * fidelity.maxCostError).toFixed(1)} % off: ${worst.sql}\n    real ${planLines(worst.real).join('\n    ')}\n    ours ${planLines(worst.shadow).join('\n    ')}`,
    );
  for (const { sql, real, shadow: ours } of fidelity.different)
    log(`  other plan: ${sql}\n    real ${signatureOf(real)}\n    ours ${signatureOf(ours)}`);

  const withoutValues = await measurePrivate(catalog, statistics, statements, client, parser);

  // Real indexes are made in a transaction that is rolled back; the session that reads must not stand in their way.
  await session[Symbol.asyncDispose]();
  const thoughtOf = await candidatesOf(statements, shadow, book, parser);
  const pick = pickFrom(7);
  const sample = thoughtOf
    .map((one) => ({ one, at: pick.even(1e9) }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, quick ? 15 : 100);
  const ids = new Map(sample.map(({ one }, at) => [`thought_${at}`, one]));
  const wanted = [];
  for (const [id, { candidate }] of ids) wanted.push(await hypothetical(candidate, id, book, shadow));
  for (const [id, reason] of await shadow.add(wanted)) {
    notes.push(`${id} was refused: ${reason}`);
    ids.delete(id);
  }
  let builtSame = 0;
  let declined = 0;
  const builtErrors: number[] = [];
  const { rows: dropped } = await client.query<{ sql: string }>(
    `SELECT format('DROP INDEX %s', x.indexrelid::regclass) AS sql FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT x.indisunique AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%'`,
  );
  for (const [id, { candidate, sql }] of ids) {
    await shadow.use(new Set([id]));
    const ours = await shadow.plan({ sql, values: [] });
    const thought = wanted.find((one) => one.id === id);
    if (thought === undefined) continue;
    const ddl = thought.ddlOn(thought.table);
    // With no other index that could be dropped: it would rarely be used.
    await client.query(`BEGIN; ${dropped.map((one) => one.sql).join('; ')}; ${ddl}`);
    const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
      `EXPLAIN (FORMAT JSON) ${sql}`,
    );
    await client.query('ROLLBACK');
    const real = rows[0]?.['QUERY PLAN'][0]?.Plan;
    if (real === undefined) continue;
    // The advice names such statements and promises nothing of them.
    const unknown = unknownJoin(ours, catalog.versionNumber);
    if (unknown !== null) {
      declined += 1;
      notes.push(`declined, as the server has no ${unknown} Join: ${sql}`);
      continue;
    }
    builtErrors.push(Math.abs(ours['Total Cost'] / real['Total Cost'] - 1));
    // The server numbers the names of a partition's indexes in the order they are made.
    const [here, there] = [ours, real].map((plan) => signatureOf(plan).replaceAll(/_idx\d+/g, '_idx'));
    if (here === there) builtSame += 1;
    else
      log(
        `  other plan with ${ddl} (${candidate.method}): ${sql}\n    real ${real['Total Cost']} ${signatureOf(real)}\n    ours ${ours['Total Cost']} ${signatureOf(ours)}`,
      );
  }
  const times: number[] = [];
  for (const [at, sql] of statements.slice(0, 100).entries()) {
    await shadow.use(new Set([...ids.keys()].filter((_, place) => (place + at) % 3 === 0)));
    // As the search does, which plans a statement for several values under each set: the first plan has to look at what changed.
    const asked = performance.now();
    for (let value = 0; value < valuesOfSet; value += 1) await shadow.plan({ sql, values: [] });
    times.push((performance.now() - asked) / valuesOfSet);
  }
  const { compared, same, medianCostError, maxCostError } = fidelity;
  return {
    compared,
    same,
    medianError: medianCostError,
    maxError: maxCostError,
    ...withoutValues,
    built: builtErrors.length,
    builtSame,
    declined,
    builtErrors,
    buildMs,
    explainMs: median(times),
    notes,
  };
}

/** The plan of each statement with values from statistics that were replaced, against the real one for the values that stand in it. */
async function measurePrivate(
  catalog: TargetCatalog,
  statistics: TargetStatistics,
  statements: readonly string[],
  client: pg.Client,
  parser: SqlParser,
): Promise<Pick<Figures, 'privateSame' | 'privateCompared' | 'privateError'>> {
  const replaced = withoutSamples(statistics, catalog);
  await using shadow = await buildShadow(catalog, replaced);
  const book = new ColumnFactsBook(catalog, replaced);
  const errors: number[] = [];
  let same = 0;
  for (const sql of statements) {
    const { rows } = await client.query<ExplainRow>(`EXPLAIN (FORMAT JSON) ${sql}`);
    const real = rows[0]?.['QUERY PLAN'][0]?.Plan;
    if (real === undefined) continue;
    try {
      const text = parser.withoutLiterals(sql);
      const { plan, types } = await shadow.planWithoutValues(text);
      const samples = withValues(text, types, rolesOf(plan, parser).parameters, book.statisticsOf);
      const middle = samples[Math.floor(samples.length / 2)];
      if (middle === undefined) continue;
      const ours = await shadow.plan(middle);
      if (signatureOf(ours) === signatureOf(real)) same += 1;
      errors.push(Math.abs(ours['Total Cost'] / real['Total Cost'] - 1));
    } catch {
      // What can't be planned without its literals is as wrong as another plan.
      errors.push(1);
    }
  }
  return { privateSame: same, privateCompared: errors.length, privateError: median(errors) };
}

async function candidatesOf(
  statements: readonly string[],
  shadow: Shadow,
  book: ColumnFactsBook,
  parser: SqlParser,
): Promise<readonly { readonly candidate: IndexCandidate; readonly sql: string }[]> {
  const found = new Map<string, { readonly candidate: IndexCandidate; readonly sql: string }>();
  await shadow.use(new Set());
  for (const sql of statements) {
    const { plan } = await shadow.planWithoutValues(sql);
    for (const roles of rolesOf(plan, parser).tables)
      for (const candidate of candidatesFor(roles, book)) found.set(candidateKey(candidate), { candidate, sql });
  }
  return [...found.values()];
}

async function buildMany(tables: number): Promise<number> {
  await using server = await startServer(18);
  const many: BenchDatabase = {
    name: 'many tables',
    make: async (client) => {
      for (let at = 0; at < tables; at += 100)
        await client.query(
          Array.from(
            { length: 100 },
            (
              _,
              i,
            ) => `CREATE TABLE t${at + i} (id bigint PRIMARY KEY, a int NOT NULL, b text, c timestamptz, d numeric, e jsonb, f boolean, g uuid);
            INSERT INTO t${at + i} SELECT i, i % 7, 'text ' || i, now(), i / 3.0, '{}', true, gen_random_uuid() FROM generate_series(1, 50) i;
            CREATE INDEX ON t${at + i} (a, c); CREATE INDEX ON t${at + i} (b)`,
          ).join(';\n'),
        );
      await client.query('ANALYZE');
    },
    questions: () => [],
  };
  await using made = await makeDatabase(server, many, false, 'many');
  await using session = await TargetSession.open(made.url);
  const started = performance.now();
  const catalog = await readTargetCatalog(session);
  await using _shadow = await buildShadow(catalog, await readTargetStatistics(session, catalog));
  return performance.now() - started;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : (100 * part) / whole;
}

function goal(text: string, measured: string, met: boolean): BenchGoal {
  return { goal: text, measured, met };
}
