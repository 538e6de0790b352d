import type {
  DatabaseAnalysis,
  DatabaseConnections,
  DatabaseHistoryAnswer,
  DatabaseIndexList,
  DatabaseTableList,
  SlowStatementList,
  WatchedDatabaseList,
} from './database.ts';
import type { DatabaseMaintenance } from './database-maintenance.ts';
import { databaseMaintenance } from './database-maintenance-shapes.ts';
import * as answer from './database-shapes.ts';
import type { ErrorCode } from './error-table.ts';
import { job } from './load-test-shapes.ts';
import type { Job } from './load-tests.ts';
import type { Operation } from './operations.ts';
import { cursor, from, limit, name, optional, service, to } from './operations-parameters.ts';
import type { FieldsOf } from './shape.ts';
import type { MeasuredPlan, StatementPlan } from './statement-plan.ts';
import { measuredPlan, statementPlan } from './statement-plan-shapes.ts';

/** Which database a call is about. */
export interface DatabaseQuery {
  /** Whose pools, routes and percentiles. */
  readonly service?: string;
  /** A watched database by its name; default: the first. */
  readonly database?: string;
}

/** Parameters of lists of tables and indexes. */
export interface DatabaseListQuery extends DatabaseQuery {
  /** Only with findings. */
  readonly findings?: boolean;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /performance/database/tables. */
export interface DatabaseTablesQuery extends DatabaseListQuery {
  /** One table alone, its bloat counted: "public.tasks". */
  readonly exact?: string;
}

/** What statements can be sorted by; most first. */
export type SlowStatementSort = 'totalMs' | 'meanMs' | 'p95Ms' | 'calls' | 'tempBytes' | 'walBytes';
/** Names that the list of statements can be sorted by. */
export const slowStatementSorts: readonly SlowStatementSort[] = [
  'totalMs',
  'meanMs',
  'p95Ms',
  'calls',
  'tempBytes',
  'walBytes',
];

/** Parameters of GET /performance/database/slow-queries. */
export interface SlowStatementsQuery extends DatabaseQuery {
  /** Statements that take so long on average, or in one call of twenty; default 100. 0: all. */
  readonly thresholdMs?: number;
  /** Default totalMs. */
  readonly sort?: SlowStatementSort;
  /** With either, what happened in this range; without, in the last hour where it was watched, else since the server counts. */
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Parameters of GET /performance/database/plan. */
export interface StatementPlanQuery extends DatabaseQuery {
  readonly queryId: string;
}

/** Parameters of GET /performance/database/history. */
export interface DatabaseHistoryQuery {
  readonly database?: string;
  /** Of one statement; or else */
  readonly queryId?: string;
  /** of one table, with its schema; default: the database as a whole. */
  readonly table?: string;
  readonly from?: string;
  readonly to?: string;
}

/** The types of the calls about databases, by operationId. */
export interface DatabaseOperationTypes {
  readonly listDatabases: { readonly query: object; readonly answer: WatchedDatabaseList };
  readonly getDatabaseAnalysis: { readonly query: DatabaseQuery; readonly answer: DatabaseAnalysis };
  readonly listSlowQueries: { readonly query: SlowStatementsQuery; readonly answer: SlowStatementList };
  readonly getDatabaseHistory: { readonly query: DatabaseHistoryQuery; readonly answer: DatabaseHistoryAnswer };
  readonly getStatementPlan: { readonly query: StatementPlanQuery; readonly answer: StatementPlan };
  readonly measureStatementPlan: { readonly query: DatabaseQuery; readonly answer: MeasuredPlan };
  readonly getDatabaseMaintenance: { readonly query: DatabaseQuery; readonly answer: DatabaseMaintenance };
  readonly analyzeTables: { readonly query: DatabaseQuery; readonly answer: Job };
  readonly vacuumTables: { readonly query: DatabaseQuery; readonly answer: Job };
  readonly listDatabaseTables: { readonly query: DatabaseTablesQuery; readonly answer: DatabaseTableList };
  readonly listDatabaseIndexes: { readonly query: DatabaseListQuery; readonly answer: DatabaseIndexList };
  readonly getDatabaseConnections: { readonly query: DatabaseQuery; readonly answer: DatabaseConnections };
}

/** Names a call about databases. */
export type DatabaseOperationId = keyof DatabaseOperationTypes;

const tag = 'Performance';
const JSON_ONLY = ['application/json'] as const;
const database = optional(name('A watched database by its name; default: the first'));
const PROBLEMS: readonly ErrorCode[] = [
  'AP_SERVICE_UNKNOWN',
  'AP_DATABASE_UNKNOWN',
  'AP_DATABASE_UNREACHABLE',
  'AP_DATABASE_REFUSED',
];
const tableNames = { kind: 'array', of: name('With its schema: public.tasks'), maxItems: 1_000 } as const;
const FOLLOWED =
  'Answers 202; it is followed and cancelled at the address in Location. One table at a time, each an order in the journal, never in a protected window or under load (settings maintenance.*).';
const STARTS: readonly ErrorCode[] = [
  ...PROBLEMS,
  'AP_BODY_INVALID',
  'AP_BODY_TOO_LARGE',
  'AP_CROSS_SITE',
  'AP_MAINTENANCE_FAILED',
  'AP_MAINTENANCE_RUNNING',
  'AP_ORDER_REFUSED',
  'AP_TABLE_UNKNOWN',
];
const listFields: FieldsOf<DatabaseListQuery> = {
  service,
  database,
  findings: optional({ kind: 'boolean', description: 'true: only those with findings' } as const),
  limit,
  cursor,
};

/** Every call about databases. */
export const databaseOperations: {
  readonly [Id in DatabaseOperationId]: Operation<
    DatabaseOperationTypes[Id]['query'],
    DatabaseOperationTypes[Id]['answer']
  >;
} = {
  listDatabases: {
    method: 'GET',
    path: '/api/v1/performance/databases',
    tag,
    summary: 'The databases that are watched, and with which rights',
    scope: 'read',
    query: { kind: 'object', fields: {} },
    answer: answer.watchedDatabaseList,
    mediaTypes: JSON_ONLY,
    problems: [],
  },
  getDatabaseAnalysis: {
    method: 'GET',
    path: '/api/v1/performance/database/analysis',
    tag,
    summary: 'What a database costs and lacks: pools, sizes, cache, locks, long transactions, identifiers, settings',
    description:
      'Read at most every 15 s. What the role may not see is named in `gaps`, with the GRANT that opens it; nothing fails for it.',
    scope: 'read',
    query: { kind: 'object', fields: { service, database } },
    answer: answer.databaseAnalysis,
    mediaTypes: JSON_ONLY,
    problems: PROBLEMS,
  },
  listSlowQueries: {
    method: 'GET',
    path: '/api/v1/performance/database/slow-queries',
    tag,
    summary:
      'Statements by what they cost: of the server (pg_stat_statements) and of the applications, joined by their text',
    description:
      'Totals, buffers and spills are the server’s, of the range, where the database was watched; else since its reset. Percentiles and routes are the applications’. Either alone is answered where the other is missing.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        database,
        thresholdMs: optional({
          kind: 'number',
          min: 0,
          max: 3_600_000,
          unit: 'ms',
          description: 'Statements that take so long on average, or in one call of twenty; default 100; 0: all',
        } as const),
        sort: optional({ kind: 'string', values: slowStatementSorts, description: 'Default totalMs' } as const),
        from: from('an hour'),
        to,
        limit,
        cursor,
      },
    },
    answer: answer.slowStatementList,
    mediaTypes: JSON_ONLY,
    problems: [...PROBLEMS, 'AP_PAGE_CURSOR_INVALID', 'AP_RANGE_INVALID'],
  },
  getDatabaseHistory: {
    method: 'GET',
    path: '/api/v1/performance/database/history',
    tag,
    summary: 'What a database, a statement or a table did over time, as it was read regularly',
    description:
      'Minutes of the last day, of statements hours of 100 days before; of the database minutes of 8 days; of tables hours of 100 days.',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        database,
        queryId: optional({
          kind: 'string',
          maxLength: 24,
          description: 'One statement, by its id in pg_stat_statements',
        } as const),
        table: optional(name('One table, with its schema: public.tasks')),
        from: from('a day'),
        to,
      },
    },
    answer: answer.databaseHistory,
    mediaTypes: JSON_ONLY,
    problems: ['AP_DATABASE_UNKNOWN', 'AP_RANGE_INVALID', 'AP_PARAMETER_INVALID'],
  },
  getStatementPlan: {
    method: 'GET',
    path: '/api/v1/performance/database/plan',
    tag,
    summary: 'How the server would carry out a statement, for any parameters; it is not executed',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        service,
        database,
        queryId: { kind: 'string', maxLength: 24, description: 'Of pg_stat_statements, as slow-queries answers it' },
      },
    },
    answer: statementPlan,
    mediaTypes: JSON_ONLY,
    problems: [...PROBLEMS, 'AP_STATEMENT_UNKNOWN', 'AP_PLAN_UNAVAILABLE'],
  },
  measureStatementPlan: {
    method: 'POST',
    path: '/api/v1/performance/database/plan',
    tag,
    summary: 'Carries out a statement that only reads, once, and tells of each step what was estimated and what came',
    description:
      'EXPLAIN ANALYZE in a read-only transaction of at most 5 s, which a read-only token may not ask for, as it costs what the statement costs. What writes, or calls a function that may do anything (a volatile one), is refused. Neither the values that were given nor typical ones are kept, told or logged.',
    scope: 'operate',
    query: { kind: 'object', fields: { service, database } },
    body: {
      description:
        '`parameters`: a value for each parameter as text, or null; left out: typical ones, from the statistics of their columns',
      mediaTypes: JSON_ONLY,
      maxBytes: 65_536,
      shape: {
        kind: 'object',
        fields: {
          queryId: { kind: 'string', maxLength: 24, description: 'Of pg_stat_statements, as slow-queries answers it' },
          parameters: optional({
            kind: 'array',
            of: { kind: 'nullable', of: { kind: 'string', maxLength: 10_000 } },
            maxItems: 1_000,
          } as const),
        },
      },
    },
    answer: measuredPlan,
    mediaTypes: JSON_ONLY,
    problems: [
      ...PROBLEMS,
      'AP_BODY_INVALID',
      'AP_BODY_TOO_LARGE',
      'AP_CROSS_SITE',
      'AP_STATEMENT_UNKNOWN',
      'AP_PLAN_UNAVAILABLE',
    ],
  },
  getDatabaseMaintenance: {
    method: 'GET',
    path: '/api/v1/performance/database/maintenance',
    tag,
    summary: 'What autovacuum is late for, what holds it back, how its settings should be, and what was run',
    scope: 'read',
    query: { kind: 'object', fields: { service, database } },
    answer: databaseMaintenance,
    mediaTypes: JSON_ONLY,
    problems: PROBLEMS,
  },
  analyzeTables: {
    method: 'POST',
    path: '/api/v1/performance/database/analyze',
    tag,
    summary: 'Analyzes tables, as a job: those named, or those that are due',
    description: FOLLOWED,
    scope: 'operate',
    query: { kind: 'object', fields: { service, database } },
    body: {
      description: '`tables` by name with schema; left out: those whose statistics are old',
      mediaTypes: JSON_ONLY,
      maxBytes: 65_536,
      shape: { kind: 'object', fields: { tables: optional(tableNames) } },
    },
    answer: job,
    mediaTypes: JSON_ONLY,
    problems: STARTS,
  },
  vacuumTables: {
    method: 'POST',
    path: '/api/v1/performance/database/vacuum',
    tag,
    summary: 'Vacuums tables, as a job: those named, or those that are due',
    description: `${FOLLOWED} \`full\` rewrites one table, under a lock that keeps everybody out, and wants its name in \`confirm\`.`,
    scope: 'operate',
    query: { kind: 'object', fields: { service, database } },
    body: {
      description:
        '`tables` by name with schema, left out: those that autovacuum is late for; `analyze` as well; `full` and `confirm` with the name of the one table',
      mediaTypes: JSON_ONLY,
      maxBytes: 65_536,
      shape: {
        kind: 'object',
        fields: {
          tables: optional(tableNames),
          analyze: optional({ kind: 'boolean' } as const),
          full: optional({ kind: 'boolean' } as const),
          confirm: optional(name('The name of the table, as it is given in `tables`')),
        },
      },
    },
    answer: job,
    mediaTypes: JSON_ONLY,
    problems: STARTS,
  },
  listDatabaseTables: {
    method: 'GET',
    path: '/api/v1/performance/database/tables',
    tag,
    summary: 'Tables, largest first: sizes, rows, scans, vacuum, bloat, and what is wrong with them',
    scope: 'read',
    query: {
      kind: 'object',
      fields: {
        ...listFields,
        exact: optional(
          name('One table alone, with its schema: its bloat is counted by pgstattuple, which reads the table'),
        ),
      },
    },
    answer: answer.databaseTableList,
    mediaTypes: JSON_ONLY,
    problems: [...PROBLEMS, 'AP_PAGE_CURSOR_INVALID', 'AP_PARAMETER_INVALID'],
  },
  listDatabaseIndexes: {
    method: 'GET',
    path: '/api/v1/performance/database/indexes',
    tag,
    summary:
      'Indexes, largest first: use, bloat, and which are unused, duplicate or invalid, with the reason for every "no"',
    scope: 'read',
    query: { kind: 'object', fields: listFields },
    answer: answer.databaseIndexList,
    mediaTypes: JSON_ONLY,
    problems: [...PROBLEMS, 'AP_PAGE_CURSOR_INVALID'],
  },
  getDatabaseConnections: {
    method: 'GET',
    path: '/api/v1/performance/database/connections',
    tag,
    summary: 'Who is connected, who waits and who blocks, beside the pools of the applications',
    scope: 'read',
    query: { kind: 'object', fields: { service, database } },
    answer: answer.databaseConnections,
    mediaTypes: JSON_ONLY,
    problems: PROBLEMS,
  },
};
