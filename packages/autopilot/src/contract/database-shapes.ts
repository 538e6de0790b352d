import type * as d from './database.ts';
import { growth, io, replication } from './database-activity-shapes.ts';
import { advisedIndex } from './index-advice-operations.ts';
import { bytes, count, frame, ms, orNull, page, pool, ratio, text, texts, time } from './operations-shapes.ts';
import { poolAdvice } from './pool-advice-shape.ts';
import type { ShapeOf } from './shape.ts';

/** The shapes of what the calls under /performance/database answer; what a field means is said on its type. */

const yes = { kind: 'boolean' } as const;
const number = { kind: 'number' } as const;
const maybeText = orNull(text);
const maybeTime = orNull(time);
const maybeRatio = orNull(ratio);
const maybeMs = orNull(ms);
const maybeBytes = orNull(bytes);
const maybeCount = orNull(count);
const severity = { kind: 'string', values: ['info', 'warning', 'critical'] } as const;
const cost: ShapeOf<d.WatchedDatabase['cost']> = {
  kind: 'object',
  fields: { readings: count, durationMs: ms },
};

const collection: ShapeOf<d.DatabaseCollection> = {
  kind: 'object',
  name: 'DatabaseCollection',
  description: 'How the regular reading goes, and what it costs',
  fields: {
    readAt: maybeTime,
    trouble: maybeText,
    unseenRatio: {
      ...maybeRatio,
      description: 'Calls that the server had forgotten before they were read, of all; estimated',
    },
    cost: orNull({
      kind: 'object',
      fields: { readings: count, serverMs: ms, processingMs: ms },
      description: 'Of the last minute that was kept',
    } as const),
  },
};

const gap: ShapeOf<d.DatabaseGap> = {
  kind: 'object',
  name: 'DatabaseGap',
  description: 'A reading that is missing, or in part, with what to do about it',
  fields: {
    reading: text,
    cause: { kind: 'string', values: ['extension', 'right', 'version', 'setting', 'busy', 'failed'] },
    reason: text,
    remedy: text,
  },
};
const gaps: ShapeOf<readonly d.DatabaseGap[]> = { kind: 'array', of: gap };

const finding: ShapeOf<d.DatabaseFinding> = {
  kind: 'object',
  name: 'DatabaseFinding',
  fields: {
    kind: text,
    severity,
    subject: text,
    message: text,
    remedy: text,
    sql: maybeText,
    evidence: { kind: 'map', of: { kind: 'value' } },
  },
};
export const findings: ShapeOf<readonly d.DatabaseFinding[]> = { kind: 'array', of: finding };

const server: ShapeOf<d.DatabaseServer> = {
  kind: 'object',
  name: 'DatabaseServer',
  fields: {
    database: text,
    version: text,
    versionNumber: count,
    role: text,
    isSuperuser: yes,
    readsAllStatistics: yes,
    readsAllSettings: yes,
    isStandby: yes,
    startedAt: time,
    countedSince: maybeTime,
    sizeBytes: maybeBytes,
    cacheHitRatio: maybeRatio,
    commits: count,
    rollbacks: count,
    deadlocks: count,
    tempFiles: count,
    tempBytes: bytes,
    extensions: { kind: 'map', of: text },
  },
};

const bloat: ShapeOf<d.BloatEstimate | null> = orNull({
  kind: 'object',
  name: 'BloatEstimate',
  fields: { bytes, ratio, method: text },
} as const);

const view: ShapeOf<d.ConnectionsView> = {
  kind: 'object',
  name: 'ConnectionsView',
  fields: {
    maxConnections: count,
    reservedConnections: count,
    connections: count,
    active: count,
    idle: count,
    idleInTransaction: count,
    waitingForLocks: count,
    groups: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: {
          application: text,
          role: text,
          database: text,
          state: text,
          connections: count,
          oldestMs: ms,
          longestInStateMs: ms,
        },
      },
    },
    backends: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: {
          pid: count,
          application: text,
          role: text,
          state: text,
          waitsFor: maybeText,
          transactionMs: maybeMs,
          statementMs: maybeMs,
          inStateMs: maybeMs,
          blockedBy: { kind: 'array', of: count },
          text: maybeText,
        },
      },
    },
  },
};

