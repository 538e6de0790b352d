import pg from 'pg';
import { adviseIndexes } from '../../packages/autopilot/src/advise/index-advisor.ts';
import { type BenchServer, makeDatabase, pickFrom } from '../databases/bench-database.ts';
import { type BenchGoal, type BenchRow, median } from '../result.ts';

/** What is asked of one table, and how often: of a thousand statements so many write. */
const mixes = [
  { name: 'read mostly', writes: 20 },
  { name: 'half and half', writes: 500 },
  { name: 'written mostly', writes: 995 },
] as const;

/** Throughput differs by as much between two runs of the same. */
const noise = 0.03;

type Values = (even: (n: number) => number) => readonly (string | number)[];

const reads: readonly (readonly [sql: string, values: Values])[] = [
  ['SELECT id, value FROM readings WHERE device_id = $1 AND state = $2', (even) => [even(2_000), `state ${even(5)}`]],
  ['SELECT id, at FROM readings WHERE kind = $1 ORDER BY at DESC LIMIT 10', (even) => [`kind ${even(300)}`]],
  ['SELECT count(*) FROM readings WHERE owner_id = $1', (even) => [even(900)]],
  ['SELECT id, value FROM readings WHERE batch = $1 AND value > $2', (even) => [even(400), even(1_000)]],
];
const writes: readonly (readonly [sql: string, values: Values])[] = [
  [
    'INSERT INTO readings (device_id, owner_id, kind, state, batch, value, at) VALUES ($1, $2, $3, $4, $5, $6, now())',
    (even) => [even(2_000), even(900), `kind ${even(300)}`, `state ${even(5)}`, even(400), even(1_000)],
  ],
  ['UPDATE readings SET state = $2, batch = $3 WHERE id = $1', (even) => [even(20_000), `state ${even(5)}`, even(400)]],
];

/**
 * What advice does to a table that is read and written: for three mixes of the same statements the indexes that are advised, and how many
 * statements a second the server answers with them really built and without, in turns, each time on a fresh copy of the table.
 */
export async function onMixedWork(
  server: BenchServer,
  quick: boolean,
  log: (line: string) => void,
): Promise<{ readonly rows: readonly BenchRow[]; readonly goals: readonly BenchGoal[] }> {
  const rowsOfTable = quick ? 20_000 : 100_000;
  await using made = await makeDatabase(
    server,
    { name: 'readings', make: (client) => fill(client, rowsOfTable), questions: () => [] },
    quick,
    'mixed',
  );
  const { client, url } = made;
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  const counts: number[] = [];
  for (const mix of mixes) {
    log(`advisor: a table that is ${mix.name}`);
    await fresh(client, []);
    const workload = [
      ...reads.map(([sql]) => ({
        sql,
        calls: (1_000 - mix.writes) / reads.length,
        rows: (1_000 - mix.writes) / reads.length,
      })),
      ...writes.map(([sql]) => ({ sql, calls: mix.writes / writes.length, rows: mix.writes / writes.length })),
    ].map((one) => ({ ...one, totalMs: one.calls }));
    const { create } = await adviseIndexes({ url, workload, searchMs: 10_000 });
    for (const { ddl } of create) log(`  ${ddl}`);
    counts.push(create.length);
    const without: number[] = [];
    const withThem: number[] = [];
    for (let round = 0; round < (quick ? 2 : 7); round += 1) {
      for (const [ddl, into] of [
        [[], without],
        [create.flatMap(({ steps }) => steps), withThem],
      ] as const) {
        await fresh(client, ddl);
        into.push(await statementsPerSecond(url, mix.writes, round, quick ? 400 : 4_000));
      }
    }
    const ratio = median(withThem) / median(without);
    rows.push({
      workload: `a table, ${mix.name}`,
      indexes: create.length,
      'statements/s without': median(without),
      'statements/s advised': median(withThem),
    });
    goals.push({
      goal: `a table that is ${mix.name}: no fewer statements a second than without the advice`,
      measured: `${ratio.toFixed(3)} x`,
      met: ratio >= 1 - noise,
    });
  }
  const [most = 0, , fewest = 0] = counts;
  goals.push({
    goal: 'a table gets fewer indexes when it is mostly written than when it is mostly read',
    measured: counts.join(', '),
    met: fewest < most,
  });
  return { rows, goals };
}

async function fill(client: pg.Client, rows: number): Promise<void> {
  await client.query(
    `CREATE TABLE made AS SELECT i::bigint AS id, 1 + (i * 7919) % 2000 AS device_id, 1 + (i * 31) % 900 AS owner_id, 'kind ' || 1 + (i * 17) % 300 AS kind,
       'state ' || 1 + i % 5 AS state, 1 + (i * 13) % 400 AS batch, (i * 11) % 1000 AS value,
       timestamptz '2026-01-01' + i * interval '1 minute' AS at FROM generate_series(1, ${rows}) i`,
  );
}

async function fresh(client: pg.Client, ddl: readonly string[]): Promise<void> {
  await client.query(
    `DROP TABLE IF EXISTS readings; CREATE TABLE readings (LIKE made); INSERT INTO readings SELECT * FROM made;
     ALTER TABLE readings ADD PRIMARY KEY (id);
     ALTER TABLE readings ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 10000000)`,
  );
  for (const sql of ddl) await client.query(sql);
  await client.query('VACUUM ANALYZE readings');
  await client.query('CHECKPOINT');
}

/** The same statements in the same order for the same round; prepared, as an application sends them. */
async function statementsPerSecond(
  url: string,
  writesOfThousand: number,
  round: number,
  count: number,
): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const pick = pickFrom(round + 1);
    const even = (n: number): number => pick.even(n);
    const ask = async (): Promise<void> => {
      const kind = even(1_000) <= writesOfThousand ? writes : reads;
      const place = even(kind.length) - 1;
      const [text, values] = kind[place] ?? kind[0] ?? ['', (): readonly [] => []];
      await client.query({ name: `${kind === writes ? 'write' : 'read'} ${place}`, text, values: [...values(even)] });
    };
    for (let at = 0; at < count / 10; at += 1) await ask();
    const started = performance.now();
    for (let at = 0; at < count; at += 1) await ask();
    return (1_000 * count) / (performance.now() - started);
  } finally {
    await client.end();
  }
}
