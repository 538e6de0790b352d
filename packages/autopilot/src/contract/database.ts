import type { Timestamp } from './performance.ts';

/** Wire types of what is read from an observed database. Sizes in bytes, ratios 0 to 1, times RFC 3339 in UTC. */

/** Why a reading is missing or only in part there. */
export interface DatabaseGap {
  /** What is missing: "statements", "bloat". */
  readonly reading: string;
  readonly cause: 'extension' | 'right' | 'version' | 'setting' | 'busy' | 'failed';
  readonly reason: string;
  /** What to do about it: a statement to run, or a setting. */
  readonly remedy: string;
}

/** The server that a database is on, and with which rights it is read. */
export interface DatabaseServer {
  readonly database: string;
  /** As the server tells it: "15.18". */
  readonly version: string;
  /** 150018 */
  readonly versionNumber: number;
  readonly role: string;
  readonly isSuperuser: boolean;
  /** Has the rights of pg_read_all_stats: sees what other roles do. */
  readonly readsAllStatistics: boolean;
  /** Has the rights of pg_read_all_settings. */
  readonly readsAllSettings: boolean;
  /** It replays another server's changes. */
  readonly isStandby: boolean;
  readonly startedAt: Timestamp;
  /** Since when the statistics of the database count; null: since it was made. */
  readonly countedSince: Timestamp | null;
  /** null: the role may not connect to it, or may not see it. */
  readonly sizeBytes: number | null;
  /** Of table and index pages, found in shared_buffers; null: none was read. */
  readonly cacheHitRatio: number | null;
  readonly commits: number;
  readonly rollbacks: number;
  readonly deadlocks: number;
  readonly tempFiles: number;
  readonly tempBytes: number;
  /** Extensions installed in the database, with their versions. */
  readonly extensions: Readonly<Record<string, string>>;
}

/** How much a finding matters. */
export type FindingSeverity = 'info' | 'warning' | 'critical';

/** Something that costs time or space, or will, said in words. */
export interface DatabaseFinding {
  /** Stable: "unused-index". */
  readonly kind: string;
  readonly severity: FindingSeverity;
  /** What it is about: "public.tasks", an index, a setting, a backend's pid. */
  readonly subject: string;
  readonly message: string;
  /** What to do, as a sentence. */
  readonly remedy: string;
  /** The statement that does it; null: there is none to run blindly. */
  readonly sql: string | null;
  /** The numbers it rests on, by name. */
  readonly evidence: Readonly<Record<string, number | string | null>>;
}

/** Space that holds nothing any more, estimated. */
export interface BloatEstimate {
  readonly bytes: number;
  /** Of the whole file. */
  readonly ratio: number;
  /** How it was found: an estimate from column widths, or counted. */
  readonly method: string;
}

/** When autovacuum comes to a table, by the settings in force for it. */
export interface AutovacuumState {
  readonly enabled: boolean;
  /** Dead rows from which on it vacuums. */
  readonly vacuumThreshold: number;
  /** Changed rows from which on it analyzes. */
  readonly analyzeThreshold: number;
  /** Inserted rows from which on it vacuums; null: never for inserts. */
  readonly insertThreshold: number | null;
  /** Dead rows as a share of the threshold: over 1 it is due. */
  readonly vacuumProgress: number;
  readonly analyzeProgress: number;
  /** At the rate of late; null: not known yet, or the rows are not becoming dead. */
  readonly vacuumDueAt: Timestamp | null;
}

/** One table. Counts are since `countedSince` of the server. */
export interface DatabaseTable {
  readonly schema: string;
  readonly table: string;
  readonly kind: 'table' | 'partitioned' | 'materialized view';
  /** The partitioned table it is a part of. */
  readonly partitionOf: string | null;
  readonly totalBytes: number;
  readonly tableBytes: number;
  readonly indexBytes: number;
  readonly toastBytes: number;
  readonly liveRows: number;
  readonly deadRows: number;
  /** Of all rows; null: there are none. */
  readonly deadRatio: number | null;
  readonly sequentialScans: number;
  readonly sequentialRowsRead: number;
  readonly indexScans: number;
  readonly rowsInserted: number;
  readonly rowsUpdated: number;
  readonly rowsDeleted: number;
  /** Of the updates, those that touched no index; null: none was made. */
  readonly hotRatio: number | null;
  readonly changedSinceAnalyze: number;
  readonly insertedSinceVacuum: number;
  readonly cacheHitRatio: number | null;
  readonly lastVacuumAt: Timestamp | null;
  readonly lastAutovacuumAt: Timestamp | null;
  readonly lastAnalyzeAt: Timestamp | null;
  readonly lastAutoanalyzeAt: Timestamp | null;
  readonly vacuums: number;
  readonly autovacuums: number;
  /** null: it can't be estimated; the answer's gaps say why. */
  readonly bloat: BloatEstimate | null;
  readonly autovacuum: AutovacuumState;
  /** Transactions since its oldest row was frozen; the server stops writes before 2^31. */
  readonly transactionAge: number;
  readonly multixactAge: number;
  /** Bytes a day it grew of late; null: not known yet. */
  readonly growthBytesPerDay: number | null;
  readonly hasPrimaryKey: boolean;
  /** Settings of its own: autovacuum_vacuum_scale_factor=0.02. */
  readonly options: readonly string[];
  readonly findings: readonly DatabaseFinding[];
}

