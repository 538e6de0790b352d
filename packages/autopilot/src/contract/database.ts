import type { StatementCaller } from './code-place.ts';
import type { SettingValue } from './configuration.ts';
import type { DatabaseGrowth, IoUse, ReplicationState } from './database-activity.ts';
import type { Frame } from './frame.ts';
import type { AdvisedIndex } from './index-advice.ts';
import type { Page, PoolRow, Timestamp } from './performance.ts';
import type { PoolAdvice } from './pool-advice.ts';
import type { PlanChange } from './statement-plan.ts';

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
  readonly evidence: Readonly<Record<string, SettingValue>>;
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
  /** Values in its longest IN (...); 0: it has none, or from 18 on, where the server does not tell. */
  readonly listValues: number;
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
  /** The numbers of that, by name. */
  readonly evidence: Readonly<Record<string, SettingValue>>;
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
  readonly replication: ReplicationState;
  /** null: the server is older than 16, and does not count it. */
  readonly io: readonly IoUse[] | null;
  /** Worst first. */
  readonly findings: readonly DatabaseFinding[];
  readonly settingsAdvice: readonly SettingAdvice[];
  readonly gaps: readonly DatabaseGap[];
}

/** How the regular reading of a database goes, and what it costs. */
export interface DatabaseCollection {
  /** null: it was not read yet, or another control plane does it. */
  readonly readAt: Timestamp | null;
  /** null: nothing is wrong. */
  readonly trouble: string | null;
  /** Share of all calls that were forgotten by the server before they were read, estimated; null: not known. */
  readonly unseenRatio: number | null;
  /** Of the last minute that was kept; null: none yet. */
  readonly cost: {
    readonly readings: number;
    /** Time of the server, as it counts it itself; 0 without pg_stat_statements. */
    readonly serverMs: number;
    /** Time of the control plane's event loop. */
    readonly processingMs: number;
  } | null;
}

/** A database that is watched. */
export interface WatchedDatabase {
  /** As agents name it: "main". */
  readonly name: string;
  /** null: it can't be reached; `trouble` says why. */
  readonly server: DatabaseServer | null;
  readonly trouble: string | null;
  readonly gaps: readonly DatabaseGap[];
  /** What reading it when somebody asked has cost since the control plane started. */
  readonly cost: { readonly readings: number; readonly durationMs: number };
  readonly collection: DatabaseCollection;
}

/** GET /performance/databases */
export interface WatchedDatabaseList {
  readonly databases: readonly WatchedDatabase[];
  /** Why there is none, say. */
  readonly notes: readonly string[];
}

/** GET /performance/database/analysis */
export interface DatabaseAnalysis extends DatabaseOverview {
  /** The watched database that it is about. */
  readonly name: string;
  /** Pools of the applications, over the last five minutes. */
  readonly pools: readonly PoolRow[];
  readonly poolAdvice: readonly PoolAdvice[];
  readonly growth: DatabaseGrowth;
  readonly cost: WatchedDatabase['cost'];
  readonly collection: DatabaseCollection;
}

/** A statement as the server and the applications know it; null: the one that would know says nothing of it. */
export interface SlowStatement {
  /** Of the application's side, for GET /performance/metrics; null: no agent has reported it. */
  readonly statement: string | null;
  /** Of pg_stat_statements; null: it is not counted there. */
  readonly queryId: string | null;
  readonly text: string;
  readonly role: string | null;
  readonly calls: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly maxMs: number | null;
  /** Of the time all statements took. */
  readonly timeShare: number;
  /** As the applications saw it, within the range. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly rowsPerCall: number | null;
  readonly planMs: number | null;
  readonly bytesReadPerCall: number | null;
  readonly cacheHitRatio: number | null;
  readonly tempBytes: number | null;
  readonly walBytes: number | null;
  /** Time of reading and writing pages; 0 where track_io_timing is off. */
  readonly ioMs: number | null;
  /** Values in the longest IN (...) that it came with; 0: none of hundreds was seen. */
  readonly listValues: number;
  /** Routes that call it, most time first, with how often a request does. */
  readonly routes: readonly StatementCaller[];
  readonly trend: SlowStatementTrend;
  readonly findings: readonly DatabaseFinding[];
}

/** Whether a statement took as long in the last hour as in the eight days before. */
export interface SlowStatementTrend {
  /** `new`: it was not called before; `unknown`: too few calls to say. */
  readonly state: 'steady' | 'slower' | 'faster' | 'new' | 'unknown';
  readonly meanMs: number | null;
  readonly usualMeanMs: number | null;
  /** Pages touched a call: work that does not depend on how busy the machine is. */
  readonly pagesPerCall: number | null;
  readonly usualPagesPerCall: number | null;
  /** The latest change of its plan within a week; null: none was found. */
  readonly planChange: PlanChange | null;
}

/** GET /performance/database/slow-queries */
export interface SlowStatementList {
  readonly name: string;
  readonly thresholdMs: number;
  /** The range that counts and times are of; null: since the server counts. Percentiles and routes are of this range, or the last hour. */
  readonly range: { readonly from: Timestamp; readonly to: Timestamp } | null;
  /** Since when the server counts; null: it does not. */
  readonly countedSince: Timestamp | null;
  /** How often pg_stat_statements had to forget statements; null: not known. */
  readonly evictions: number | null;
  readonly statements: readonly SlowStatement[];
  readonly gaps: readonly DatabaseGap[];
  readonly notes: readonly string[];
  readonly page: Page;
}

/** GET /performance/database/history */
export interface DatabaseHistoryAnswer {
  readonly name: string;
  /** null: of the database as a whole. */
  readonly queryId: string | null;
  readonly table: string | null;
  /** Of the statement, without literals; null: not known, or none was asked for. */
  readonly text: string | null;
  readonly frame: Frame;
  /** By column. */
  readonly units: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/** GET /performance/database/tables */
export interface DatabaseTableList {
  readonly name: string;
  readonly tables: readonly DatabaseTable[];
  readonly gaps: readonly DatabaseGap[];
  readonly page: Page;
}

/** GET /performance/database/indexes */
export interface DatabaseIndexList {
  readonly name: string;
  readonly indexes: readonly DatabaseIndex[];
  /** Indexes that nothing has used and that are not called unused all the same, each with the reason. */
  readonly declined: readonly { readonly index: string; readonly reason: string }[];
  /** Indexes that are not there and should be, as they were worked out last: GET /performance/database/indexes/advice. */
  readonly recommended: readonly AdvisedIndex[];
  /** When that was; null: there was no such advice since the control plane started. */
  readonly advisedAt: Timestamp | null;
  readonly gaps: readonly DatabaseGap[];
  readonly page: Page;
}

/** GET /performance/database/connections */
export interface DatabaseConnections {
  readonly name: string;
  readonly at: Timestamp;
  readonly view: ConnectionsView;
  readonly pools: readonly PoolRow[];
  /** Of the pools that lead to this database, over the last five minutes. */
  readonly poolAdvice: readonly PoolAdvice[];
  readonly findings: readonly DatabaseFinding[];
  readonly gaps: readonly DatabaseGap[];
}