const table: ShapeOf<d.DatabaseTable> = {
  kind: 'object',
  name: 'DatabaseTable',
  fields: {
    schema: text,
    table: text,
    kind: { kind: 'string', values: ['table', 'partitioned', 'materialized view'] },
    partitionOf: maybeText,
    totalBytes: bytes,
    tableBytes: bytes,
    indexBytes: bytes,
    toastBytes: bytes,
    liveRows: count,
    deadRows: count,
    deadRatio: maybeRatio,
    sequentialScans: count,
    sequentialRowsRead: count,
    indexScans: count,
    rowsInserted: count,
    rowsUpdated: count,
    rowsDeleted: count,
    hotRatio: maybeRatio,
    changedSinceAnalyze: count,
    insertedSinceVacuum: count,
    cacheHitRatio: maybeRatio,
    lastVacuumAt: maybeTime,
    lastAutovacuumAt: maybeTime,
    lastAnalyzeAt: maybeTime,
    lastAutoanalyzeAt: maybeTime,
    vacuums: count,
    autovacuums: count,
    bloat,
    autovacuum: {
      kind: 'object',
      name: 'AutovacuumState',
      fields: {
        enabled: yes,
        vacuumThreshold: count,
        analyzeThreshold: count,
        insertThreshold: maybeCount,
        vacuumProgress: count,
        analyzeProgress: count,
        vacuumDueAt: maybeTime,
      },
    },
    transactionAge: count,
    multixactAge: count,
    growthBytesPerDay: orNull(number),
    hasPrimaryKey: yes,
    options: texts,
    findings,
  },
};

const index: ShapeOf<d.DatabaseIndex> = {
  kind: 'object',
  name: 'DatabaseIndex',
  fields: {
    schema: text,
    table: text,
    index: text,
    method: text,
    columns: texts,
    included: texts,
    condition: maybeText,
    definition: text,
    isUnique: yes,
    isPrimary: yes,
    backsConstraint: yes,
    isValid: yes,
    bytes,
    rows: count,
    scans: count,
    rowsRead: count,
    rowsFetched: count,
    lastScanAt: maybeTime,
    cacheHitRatio: maybeRatio,
    bloat,
    findings,
  },
};

const statement: ShapeOf<d.SlowStatement> = {
  kind: 'object',
  name: 'SlowStatement',
  fields: {
    statement: { ...maybeText, description: 'For GET /performance/metrics; null: no agent has reported it' },
    queryId: { ...maybeText, description: 'Of pg_stat_statements; null: it is not counted there' },
    text,
    role: maybeText,
    calls: count,
    totalMs: ms,
    meanMs: ms,
    maxMs: maybeMs,
    timeShare: ratio,
    p50Ms: maybeMs,
    p95Ms: maybeMs,
    p99Ms: maybeMs,
    rowsPerCall: maybeCount,
    planMs: maybeMs,
    bytesReadPerCall: maybeBytes,
    cacheHitRatio: maybeRatio,
    tempBytes: maybeBytes,
    walBytes: maybeBytes,
    ioMs: maybeMs,
    listValues: count,
    routes: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: {
          route: text,
          callsPerRequest: maybeCount,
          repeats: { ...count, description: 'Requests that sent it ten times or more' },
          callsPerRepeat: { ...maybeCount, description: 'How often those sent it on average' },
          frames: { ...texts, description: 'Where in the application it is sent from, the innermost first' },
          tenants: {
            kind: 'array',
            description: 'Whose requests sent it when it was looked at, a few of them',
            of: { kind: 'object', fields: { tenant: text, name: maybeText } },
          },
        },
      },
    },
    trend: {
      kind: 'object',
      description: 'The last hour against the eight days before',
      fields: {
        state: { kind: 'string', values: ['steady', 'slower', 'faster', 'new', 'unknown'] },
        meanMs: maybeMs,
        usualMeanMs: maybeMs,
        pagesPerCall: maybeCount,
        usualPagesPerCall: maybeCount,
        planChange: orNull({
          kind: 'object',
          description: 'The latest change of its plan within a week',
          fields: { at: time, costBefore: number, cost: number },
        } as const),
      },
    },
    findings,
  },
};

const pools: ShapeOf<d.DatabaseAnalysis['pools']> = { kind: 'array', of: pool };

