import pg from 'pg';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { MemoryJournal } from '../../packages/autopilot/src/storage/memory/memory-journal.ts';
import type { Trial } from '../../packages/autopilot/src/storage/ports.ts';
import { hasEnded } from '../../packages/autopilot/src/storage/trial-refusals.ts';
import { type Actuator, type Change, Orders } from '../../packages/autopilot/src/tune/orders.ts';
import { aboutOf } from '../../packages/autopilot/src/tune/trial-about.ts';
import type { StatementUse } from '../../packages/autopilot/src/tune/trial-judgement.ts';
import { TrialRunner } from '../../packages/autopilot/src/tune/trial-runner.ts';
import { until } from '../../test/support/until.ts';

/** A change that does nothing, judged. */
export interface NothingTried {
  readonly statement: string;
  readonly verdict: string;
  readonly effect: number | null;
  readonly seconds: number;
}

/** Does nothing, and says it did. */
const nothing: Actuator<Change, void> = {
  kind: 'nothing',
  describe: () => ({}),
  plan: () => Promise.resolve({}),
  apply: () => Promise.resolve(),
  undo: () => Promise.resolve(),
  heal: () => Promise.resolve('applied'),
};

/** So many at once, each of other statements. */
const BESIDE = 2;
/** Statements that are looked at, of those with most calls. */
const STATEMENTS = 16;
const LONGEST_MS = 200_000;

/** Tries changes that do nothing on statements of a database that is under load. */
export async function changesOfNothing(
  url: string,
  wanted: number,
  log: (line: string) => void,
): Promise<readonly NothingTried[]> {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const journal = new MemoryJournal();
  const onTrouble = (message: string): void => log(`A/A: ${message}`);
  const orders = new Orders({ journal, actuators: [nothing], guards: [], onTrouble });
  const runner = new TrialRunner({
    journal,
    orders,
    actuators: [nothing],
    clock: systemClock,
    counters: (_database, statements) => countersOf(pool, statements),
    routes: () => Promise.resolve({}),
    vitals: () => Promise.resolve(null),
    instances: () => [],
    times: () => ({ sampleMs: 1_000, baselineMs: 10_000, minMs: 12_000, maxMs: 20_000 }),
    rules: () => ({ blockMs: 1_000, blockCalls: 10, leastBlocks: 12, alpha: 0.01, leastEffect: 0.05 }),
    leads: () => true,
    onEnd: () => {},
    onTrouble,
  });
  runner.start();
  try {
    const statements = await busiest(pool);
    const tried: NothingTried[] = [];
    for (let from = 0; tried.length < wanted; from += BESIDE) {
      const some = Array.from({ length: Math.min(BESIDE, wanted - tried.length) }, (_, at) => {
        const one = statements[(from + at) % statements.length];
        if (one === undefined) throw new Error('No statement is called often enough.');
        return one;
      });
      const controls = statements.filter((one) => !some.includes(one)).map(({ id }) => id);
      tried.push(...(await Promise.all(some.map((one) => tryNothing(runner, journal, one, controls)))));
      log(`A/A: ${tried.length} of ${wanted}, ${tried.at(-1)?.verdict ?? ''}`);
    }
    return tried;
  } finally {
    await runner.stop();
    await pool.end();
  }
}

async function tryNothing(
  runner: TrialRunner,
  journal: MemoryJournal,
  { id, text }: { readonly id: string; readonly text: string },
  controls: readonly string[],
): Promise<NothingTried> {
  const beganMs = performance.now();
  const proposed = await runner.propose({
    change: { service: 'teamflow', kind: 'nothing', subject: 'Nothing', author: 'bench', origin: 'person' },
    scope: `statement ${id}`,
    about: {
      category: 'nothing',
      recommendation: id,
      database: 'main',
      question: { affected: [id], controls },
      texts: { [id]: text },
      predicted: { effect: 1, low: 1, high: 1, savedMsPerHour: 0, learntFrom: 0 },
    },
  });
  const ended = await until(
    LONGEST_MS,
    () => journal.read(proposed.id),
    (trial): trial is Trial => trial !== null && hasEnded(trial.state),
  );
  const judgement = ended === null ? null : (aboutOf(ended)?.judgement ?? null);
  return {
    statement: text,
    verdict: judgement?.verdict ?? ended?.state ?? 'none',
    effect: judgement?.effect ?? null,
    seconds: Math.round((performance.now() - beganMs) / 1000),
  };
}

async function busiest(pool: pg.Pool): Promise<readonly { readonly id: string; readonly text: string }[]> {
  const { rows } = await pool.query<{ id: string; text: string }>(
    `SELECT queryid::text AS id, min(query) AS text FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = current_database() AND query ILIKE 'select%"teamflow"%' GROUP BY queryid
     ORDER BY sum(calls) DESC LIMIT $1`,
    [STATEMENTS],
  );
  return rows;
}

async function countersOf(pool: pg.Pool, statements: readonly string[]): Promise<ReadonlyMap<string, StatementUse>> {
  const { rows } = await pool.query<StatementUse & { id: string }>(
    `SELECT queryid::text AS id, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS "totalMs",
       sum(shared_blks_hit + shared_blks_read)::float8 AS buffers
     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = current_database() AND queryid::text = ANY ($1) GROUP BY queryid`,
    [statements],
  );
  return new Map(rows.map(({ id, calls, totalMs, buffers }) => [id, { calls, totalMs, buffers }]));
}
