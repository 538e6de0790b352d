import type { DatabaseTable } from '../../contract/database.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { TableTrend } from '../../observe/table-trend.ts';

const DAY_MS = 86_400_000;
/** Farther ahead nobody knows. */
const MOST_DAYS = 365;

/** Tables with how they grow, and when autovacuum will come to them. */
export function withTrends(
  tables: readonly DatabaseTable[],
  trends: ReadonlyMap<string, TableTrend>,
  now: EpochMs,
): readonly DatabaseTable[] {
  return tables.map((table) => {
    const trend = trends.get(`${table.schema}.${table.table}`);
    if (trend === undefined) return table;
    const { growthBytesPerDay, deadRowsPerDay } = trend;
    const missing = Math.max(0, table.autovacuum.vacuumThreshold - table.deadRows);
    const days = deadRowsPerDay === null || deadRowsPerDay <= 0 ? Number.POSITIVE_INFINITY : missing / deadRowsPerDay;
    const isKnown = table.autovacuum.enabled && days <= MOST_DAYS;
    const vacuumDueAt = isKnown ? new Date(now + days * DAY_MS).toISOString() : null;
    return { ...table, growthBytesPerDay, autovacuum: { ...table.autovacuum, vacuumDueAt } };
  });
}