/** What holds back vacuum. */
export const blockers: ShapeOf<d.DatabaseOverview['vacuumBlockers']> = {
  kind: 'array',
  of: {
    kind: 'object',
    fields: {
      kind: { kind: 'string', values: ['transaction', 'prepared transaction', 'replication slot', 'standby'] },
      name: text,
      age: count,
      sinceAt: maybeTime,
    },
  },
};

/** GET /performance/databases */
export const watchedDatabaseList: ShapeOf<d.WatchedDatabaseList> = {
  kind: 'object',
  name: 'WatchedDatabaseList',
  fields: {
    databases: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'WatchedDatabase',
        fields: { name: text, server: orNull(server), trouble: maybeText, gaps, cost, collection },
      },
    },
    notes: texts,
  },
};

/** GET /performance/database/analysis */
export const databaseAnalysis: ShapeOf<d.DatabaseAnalysis> = {
  kind: 'object',
  name: 'DatabaseAnalysis',
  fields: {
    name: text,
    at: time,
    server,
    connections: view,
    sizes: {
      kind: 'object',
      fields: {
        tables: count,
        indexes: count,
        tableBytes: bytes,
        indexBytes: bytes,
        liveRows: count,
        deadRows: count,
      },
    },
    wraparound: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: {
          database: text,
          transactionAge: count,
          multixactAge: count,
          freezeMaxAge: count,
          usedRatio: ratio,
        },
      },
    },
    sequences: {
      kind: 'array',
      of: {
        kind: 'object',
        fields: {
          schema: text,
          sequence: text,
          column: maybeText,
          lastValue: number,
          maxValue: number,
          usedRatio: number,
        },
      },
    },
    vacuumBlockers: blockers,
    replication,
    io,
    findings,
    settingsAdvice: {
      kind: 'array',
      of: {
        kind: 'object',
        name: 'SettingAdvice',
        fields: {
          setting: text,
          current: text,
          advised: text,
          severity,
          needs: { kind: 'string', values: ['reload', 'restart'] },
          because: text,
          evidence: { kind: 'map', of: { kind: 'value' } },
          effect: text,
          sql: text,
        },
      },
    },
    gaps,
    pools,
    poolAdvice: { kind: 'array', of: poolAdvice },
    growth,
    cost,
    collection,
  },
};

/** GET /performance/database/slow-queries */
export const slowStatementList: ShapeOf<d.SlowStatementList> = {
  kind: 'object',
  name: 'SlowStatementList',
  fields: {
    name: text,
    thresholdMs: ms,
    range: orNull({ kind: 'object', fields: { from: time, to: time } } as const),
    countedSince: maybeTime,
    evictions: maybeCount,
    statements: { kind: 'array', of: statement },
    gaps,
    notes: texts,
    page,
  },
};

/** GET /performance/database/history */
export const databaseHistory: ShapeOf<d.DatabaseHistoryAnswer> = {
  kind: 'object',
  name: 'DatabaseHistory',
  fields: {
    name: text,
    queryId: maybeText,
    table: maybeText,
    text: maybeText,
    frame,
    units: { kind: 'map', of: text },
    notes: texts,
  },
};

/** GET /performance/database/tables */
export const databaseTableList: ShapeOf<d.DatabaseTableList> = {
  kind: 'object',
  name: 'DatabaseTableList',
  fields: { name: text, tables: { kind: 'array', of: table }, gaps, page },
};

/** GET /performance/database/indexes */
export const databaseIndexList: ShapeOf<d.DatabaseIndexList> = {
  kind: 'object',
  name: 'DatabaseIndexList',
  fields: {
    name: text,
    indexes: { kind: 'array', of: index },
    declined: { kind: 'array', of: { kind: 'object', fields: { index: text, reason: text } } },
    recommended: { kind: 'array', of: advisedIndex },
    advisedAt: maybeTime,
    gaps,
    page,
  },
};

/** GET /performance/database/connections */
export const databaseConnections: ShapeOf<d.DatabaseConnections> = {
  kind: 'object',
  name: 'DatabaseConnections',
  fields: {
    name: text,
    at: time,
    view,
    pools,
    poolAdvice: { kind: 'array', of: poolAdvice },
    findings,
    gaps,
  },
};
