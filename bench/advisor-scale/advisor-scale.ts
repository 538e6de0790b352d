import { readdirSync, readFileSync } from 'node:fs';
import { adviseIndexes } from '../../packages/autopilot/src/advise/index-advisor.ts';
import { type BenchDatabase, makeDatabase, startServer } from '../databases/bench-database.ts';
import type { BenchFindings, BenchGoal, BenchOptions, BenchRow } from '../result.ts';

const tables = 100;
const mostMemoryBytes = 1_000_000_000;
/** Of the workload: the search takes an index away that saves less than a third of 0.3 %. */
const leastBetter = 0.001;

/** A hundred tables that refer to each other, with nothing but primary keys. */
const large = (rows: number): BenchDatabase => ({
  name: 'a hundred tables',
  make: async (client) => {
    for (let at = 0; at < tables; at += 1) {
      await client.query(
        `CREATE TABLE t${at} (id bigint PRIMARY KEY, parent_id bigint${at === 0 ? '' : ` REFERENCES t${at - 1}`}, kind text NOT NULL, state text NOT NULL,
           amount numeric(12,2) NOT NULL, at timestamptz NOT NULL, deleted_at timestamptz, data jsonb)`,
      );
      await client.query(
        `INSERT INTO t${at} SELECT i, 1 + (i * 7) % ${rows}, 'kind' || i % 200, (ARRAY['new','done','done','done'])[1 + i % 4], i % 977,
           timestamptz '2026-01-01' + i * interval '3 minutes', CASE WHEN i % 50 = 0 THEN now() END, jsonb_build_object('a', i % 90) FROM generate_series(1, ${rows}) i`,
      );
    }
    await client.query('VACUUM ANALYZE');
  },
  questions: () => [],
});

/** Two statements for each table, as a server counts them. */
const workload = Array.from({ length: tables }, (_, at) => [
  `SELECT * FROM t${at} WHERE kind = $1 AND state = 'new' AND deleted_at IS NULL ORDER BY at DESC LIMIT 20`,
  at === 0 || at % 3 === 0
    ? `SELECT sum(amount) FROM t${at} WHERE at >= $1 AND at < $2`
    : `SELECT c.id, p.kind FROM t${at} c JOIN t${at - 1} p ON p.id = c.parent_id WHERE p.kind = $1 AND c.amount > $2 ORDER BY c.at`,
])
  .flat()
  .map((sql, at) => ({ sql, calls: 1 + ((at * 37) % 500), totalMs: 10 + ((at * 91) % 3_000), rows: 10_000 }));

/**
 * How the advisor does with 200 statements on 100 tables: the first advice within 10 s and the final one within 60 s, what memory the process
 * and the shadow take together, and how long the database is waited for.
 */
export async function run({ quick, log }: BenchOptions): Promise<BenchFindings> {
  await using server = await startServer(18);
  log('advisor-scale: making the tables');
  await using made = await makeDatabase(server, large(quick ? 3_000 : 30_000), quick, 'scale');
  const rows: BenchRow[] = [];
  const goals: BenchGoal[] = [];
  const saved: number[] = [];
  for (const [name, withinMs, searchMs] of [
    ['first advice', 10_000, 5_000],
    ['final advice', 60_000, quick ? 10_000 : 50_000],
  ] as const) {
    let peakBytes = 0;
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, memoryBytes());
    }, 500);
    const started = performance.now();
    const advice = await adviseIndexes({ url: made.url, workload, searchMs });
    const tookMs = performance.now() - started;
    clearInterval(watch);
    saved.push(advice.savedRatio);
    rows.push({
      advice: name,
      's in all': tookMs / 1_000,
      'ms of the database': advice.targetMs,
      indexes: advice.create.length,
      'saved %': 100 * advice.savedRatio,
      'statements planned': advice.coverage.statements,
      'MB at most': peakBytes / 1e6,
    });
    goals.push(
      {
        goal: `${name} within ${withinMs / 1_000} s`,
        measured: `${(tookMs / 1_000).toFixed(1)} s`,
        met: tookMs <= withinMs,
      },
      {
        goal: `${name}: the database is waited for less than 100 ms`,
        measured: `${advice.targetMs.toFixed(0)} ms`,
        met: advice.targetMs < 100,
      },
      {
        goal: `${name}: under 1 GB of memory`,
        measured: `${(peakBytes / 1e6).toFixed(0)} MB`,
        met: peakBytes < mostMemoryBytes,
      },
    );
  }
  const [first = 0, final = 0] = saved;
  goals.push(
    {
      goal: 'the first advice saves at least nine tenths of what the final one does',
      measured: `${(100 * first).toFixed(1)} of ${(100 * final).toFixed(1)} %`,
      met: first > 0 && first >= 0.9 * final,
    },
    {
      goal: 'more time makes it no worse',
      measured: `${(100 * (final - first)).toFixed(2)} % more saved`,
      met: final >= first - leastBetter,
    },
  );
  return {
    rows,
    goals,
    notes: [
      `${workload.length} statements on ${tables} tables; memory is that of this process and of the shadow's server.`,
    ],
  };
}

/** Of this process and of the processes of shadows, shared pages counted once. */
function memoryBytes(): number {
  let total = process.memoryUsage.rss();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('autopilot-shadow')) continue;
      const [, kilobytes = '0'] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
      total += 1_024 * Number(kilobytes);
    } catch {
      // It has ended, or is another account's.
    }
  }
  return total;
}
