import type {
  DatabaseFinding,
  DatabaseGap,
  DatabaseIndex,
  DatabaseMachine,
  DatabaseOverview,
  DatabaseServer,
  DatabaseTable,
} from '../contract/database.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { ObservedDatabase } from '../postgres/observed-database.ts';
import { readIo, readReplication } from '../postgres/read-activity.ts';
import { readConnections } from '../postgres/read-connections.ts';
import { readIndexes, readUnindexedForeignKeys, readUnvalidatedConstraints } from '../postgres/read-indexes.ts';
import { connectedStandbys, readReplicaScans } from '../postgres/read-replica.ts';
import { readSequences } from '../postgres/read-sequences.ts';
import { grants, readServer, readVacuumBlockers, readWraparound } from '../postgres/read-server.ts';
import { readSettings } from '../postgres/read-settings.ts';
import { readTables } from '../postgres/read-tables.ts';
import { type Reading, readOr } from '../postgres/reading.ts';
import { ServerShape } from '../postgres/server-shape.ts';
import { worstFirst } from './finding.ts';
import { indexFindings, nameOf } from './index-findings.ts';
import {
  BLOCKER_MIN_AGE,
  blockerFindings,
  connectionFindings,
  constraintFindings,
  foreignKeyFindings,
  observedMs,
  sequenceFindings,
  slotFindings,
  transactionFindings,
  wraparoundFindings,
} from './server-findings.ts';
import { settingsAdvice } from './settings-advice.ts';
import { tableFindings } from './table-findings.ts';

/** What a look at a database is told beside its address. */
export interface LookOptions {
  readonly now: EpochMs;
  /** Of the server; null: not known. */
  readonly machine?: DatabaseMachine | null;
  /** Other servers that are watched: those that are its standbys use indexes too. */
  readonly others?: readonly ObservedDatabase[];
}

/** Tables with their findings; those on foreign keys stand at the table that has them. */
export async function judgedTables(
  database: ObservedDatabase,
  now: EpochMs,
): Promise<Reading<readonly DatabaseTable[]>> {
  const shape = await ServerShape.read(database);
  const { value, gaps } = await readTables(database, shape);
  const keys = Map.groupBy(foreignKeyFindings(await readUnindexedForeignKeys(database)), ({ subject }) => subject);
  return {
    value: value.map((table) => ({
      ...table,
      findings: worstFirst([...tableFindings(table, now), ...(keys.get(`${table.schema}.${table.table}`) ?? [])]),
    })),
    gaps,
  };
}

/** Indexes with their findings. `tables` tell what each index has to be kept up for, `others` which servers may be its standbys. */
export async function judgedIndexes(
  database: ObservedDatabase,
  server: DatabaseServer,
  tables: readonly DatabaseTable[],
  now: EpochMs,
  others: readonly ObservedDatabase[] = [],
): Promise<Reading<readonly DatabaseIndex[]>> {
  const shape = await ServerShape.read(database);
  const { value: counted, gaps } = await readIndexes(database, shape);
  const standbys = await readOr({ reading: 'standbys', rightRemedy: grants.statistics(server.role) }, 0, () =>
    connectedStandbys(database),
  );
  const asked = server.isStandby
    ? []
    : await Promise.all(others.map((other) => readReplicaScans(database, server, other)));
  const replicas = asked.filter((one) => one !== null);
  const value = counted.map((index) => ({
    ...index,
    scans: replicas.reduce((sum, { scans }) => sum + (scans.get(nameOf(index)) ?? 0), index.scans),
  }));
  const findings = indexFindings(value, {
    observedMs: Math.min(...[server, ...replicas.map((one) => one.server)].map((one) => observedMs(one, now))),
    writes: new Map(
      tables.map((one) => [
        `${one.schema}.${one.table}`,
        one.rowsInserted + one.rowsUpdated * (1 - (one.hotRatio ?? 0)),
      ]),
    ),
    servers: 1 + replicas.length,
    // What a standby does not use its primary may: nothing is said of it there.
    unseenStandbys: server.isStandby ? 1 : Math.max(0, standbys.value - replicas.length),
  });
  return {
    value: value.map((index) => ({ ...index, findings: worstFirst(findings.get(nameOf(index)) ?? []) })),
    gaps: [...gaps, ...standbys.gaps],
  };
}

/** A look at everything: what is there, what is wrong with it, and what could not be seen. Cost: about 0.2 s for 1,000 tables. */
export async function overviewOf(
  database: ObservedDatabase,
  { now, machine = null, others = [] }: LookOptions,
): Promise<
  DatabaseOverview & { readonly tables: readonly DatabaseTable[]; readonly indexes: readonly DatabaseIndex[] }
> {
  const shape = await ServerShape.read(database);
  const server = await readServer(database);
  const connections = await readConnections(database);
  const tables = await judgedTables(database, now);
  const indexes = await judgedIndexes(database, server.value, tables.value, now, others);
  const sequences = await readSequences(database, server.value.role);
  const wraparound = await readWraparound(database);
  const blockers = await readVacuumBlockers(database, 0);
  const settings = await readSettings(database, shape);
  const replication = await readReplication(database);
  const io = await readIo(database, shape);
  const findings: DatabaseFinding[] = [
    ...wraparoundFindings(wraparound),
    ...connectionFindings(connections),
    ...blockerFindings(blockers.value, now),
    ...slotFindings(settings),
    ...sequenceFindings(sequences.value),
    ...constraintFindings(await readUnvalidatedConstraints(database)),
    ...transactionFindings(server.value, observedMs(server.value, now)),
    ...tables.value.flatMap((table) => table.findings),
    ...indexes.value.flatMap((index) => index.findings),
  ];
  const sum = <T>(rows: readonly T[], of: (row: T) => number): number => rows.reduce((all, row) => all + of(row), 0);
  return {
    at: new Date(now).toISOString(),
    server: server.value,
    connections,
    sizes: {
      tables: tables.value.length,
      indexes: indexes.value.length,
      tableBytes: sum(tables.value, ({ totalBytes, indexBytes }) => totalBytes - indexBytes),
      indexBytes: sum(indexes.value, ({ bytes }) => bytes),
      liveRows: sum(tables.value, ({ liveRows }) => liveRows),
      deadRows: sum(tables.value, ({ deadRows }) => deadRows),
    },
    wraparound,
    sequences: sequences.value.slice(0, 50),
    vacuumBlockers: blockers.value.filter(({ age }) => age >= BLOCKER_MIN_AGE),
    replication,
    io,
    findings: worstFirst(findings),
    settingsAdvice: settingsAdvice({
      reading: settings,
      server: server.value,
      observedMs: observedMs(server.value, now),
      machine,
    }),
    gaps: unique([...server.gaps, ...tables.gaps, ...indexes.gaps, ...sequences.gaps, ...blockers.gaps]),
    tables: tables.value,
    indexes: indexes.value,
  };
}

/** Tables and indexes lack the same rights: once is enough. */
export function unique(gaps: readonly DatabaseGap[]): readonly DatabaseGap[] {
  return [...new Map(gaps.map((gap) => [`${gap.reading}\n${gap.reason}`, gap])).values()];
}