/** One index. Counts are since `countedSince` of the server. */
export interface DatabaseIndex {
  readonly schema: string;
  readonly table: string;
  readonly index: string;
  readonly method: string;
  /** Key columns in order; an expression as its text. */
  readonly columns: readonly string[];
  /** Columns that it only carries. */
  readonly included: readonly string[];
  /** The condition of a partial index. */
  readonly condition: string | null;
  readonly definition: string;
  readonly isUnique: boolean;
  readonly isPrimary: boolean;
  /** It belongs to a constraint. */
  readonly backsConstraint: boolean;
  readonly isValid: boolean;
  readonly bytes: number;
  readonly rows: number;
  readonly scans: number;
  readonly rowsRead: number;
  readonly rowsFetched: number;
  /** PostgreSQL 16 and later tell. */
  readonly lastScanAt: Timestamp | null;
  readonly cacheHitRatio: number | null;
  readonly bloat: BloatEstimate | null;
  readonly findings: readonly DatabaseFinding[];
}

/** A sequence that can run out. */
export interface DatabaseSequence {
  readonly schema: string;
  readonly sequence: string;
  /** The column it fills: "public.tasks.id"; null: none. */
  readonly column: string | null;
  readonly lastValue: number;
  readonly maxValue: number;
  /** The lower of what the sequence and its column can hold, used up. */
  readonly usedRatio: number;
}

/** What one statement cost since the server counts it, as pg_stat_statements has it. */
export interface StatementStatistics {
  /** pg_stat_statements.queryid, which is a 64-bit number. */
  readonly queryId: string;
  readonly role: string;
  /** Without literals. */
  readonly text: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly deviationMs: number;
  readonly rows: number;
  readonly planMs: number;
  readonly buffersHit: number;
  readonly buffersRead: number;
  readonly buffersDirtied: number;
  readonly tempBuffersRead: number;
  readonly tempBuffersWritten: number;
  readonly readMs: number;
  readonly writeMs: number;
  readonly walBytes: number;
}

/** Connections of one application in one state. */
export interface ConnectionGroup {
  readonly application: string;
  readonly role: string;
  readonly database: string;
  readonly state: string;
  readonly connections: number;
  readonly oldestMs: number;
  /** Of the longest in this state. */
  readonly longestInStateMs: number;
}

/** A backend worth naming: it waits, blocks, or has been at it for long. */
export interface ActiveBackend {
  readonly pid: number;
  readonly application: string;
  readonly role: string;
  readonly state: string;
  /** What it waits for: "Lock: relation". */
  readonly waitsFor: string | null;
  readonly transactionMs: number | null;
  readonly statementMs: number | null;
  readonly inStateMs: number | null;
  readonly blockedBy: readonly number[];
  /** Without literals; null: the role may not see it. */
  readonly text: string | null;
}

/** The server's view of its connections. */
export interface ConnectionsView {
  readonly maxConnections: number;
  /** Kept for superusers and, from 16 on, for roles with pg_use_reserved_connections. */
  readonly reservedConnections: number;
  readonly connections: number;
  readonly active: number;
  readonly idle: number;
  readonly idleInTransaction: number;
  readonly waitingForLocks: number;
  readonly groups: readonly ConnectionGroup[];
  readonly backends: readonly ActiveBackend[];
}

/** What holds rows back from being vacuumed. */
export interface VacuumBlocker {
  readonly kind: 'transaction' | 'prepared transaction' | 'replication slot' | 'standby';
  /** A pid, a slot's or a transaction's name. */
  readonly name: string;
  /** Transactions since its snapshot. */
  readonly age: number;
  readonly sinceAt: Timestamp | null;
}

/** How far the identifiers of a database are used up. */
export interface WraparoundState {
  readonly database: string;
  readonly transactionAge: number;
  readonly multixactAge: number;
  /** From here on autovacuum freezes whatever its settings say. */
  readonly freezeMaxAge: number;
  /** Of 2^31 less the server's reserve, at which it takes no more writes. */
  readonly usedRatio: number;
}

/** Advice on one setting of the server. */
export interface SettingAdvice {
  readonly setting: string;
  /** As SHOW tells it. */
  readonly current: string;
  readonly advised: string;
  readonly severity: FindingSeverity;
  /** What it takes to come into force. */
  readonly needs: 'reload' | 'restart';
  /** What was seen that speaks for it. */
  readonly because: string;
  readonly effect: string;
  readonly sql: string;
}

/** What the advice on settings knows of the machine; null: nobody said, and the server is not on this one. */
export interface DatabaseMachine {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** Everything about a database in one answer, as of one moment. */
export interface DatabaseOverview {
  readonly at: Timestamp;
  readonly server: DatabaseServer;
  readonly connections: ConnectionsView;
  readonly sizes: {
    readonly tables: number;
    readonly indexes: number;
    readonly tableBytes: number;
    readonly indexBytes: number;
    readonly liveRows: number;
    readonly deadRows: number;
  };
  readonly wraparound: readonly WraparoundState[];
  readonly sequences: readonly DatabaseSequence[];
  readonly vacuumBlockers: readonly VacuumBlocker[];
  /** Worst first. */
  readonly findings: readonly DatabaseFinding[];
  readonly settingsAdvice: readonly SettingAdvice[];
  readonly gaps: readonly DatabaseGap[];
}
