import { countText, sizeText } from '../../advise/finding.ts';
import type { DatabaseOverview, DatabaseSequence, WraparoundState } from '../../contract/database.ts';
import type { DatabaseGrowth, RunsOut } from '../../contract/database-activity.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { TableTrend } from '../../observe/table-trend.ts';
import type { DiskRoom } from '../../postgres/disk-room.ts';
import type { DatabaseSample } from '../../storage/database-history.ts';
import type { DatabaseWatch } from './database-watch.ts';

const DAY_MS = 86_400_000;
/** Farther ahead nobody looks. */
const MOST_DAYS = 36_500;
/** A pace over less tells of the hour. */
const LEAST_MS = 3_600_000;
const MOST_TOLD = 20;
const WATCHED_MS = 2 * DAY_MS;

/** What growth is reckoned from. */
export interface GrowthFacts {
  readonly database: string;
  readonly sequences: readonly DatabaseSequence[];
  readonly wraparound: readonly WraparoundState[];
  /** By "schema.table". */
  readonly trends: ReadonlyMap<string, TableTrend>;
  readonly samples: readonly DatabaseSample[];
  readonly disk: DiskRoom | null;
}

/** As {@link growthOf}, of a watched database as it was collected; where history is away there is less to tell. */
export async function watchedGrowth(
  watch: DatabaseWatch,
  { server, sequences, wraparound }: Pick<DatabaseOverview, 'server' | 'sequences' | 'wraparound'>,
  now: EpochMs,
): Promise<DatabaseGrowth> {
  const trends = await watch.collector.tableTrends().catch(() => new Map<string, TableTrend>());
  const samples = await watch.history.samples(watch.name, now - WATCHED_MS, now + 1).catch(() => []);
  const disk = await watch.disk();
  return growthOf({ database: server.database, sequences, wraparound, trends, samples, disk }, now);
}

/** How a database grows, and when the disk, a sequence or the identifiers of transactions are used up at that pace. */
export function growthOf(
  { database, sequences, wraparound, trends, samples, disk }: GrowthFacts,
  now: EpochMs,
): DatabaseGrowth {
  const growths = [...trends.values()].flatMap(({ growthBytesPerDay }) => growthBytesPerDay ?? []);
  const bytesPerDay = growths.length === 0 ? null : growths.reduce((sum, one) => sum + one, 0);
  const after = (left: number, perDay: number | null): string | null => {
    const days = perDay === null || perDay <= 0 ? Number.POSITIVE_INFINITY : Math.max(0, left) / perDay;
    return days <= MOST_DAYS ? new Date(now + days * DAY_MS).toISOString() : null;
  };
  const runsOut: RunsOut[] = [];
  if (disk !== null) {
    runsOut.push({
      what: 'the disk',
      usedRatio: Math.min(1, 1 - disk.freeBytes / disk.totalBytes),
      at: after(disk.freeBytes, bytesPerDay),
      because: `${sizeText(disk.freeBytes)} of ${sizeText(disk.totalBytes)} are free${bytesPerDay === null ? '' : `, and tables grow by ${sizeText(Math.max(0, bytesPerDay))} a day`}.`,
    });
  }
  for (const { schema, sequence, column, lastValue, maxValue, usedRatio } of sequences) {
    const table = column?.split('.').slice(0, 2).join('.') ?? '';
    const perDay = trends.get(table)?.insertedRowsPerDay ?? null;
    const at = after(maxValue - lastValue, perDay);
    if (at === null) continue;
    runsOut.push({
      what: `${schema}.${sequence}`,
      usedRatio: Math.min(1, usedRatio),
      at,
      because: `${countText(maxValue - lastValue)} numbers are left, and ${countText(perDay ?? 0)} rows a day are inserted into ${table}.`,
    });
  }
  const own = wraparound.find((one) => one.database === database);
  if (own !== undefined) {
    const perDay = identifiersPerDay(samples);
    // Up to there age is no sign of anything: vacuum freezes when it comes to that.
    const isLate = own.transactionAge > own.freezeMaxAge;
    runsOut.push({
      what: `transaction identifiers of ${database}`,
      usedRatio: own.usedRatio,
      at: isLate ? after(own.transactionAge / own.usedRatio - own.transactionAge, perDay) : null,
      because: `The oldest row was frozen ${countText(own.transactionAge)} transactions ago${perDay === null ? '' : `, ${countText(perDay)} a day are used`}; autovacuum freezes from ${countText(own.freezeMaxAge)} on.`,
    });
  }
  const rank = ({ at }: RunsOut): number => (at === null ? Number.POSITIVE_INFINITY : Date.parse(at));
  return {
    bytesPerDay,
    diskFreeBytes: disk?.freeBytes ?? null,
    runsOut: runsOut.toSorted((a, b) => rank(a) - rank(b) || 0).slice(0, MOST_TOLD),
  };
}

function identifiersPerDay(samples: readonly DatabaseSample[]): number | null {
  const known = samples.filter(({ values }) => values['identifiers'] != null);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return null;
  const used = known.slice(1).reduce((sum, { values }) => sum + (values['identifiers'] ?? 0), 0);
  return (used * DAY_MS) / (last.at - first.at);
}
