import { CamelCasePlugin, type ColumnType, type Generated, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

/** The PostgreSQL schema that holds all of TeamFlow's tables. */
export const schemaName = 'teamflow';

export type TaskStatus = 'backlog' | 'todo' | 'in_progress' | 'in_review' | 'done' | 'cancelled';
export type TaskPriority = 'none' | 'low' | 'medium' | 'high' | 'urgent';
export type MemberRole = 'owner' | 'admin' | 'member';

/** Given by the database, never written. */
type ReadOnly<T> = ColumnType<T, never, never>;
/** Given by the database when left out, and never changed. */
type Once<T> = ColumnType<T, T | undefined, never>;
/** A day, as `2026-01-31`. */
type Day = string;

interface TeamTable {
  id: Generated<number>;
  name: string;
  createdAt: Once<Date>;
}

interface TeamMemberTable {
  teamId: number;
  userId: string;
}

interface ProjectTable {
  id: Generated<number>;
  teamId: number | null;
  name: string;
  description: string;
  archivedAt: Date | null;
  createdAt: Once<Date>;
  updatedAt: ColumnType<Date, Date | undefined, Date>;
}

interface TaskTable {
  id: Generated<number>;
  projectId: number;
  title: string;
  description: string;
  status: TaskStatus;
  priority: TaskPriority;
  assigneeId: string | null;
  createdById: string | null;
  dueOn: Day | null;
  labels: string[];
  position: number;
  createdAt: Once<Date>;
  updatedAt: ColumnType<Date, Date | undefined, Date>;
  completedAt: Date | null;
  search: ReadOnly<string>;
}

interface CommentTable {
  id: Generated<number>;
  taskId: number;
  authorId: string | null;
  body: string;
  createdAt: Once<Date>;
  editedAt: Date | null;
}

interface ActivityTable {
  id: Generated<number>;
  kind: string;
  actorId: string | null;
  projectId: number | null;
  taskId: number | null;
  detail: ColumnType<Record<string, unknown>, string, never>;
  createdAt: Once<Date>;
}

interface NotificationTable {
  id: Generated<number>;
  userId: string;
  kind: 'digest' | 'due' | 'export';
  projectId: number | null;
  taskId: ColumnType<number | null, number | null | undefined, never>;
  detail: ColumnType<Record<string, unknown>, string, never>;
  onceKey: string;
  createdAt: Once<Date>;
  readAt: ColumnType<Date | null, undefined, Date>;
}

interface ExportTable {
  id: Generated<string>;
  projectId: number;
  requestedBy: string;
  status: ColumnType<'queued' | 'running' | 'done' | 'failed', undefined, 'running' | 'done' | 'failed'>;
  rowCount: ColumnType<number | null, undefined, number>;
  isCut: ColumnType<boolean, undefined, boolean>;
  file: ColumnType<Buffer | null, undefined, Buffer>;
  createdAt: Once<Date>;
  finishedAt: ColumnType<Date | null, undefined, Date>;
  expiresAt: Once<Date>;
}

interface ActivityDayTable {
  day: ReadOnly<Day>;
  kind: ReadOnly<string>;
  count: ReadOnly<number>;
}

interface PersonView {
  userId: ReadOnly<string>;
  memberId: ReadOnly<string>;
  name: ReadOnly<string>;
  email: ReadOnly<string>;
  image: ReadOnly<string | null>;
  role: ReadOnly<MemberRole>;
  createdAt: ReadOnly<Date>;
}

interface MemberTable {
  id: Generated<string>;
  userId: string;
  role: MemberRole;
  createdAt: Date;
}

/**
 * The tables whose rows belong to an organization, as seen from inside one: `organization_id` is not among the columns,
 * because `forOrganization` alone deals with it.
 */
export interface OrganizationTables {
  teams: TeamTable;
  teamMembers: TeamMemberTable;
  projects: ProjectTable;
  tasks: TaskTable;
  comments: CommentTable;
  activity: ActivityTable;
  notifications: NotificationTable;
  exports: ExportTable;
  activityDays: ActivityDayTable;
  people: PersonView;
  members: MemberTable;
}

interface InOrganization {
  organizationId: string;
}

interface AdministrativeCallTable {
  id: ReadOnly<number>;
  at: ReadOnly<Date>;
  userId: string;
  userEmail: string;
  aboutId: string | null;
  aboutEmail: string | null;
  call: string;
  role: string | null;
  status: number;
  address: string;
  requestId: string;
}

/** The tables read across organizations: signing in, who belongs where, the installation itself. */
export interface GlobalTables {
  installation: {
    secret: string;
    indexes: 'full' | 'neglected';
    data: 'none' | 'small' | 'medium' | 'large' | null;
    seed: number | null;
    loadedAt: Date | null;
    analyzedAt: Date | null;
  };
  users: {
    id: Generated<string>;
    name: string;
    email: string;
    role: string | null;
    banned: boolean | null;
    banExpires: Date | null;
    banReason: string | null;
    createdAt: Date;
  };
  accounts: { id: Generated<string>; userId: string; providerId: string; password: string | null };
  sessions: {
    id: Generated<string>;
    userId: string;
    ipAddress: string | null;
    userAgent: string | null;
    createdAt: Date;
    updatedAt: Date;
    expiresAt: Date;
  };
  apiKeys: {
    id: Generated<string>;
    referenceId: string;
    key: string;
    enabled: boolean | null;
    expiresAt: Date | null;
    lastRequest: Date | null;
  };
  organizations: { id: Generated<string>; name: string; slug: string; createdAt: Date };
  members: MemberTable & InOrganization;
  administrativeCalls: AdministrativeCallTable;
}

/** The whole database; handlers of an organization's routes are given an `OrganizationDatabase` instead. */
export type Database = Kysely<GlobalTables>;

const oidInt8 = 20;
const oidDate = 1082;

/**
 * A pool for TeamFlow's queries. Its own type parsers: identifiers and counts stay far below 2^53, so bigint becomes a
 * number; a day stays the text it is, because a Date would move it by the time zone.
 */
export function createPool(connection: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    application_name: 'teamflow',
    connectionTimeoutMillis: 5_000,
    ...connection,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary'): ((value: string) => unknown) => {
        if (format !== 'binary' && oid === oidInt8) return Number;
        if (format !== 'binary' && oid === oidDate) return String;
        // pg's own declaration answers any.
        return pg.types.getTypeParser(oid, format) as (value: string) => unknown;
      },
    },
  });
  // A connection that breaks is replaced at its next use, and what ran on it fails; without listeners, on the pool for
  // idle ones and on each for those in use, it would end the process as well.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
  });
  return pool;
}

/** Kysely over a pool: camelCase in TypeScript, snake_case in SQL. Ending the pool is its owner's business. */
export function createDatabase(pool: pg.Pool): Database {
  return new Kysely<GlobalTables>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  }).withSchema(schemaName);
}
