import { judgedTables } from '../../advise/database-overview.ts';
import { countText } from '../../advise/finding.ts';
import { maintenanceDue } from '../../advise/maintenance-due.ts';
import { settingsOf } from '../../config/registry.ts';
import type { DatabaseGap } from '../../contract/database.ts';
import type { ObservedDatabase } from '../../postgres/observed-database.ts';
import { readServer, readVacuumBlockers } from '../../postgres/read-server.ts';

/** What `autopilot db maintain` tells: nothing is run from here, as nothing would be journalled. */
export async function maintenanceOf(
  database: ObservedDatabase,
): Promise<{ readonly json: object; readonly lines: readonly string[]; readonly gaps: readonly DatabaseGap[] }> {
  const server = await readServer(database);
  const tables = await judgedTables(database, Date.now());
  const blockers = await readVacuumBlockers(database, 0);
  const { deadRatio } = settingsOf().maintenance;
  const due = tables.value
    .flatMap((table) => maintenanceDue(table, deadRatio) ?? [])
    .sort((a, b) => b.urgency - a.urgency || a.table.localeCompare(b.table));
  const gaps = [...server.gaps, ...blockers.gaps];
  return {
    json: { server: server.value, due, blockers: blockers.value, gaps },
    lines: [
      due.length === 0 ? 'Autovacuum keeps up: nothing is due.' : `Due (${due.length}), the most urgent first:`,
      ...due.flatMap(({ table, reason, sql }) => [`  ${table}: ${reason}`, `      ${sql}`]),
      ...(blockers.value.length === 0 ? [] : ['', 'Rows that these may still see can not be taken:']),
      ...blockers.value.map(({ kind, name, age }) => `  ${kind} ${name}, ${countText(age)} transactions old`),
    ],
    gaps,
  };
}
