import pg from 'pg';
import { messageOf } from '../kernel/errors.ts';
import { ObservedDatabase, OWN_APPLICATION, OWN_MARK } from './observed-database.ts';

/** What the rounds of a database benchmark found: values of each round by measure, or why there are none. */
export interface DatabaseRounds {
  readonly version: string;
  readonly rounds: ReadonlyMap<string, readonly number[] | { readonly leftOut: string }>;
}

/** What {@link measureDatabase} is told. */
export interface DatabaseRoundsOptions {
  /** Only read: the database that is measured. */
  readonly url: string;
  /** Where commits are measured, by a message in the log that no table has; null: they are not. */
  readonly commitUrl: string | null;
  readonly rounds: number;
  readonly roundMs: number;
  readonly connections: number;
  /** Called after each round. */
  readonly onRound: (done: number) => void;
}

const SHORTEST = `SELECT ${OWN_MARK} 1`;
const AGGREGATE = `SELECT ${OWN_MARK} count(*), sum(n % 7) FROM generate_series(1, 100000) AS n`;
const SORT = `SELECT ${OWN_MARK} max(text) FROM (SELECT md5(n::text) AS text FROM generate_series(1, 20000) AS n ORDER BY text) AS sorted`;
/** A transaction that writes to the log and nowhere else: it waits for the disk as every commit does. */
const COMMIT = `SELECT ${OWN_MARK} pg_logical_emit_message(true, 'autopilot benchmark', repeat('x', 256))`;

/**
 * Measures a database without reading or writing a table.
 * @throws AutopilotError AP_DATABASE_UNREACHABLE, AP_DATABASE_REFUSED
 */
export async function measureDatabase(options: DatabaseRoundsOptions): Promise<DatabaseRounds> {
  const { url, commitUrl, rounds, roundMs, connections, onRound } = options;
  await using database = new ObservedDatabase(url, { maxConnections: connections });
  const [server] = await database.read<{ version: string }>("SELECT current_setting('server_version') AS version");
  const found: Readonly<Record<string, number[]>> = { 'round-trip': [], calls: [], aggregate: [], sort: [] };
  let commits: number[] | { readonly leftOut: string } = { leftOut: 'The autopilot has no database of its own.' };
  const commit =
    commitUrl === null ? null : new pg.Client({ connectionString: commitUrl, application_name: OWN_APPLICATION });
  // Unheard, a connection that breaks would end the process; its query fails, and that is how we hear of it.
  commit?.on('error', () => {});
  try {
    try {
      await commit?.connect();
      if (commit !== null) commits = [];
    } catch (error) {
      commits = { leftOut: `Its database can't be reached: ${messageOf(error)}` };
    }
    for (let round = 0; round < rounds; round++) {
      await database.within(async (client) => {
        const ask = (text: string) => async () => void (await client.query(text));
        const trips = await times(roundMs, ask(SHORTEST));
        found['round-trip']?.push(trips.toSorted((a, b) => a - b)[Math.floor(trips.length / 2)] ?? Number.NaN);
        found['aggregate']?.push(mean(await times(roundMs, ask(AGGREGATE))));
        found['sort']?.push(mean(await times(roundMs, ask(SORT))));
      });
      const counts = await Promise.all(
        Array.from({ length: connections }, () =>
          database.within(async (client) => {
            const from = performance.now();
            const done = await times(roundMs, async () => void (await client.query(SHORTEST)));
            return (1000 * done.length) / (performance.now() - from);
          }),
        ),
      );
      found['calls']?.push(counts.reduce((sum, one) => sum + one, 0));
      if (commit !== null && Array.isArray(commits)) {
        try {
          commits.push(mean(await times(roundMs, async () => void (await commit.query(COMMIT)))));
        } catch (error) {
          commits = { leftOut: `Its database refuses it: ${messageOf(error)}` };
        }
      }
      onRound(round + 1);
    }
  } finally {
    await commit?.end().catch(() => {});
  }
  return { version: server?.version ?? 'unknown', rounds: new Map([...Object.entries(found), ['commit', commits]]) };
}

/** How long each of several turns took that fill the time, one at least. */
async function times(forMs: number, act: () => Promise<void>): Promise<number[]> {
  const from = performance.now();
  const taken: number[] = [];
  let now = from;
  do {
    const began = now;
    await act();
    now = performance.now();
    taken.push(now - began);
  } while (now - from < forMs);
  return taken;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
