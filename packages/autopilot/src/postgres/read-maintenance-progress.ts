import type { ObservedDatabase } from './observed-database.ts';

/** How far a VACUUM or ANALYZE is. */
export interface MaintenanceProgress {
  /** As the server names it: "scanning heap". */
  readonly phase: string;
  /** 0 to 1, estimated: phases are weighed by how long they usually take. */
  readonly ratio: number;
}

/** What each phase begins with and how far it reaches ("VACUUM Phases" and "ANALYZE Phases" in PostgreSQL's manual). */
const phases: Readonly<Record<string, readonly [from: number, to: number]>> = {
  initializing: [0, 0],
  'scanning heap': [0, 0.6],
  'vacuuming indexes': [0.6, 0.75],
  'vacuuming heap': [0.75, 0.95],
  'cleaning up indexes': [0.95, 0.98],
  'truncating heap': [0.98, 0.99],
  'performing final cleanup': [0.99, 1],
  'acquiring sample rows': [0, 0.9],
  'acquiring inherited sample rows': [0, 0.9],
  'computing statistics': [0.9, 0.98],
  'computing extended statistics': [0.98, 0.99],
  'finalizing analyze': [0.99, 1],
  'seq scanning heap': [0, 0.6],
  'writing new heap': [0.6, 0.7],
  'rebuilding index': [0.7, 0.98],
};

/** Of the connection of this name; null: it is at nothing that tells its progress. */
export async function readMaintenanceProgress(
  database: ObservedDatabase,
  connection: string,
): Promise<MaintenanceProgress | null> {
  const [row] = await database.read<{ phase: string; done: number; total: number }>(
    `SELECT phase, done::float8, total::float8 FROM (
       SELECT pid, phase, CASE phase WHEN 'vacuuming heap' THEN heap_blks_vacuumed ELSE heap_blks_scanned END AS done,
         heap_blks_total AS total FROM pg_stat_progress_vacuum
       UNION ALL SELECT pid, phase, sample_blks_scanned, sample_blks_total FROM pg_stat_progress_analyze
       UNION ALL SELECT pid, phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_cluster
     ) p WHERE pid IN (SELECT a.pid FROM pg_stat_activity a WHERE a.application_name = $1)`,
    [connection],
  );
  if (row === undefined) return null;
  const [from, to] = phases[row.phase] ?? [0, 1];
  const within = row.total <= 0 ? 0 : Math.min(1, row.done / row.total);
  return { phase: row.phase, ratio: from + (to - from) * within };
}
