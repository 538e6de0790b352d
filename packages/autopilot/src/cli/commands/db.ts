import { judgedIndexes, judgedTables, overviewOf, unique } from '../../advise/database-overview.ts';
import { countText, durationText, percentText, sizeText } from '../../advise/finding.ts';
import { connectionFindings } from '../../advise/server-findings.ts';
import type {
  ConnectionGroup,
  DatabaseFinding,
  DatabaseGap,
  DatabaseIndex,
  DatabaseMachine,
  DatabaseServer,
  DatabaseTable,
  StatementStatistics,
} from '../../contract/database.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';
import { readExactBloat } from '../../postgres/exact-bloat.ts';
import { ObservedDatabase } from '../../postgres/observed-database.ts';
import { readConnections } from '../../postgres/read-connections.ts';
import { readServer } from '../../postgres/read-server.ts';
import { readStatements } from '../../postgres/read-statements.ts';
import { ServerShape } from '../../postgres/server-shape.ts';
import { type Command, exitCodes, type Terminal, UsageError } from '../command.ts';
import { type TextColumn, textTable } from '../text-table.ts';
import { adviseDatabase, adviseFlags } from './db-advise.ts';
import { maintenanceOf } from './db-maintain.ts';

/** What one way of using `autopilot db` is told. */
interface Use {
  readonly database: ObservedDatabase;
  readonly limit: number;
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** What it answers: as JSON, or as lines. */
interface Answer {
  readonly json: object;
  readonly lines: readonly string[];
}

const DEFAULT_LIMIT = 20;

const uses: Readonly<Record<string, (use: Use) => Promise<Answer>>> = {
  analyze: async ({ database, values }) => {
    const {
      tables: _,
      indexes: __,
      ...overview
    } = await overviewOf(database, {
      now: Date.now(),
      machine: machineOf(values),
    });
    const { server, connections, sizes, replication, findings, settingsAdvice, gaps } = overview;
    const usable = connections.maxConnections - connections.reservedConnections;
    return {
      json: overview,
      lines: [
        `${server.database} on PostgreSQL ${server.version}${server.isStandby ? ' (a standby)' : ''}, as ${server.role}`,
        `Size         ${server.sizeBytes === null ? 'not visible' : sizeText(server.sizeBytes)}: ${sizes.tables} tables ${sizeText(sizes.tableBytes)}, ${sizes.indexes} indexes ${sizeText(sizes.indexBytes)}`,
        `Rows         ${countText(sizes.liveRows)} live, ${countText(sizes.deadRows)} dead`,
        `Connections  ${connections.connections} of ${usable}: ${connections.active} active, ${connections.idle} idle, ${connections.idleInTransaction} idle in a transaction, ${connections.waitingForLocks} waiting for locks`,
        `Cache hits   ${server.cacheHitRatio === null ? 'nothing read yet' : percentText(server.cacheHitRatio)}; ${countText(server.tempFiles)} temporary files, ${countText(server.deadlocks)} deadlocks`,
        ...replication.standbys.map(
          ({ name, state, behindBytes }) =>
            `Standby      ${name}: ${state ?? 'its state is not visible'}${behindBytes === null ? '' : `, ${sizeText(behindBytes)} behind`}`,
        ),
        ...replication.slots.map(
          ({ name, kind, active, retainedBytes }) =>
            `Slot         ${name} (${kind}): ${active ? 'read' : 'nobody reads it'}${retainedBytes === null ? '' : `, keeps ${sizeText(retainedBytes)} of WAL`}`,
        ),
        '',
        ...findingLines(findings),
        ...(settingsAdvice.length === 0 ? [] : ['', `Settings (${settingsAdvice.length}):`]),
        ...settingsAdvice.flatMap((advice) => [
          `  ${advice.setting}: ${advice.current} -> ${advice.advised} (${advice.needs}). ${advice.because}`,
          `      ${advice.sql}`,
        ]),
        ...gapLines(gaps),
      ],
    };
  },
  slow: async ({ database, limit, values }) => {
    const shape = await ServerShape.read(database);
    const server = await readServer(database);
    const thresholdMs = numberOf(values['threshold'] ?? '0', 'threshold');
    const { value, gaps } = await readStatements(database, shape, server.value, { limit, minMeanMs: thresholdMs });
    const totalMs = value.statements.reduce((sum, one) => sum + one.totalMs, 0);
    const columns: readonly TextColumn<StatementStatistics>[] = [
      { head: 'total', right: true, of: (one) => durationText(one.totalMs) },
      { head: 'share', right: true, of: (one) => (totalMs === 0 ? '' : percentText(one.totalMs / totalMs)) },
      { head: 'calls', right: true, of: (one) => countText(one.calls) },
      { head: 'mean', right: true, of: (one) => `${one.meanMs.toFixed(2)} ms` },
      { head: 'max', right: true, of: (one) => `${one.maxMs.toFixed(1)} ms` },
      { head: 'rows', right: true, of: (one) => countText(one.rows / one.calls) },
      { head: 'read', right: true, of: (one) => sizeText((one.buffersRead * 8192) / one.calls) },
      { head: 'spilled', right: true, of: (one) => sizeText(one.tempBuffersWritten * 8192) },
      { head: 'statement', of: (one) => one.text, most: 120 },
    ];
    return {
      json: { server: server.value, ...value, gaps: unique([...server.gaps, ...gaps]) },
      lines: [
        ...(value.statements.length === 0 ? [] : textTable(value.statements, columns)),
        ...(value.room.evictions === null || value.room.evictions === 0
          ? []
          : [
              '',
              `pg_stat_statements had to forget statements ${countText(value.room.evictions)} times: raise pg_stat_statements.max.`,
            ]),
        ...gapLines(gaps),
      ],
    };
  },
  tables: async ({ database, limit, values }) => {
    const server = await readServer(database);
    const { value: seen, gaps: missing } = await judgedTables(database, Date.now());
    const exact = values['exact'];
    const named = exact === undefined ? undefined : seen.find((one) => `${one.schema}.${one.table}` === exact);
    if (exact !== undefined && named === undefined) {
      throw new UsageError(`There is no table ${exact}.`, 'Name one with its schema, as db tables does.');
    }
    const counted = named === undefined ? null : await readExactBloat(database, named);
    const value = named === undefined ? seen : [{ ...named, bloat: counted?.value ?? named.bloat }];
    const gaps = [...missing, ...(counted?.gaps ?? [])];
    const columns: readonly TextColumn<DatabaseTable>[] = [
      { head: 'table', of: (one) => `${one.schema}.${one.table}`, most: 60 },
      { head: 'size', right: true, of: (one) => sizeText(one.totalBytes) },
      { head: 'indexes', right: true, of: (one) => sizeText(one.indexBytes) },
      { head: 'rows', right: true, of: (one) => countText(one.liveRows) },
      { head: 'dead', right: true, of: (one) => (one.deadRatio === null ? '' : percentText(one.deadRatio)) },
      { head: 'seq scans', right: true, of: (one) => countText(one.sequentialScans) },
      { head: 'index scans', right: true, of: (one) => countText(one.indexScans) },
      { head: 'HOT', right: true, of: (one) => (one.hotRatio === null ? '' : percentText(one.hotRatio)) },
      { head: 'bloat', right: true, of: (one) => (one.bloat === null ? '' : percentText(one.bloat.ratio)) },
      { head: 'vacuum due', right: true, of: (one) => percentText(one.autovacuum.vacuumProgress) },
      { head: 'vacuumed', of: (one) => latest(one.lastVacuumAt, one.lastAutovacuumAt) },
      { head: 'analyzed', of: (one) => latest(one.lastAnalyzeAt, one.lastAutoanalyzeAt) },
    ];
    return listed(server.value, 'tables', value, limit, columns, [...server.gaps, ...gaps]);
  },
  indexes: async ({ database, limit }) => {
    const server = await readServer(database);
    const tables = await judgedTables(database, Date.now());
    const { value, gaps } = await judgedIndexes(database, server.value, tables.value, Date.now());
    const columns: readonly TextColumn<DatabaseIndex>[] = [
      { head: 'index', of: (one) => `${one.schema}.${one.index}`, most: 60 },
      { head: 'table', of: (one) => one.table, most: 40 },
      { head: 'size', right: true, of: (one) => sizeText(one.bytes) },
      { head: 'scans', right: true, of: (one) => countText(one.scans) },
      { head: 'bloat', right: true, of: (one) => (one.bloat === null ? '' : percentText(one.bloat.ratio)) },
      { head: 'is', of: kindsOf },
      { head: 'keys', of: (one) => one.columns.join(', '), most: 60 },
    ];
    return listed(server.value, 'indexes', value, limit, columns, [...server.gaps, ...gaps]);
  },
  maintain: async ({ database }) => {
    const { json, lines, gaps } = await maintenanceOf(database);
    return { json, lines: [...lines, ...gapLines(gaps)] };
  },
  connections: async ({ database, limit }) => {
    const server = await readServer(database);
    const view = await readConnections(database);
    const findings = connectionFindings(view);
    const columns: readonly TextColumn<ConnectionGroup>[] = [
      { head: 'application', of: (one) => one.application, most: 40 },
      { head: 'role', of: (one) => one.role, most: 30 },
      { head: 'database', of: (one) => one.database, most: 30 },
      { head: 'state', of: (one) => one.state },
      { head: 'connections', right: true, of: (one) => String(one.connections) },
      { head: 'oldest', right: true, of: (one) => durationText(one.oldestMs) },
      { head: 'longest in state', right: true, of: (one) => durationText(one.longestInStateMs) },
    ];
    const usable = view.maxConnections - view.reservedConnections;
    return {
      json: { server: server.value, ...view, findings, gaps: server.gaps },
      lines: [
        `${view.connections} of ${usable} connections (max_connections ${view.maxConnections}, ${view.reservedConnections} reserved)`,
        '',
        ...textTable(view.groups.slice(0, limit), columns),
        '',
        ...findingLines(findings),
        ...gapLines(server.gaps),
      ],
    };
  },
};

/** `autopilot db`: looks at any PostgreSQL from outside; changes nothing. */
export const db: Command = {
  summary: 'look at a PostgreSQL database: slow statements, tables, indexes, connections',
  description: [
    [
      '  analyze      everything that costs time or space, or will, with what to do about it',
      '  slow         statements by the time they took (needs pg_stat_statements)',
      '  tables       sizes, dead rows, scans, vacuum, bloat',
      '  indexes      sizes, use, and which are unused, duplicate, invalid or bloated',
      '  connections  who is connected, and who waits or blocks',
      '  maintain     what autovacuum is late for, with the statements to run, and what holds it back',
      '  advise       which indexes a workload wants, planned on a shadow of the database (docs/guides/index-advisor.md)',
    ].join('\n'),
    'Works on any server from PostgreSQL 13 to 18 with nothing installed on it, and only reads: every statement runs in a\nread-only transaction with limits on its time and on waiting for locks. What the role may not see is named, with the GRANT\nthat opens it; docs/guides/database.md has the least rights.',
    'Exit codes: 0 answered, 2 used wrongly, 3 the database could not be reached.',
  ],
  operands: '<analyze|slow|tables|indexes|connections|maintain|advise>',
  flags: {
    url: { value: 'url', description: 'The database: postgres://user:password@host/name', environment: 'DATABASE_URL' },
    limit: { value: 'number', description: `Rows in a table; default ${DEFAULT_LIMIT}` },
    threshold: { value: 'ms', description: 'slow: only statements that take this long on average; default 0' },
    memory: { value: 'GB', description: "analyze: the server's memory, for advice on settings" },
    cores: { value: 'number', description: "analyze: the server's cores" },
    exact: {
      value: 'table',
      description: 'tables: this one alone, its bloat counted by pgstattuple (reads the table)',
    },
    ...adviseFlags,
    json: { value: null, description: 'JSON instead of text' },
  },
  run: async (values, terminal, [name = '', ...more]) => {
    if (name === 'advise' && more.length === 0)
      return await adviseDatabase({ ...values, url: urlOf(values['url']) }, terminal);
    const use = Object.hasOwn(uses, name) ? uses[name] : undefined;
    if (use === undefined || more.length > 0) {
      const nearest = nearestName(name, [...Object.keys(uses), 'advise']);
      throw new UsageError(
        name === '' ? 'db needs to be told what to look at.' : `There is no db ${[name, ...more].join(' ')}.`,
        nearest === null
          ? `Write one of: ${Object.keys(uses).join(', ')}, advise.`
          : `"${nearest}" was probably meant.`,
      );
    }
    const limit = numberOf(values['limit'] ?? String(DEFAULT_LIMIT), 'limit');
    const database = new ObservedDatabase(urlOf(values['url']));
    try {
      const { json, lines } = await use({ database, limit, values });
      if (values['json'] === 'true') terminal.out(JSON.stringify(json, null, 2));
      else for (const line of lines) terminal.out(line);
      return exitCodes.ok;
    } catch (error) {
      return unreachable(error, terminal);
    } finally {
      await database.close();
    }
  },
};

function unreachable(error: unknown, terminal: Terminal): number {
  if (!(error instanceof AutopilotError) || !error.code.startsWith('AP_DATABASE_')) throw error;
  terminal.error(`autopilot: ${error.message} ${error.remedy ?? ''}`.trimEnd());
  return exitCodes.unreachable;
}

function listed<Row extends { readonly findings: readonly DatabaseFinding[] }>(
  server: DatabaseServer,
  name: 'tables' | 'indexes',
  rows: readonly Row[],
  limit: number,
  columns: readonly TextColumn<Row>[],
  gaps: readonly DatabaseGap[],
): Answer {
  const more = rows.length - limit;
  return {
    json: { server, [name]: rows.slice(0, limit), gaps: unique(gaps) },
    lines: [
      ...(rows.length === 0 ? [`There are no ${name}.`] : textTable(rows.slice(0, limit), columns)),
      ...(more > 0 ? [`and ${more} more (--limit)`] : []),
      '',
      ...findingLines(rows.flatMap(({ findings }) => findings)),
      ...gapLines(unique(gaps)),
    ],
  };
}

function findingLines(findings: readonly DatabaseFinding[]): readonly string[] {
  if (findings.length === 0) return ['Nothing to complain about.'];
  return [
    `Findings (${findings.length}):`,
    ...findings.flatMap(({ severity, subject, kind, message, remedy, sql }) => [
      `  ${severity}: ${subject} (${kind}). ${message} ${remedy}`,
      ...(sql === null ? [] : [`      ${sql}`]),
    ]),
  ];
}

function gapLines(gaps: readonly DatabaseGap[]): readonly string[] {
  if (gaps.length === 0) return [];
  return ['', 'Not seen:', ...gaps.map(({ reading, reason, remedy }) => `  ${reading}: ${reason} ${remedy}`)];
}

function kindsOf({ isPrimary, isUnique, isValid, condition, method }: DatabaseIndex): string {
  const kinds = [
    isPrimary ? 'primary' : isUnique ? 'unique' : '',
    method === 'btree' ? '' : method,
    condition === null ? '' : 'partial',
    isValid ? '' : 'INVALID',
  ];
  return kinds.filter((kind) => kind !== '').join(' ');
}

function latest(...times: readonly (string | null)[]): string {
  const newest = times
    .filter((time) => time !== null)
    .toSorted()
    .at(-1);
  return newest === undefined ? 'never' : newest.slice(0, 16).replace('T', ' ');
}

function urlOf(url: string | undefined): string {
  if (url !== undefined && /^postgres(?:ql)?:\/\//i.test(url)) return url;
  throw new UsageError(
    url === undefined ? 'No database was named.' : 'What was given as the database is no PostgreSQL URL.',
    'Write --url postgres://user:password@host:5432/name, or set DATABASE_URL.',
  );
}

function numberOf(text: string, flag: string): number {
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isNaN(number)) return number;
  throw new UsageError(`--${flag} is ${JSON.stringify(text)}, which is no number.`, 'Write a number, 0 or more.');
}

function machineOf(values: Use['values']): DatabaseMachine | null {
  const { memory, cores } = values;
  if (memory === undefined) return null;
  return { memoryBytes: numberOf(memory, 'memory') * 1024 ** 3, cores: numberOf(cores ?? '1', 'cores') };
}
