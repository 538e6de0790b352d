import {
  type TArray,
  type TBoolean,
  type TInteger,
  type TLiteral,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TString,
  type TUnion,
  type TUnsafe,
  Type,
} from 'typebox';
import type { MemberRole, TaskPriority, TaskStatus } from '../database/database.ts';

/** A field that may be null, in the form that the serializer handles fastest. */
function nullable<T extends TSchema & { type?: unknown }>(schema: T): TSchema {
  return Type.Unsafe({ ...schema, type: [schema.type, 'null'] });
}

/** RFC 3339 in UTC, with microseconds. */
const Timestamp: TSchema = Type.String({ format: 'date-time', examples: ['2026-03-01T09:30:00.123456Z'] });
export const Id: TInteger = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
export const UserId: TString = Type.String({ format: 'uuid' });
const Name = Type.String();

const ProblemSchema: TSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ examples: ['TF_NOT_FOUND'] }),
    detail: Type.String(),
    instance: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
  },
  { description: 'RFC 9457' },
);

/** The identifiers in the path of an organization's route. */
export function inOrganization<T extends TProperties>(ids: T): TObject<T & { organizationId: TString }> {
  return Type.Object({ organizationId: UserId, ...ids });
}

/** A query with the parameters of every list. */
export function listQuery<T extends TProperties>(
  filters: T,
): TObject<T & { cursor: TOptional<TString>; limit: TOptional<TInteger>; count: TOptional<TBoolean> }> {
  return Type.Object(
    {
      ...filters,
      cursor: Type.Optional(Type.String({ description: 'From `page.next` or `page.previous` of an earlier answer.' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
      count: Type.Optional(
        Type.Boolean({
          default: false,
          description:
            'Say in `page.count` how many there are: exact up to 10,000, beyond that the planner’s estimate.',
        }),
      ),
    },
    { additionalProperties: false },
  );
}

/** A body with these fields and no others. */
export function body<T extends TProperties>(fields: T): TObject<T> {
  return Type.Object(fields, { additionalProperties: false, minProperties: 1 });
}

/** What a route answers: the given schema under the given status, and problem+json for all that fails. */
export function answers(schema: TSchema, status = 200): Record<string, TSchema> {
  return { [status]: schema, '4xx': ProblemSchema, '5xx': ProblemSchema };
}

/** What a route answers that has nothing to show. */
export const noContent: Record<string, TSchema> = answers(Type.Null({ description: 'Done.' }), 204);

const PageSchema = Type.Object(
  {
    limit: Type.Integer({ description: 'What was asked for.' }),
    next: nullable(Type.String({ description: 'The cursor of the next page; null on the last.' })),
    previous: nullable(Type.String({ description: 'The cursor of the page before; null on the first.' })),
    cut: Type.Optional(
      Type.String({
        enum: ['bytes', 'time'],
        description: 'The page has fewer items than asked for, though there are more: more would be too large or slow.',
      }),
    ),
    count: Type.Optional(
      Type.Object(
        {
          value: Type.Integer({ description: 'How many there are on all pages.' }),
          exact: Type.Boolean({ description: 'false: the planner’s estimate.' }),
        },
        { additionalProperties: false, description: 'With `count=true`, and where the page is all there is.' },
      ),
    ),
  },
  { additionalProperties: false },
);

/** A page of a list. */
export function pageOf(item: TSchema): TSchema {
  return Type.Object({ items: Type.Array(item), page: PageSchema }, { additionalProperties: false });
}

const closed = { additionalProperties: false } as const;

export const RoleSchema: TUnsafe<MemberRole> = Type.Unsafe<MemberRole>({
  type: 'string',
  enum: ['owner', 'admin', 'member'],
});

/** The columns of a board, from left to right. */
export const taskStatuses: readonly TaskStatus[] = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'cancelled'];
/** From the least to the most urgent; the index of tasks by priority has the same order. */
export const taskPriorities: readonly TaskPriority[] = ['none', 'low', 'medium', 'high', 'urgent'];
export const StatusSchema: TUnsafe<TaskStatus> = Type.Unsafe<TaskStatus>({ type: 'string', enum: taskStatuses });
export const PrioritySchema: TUnsafe<TaskPriority> = Type.Unsafe<TaskPriority>({
  type: 'string',
  enum: taskPriorities,
});

export const Label: TString = Type.String({ minLength: 1, maxLength: 50 });
export const Day: TString = Type.String({ format: 'date' });

/** The parameters by which lists of tasks are filtered. */
export const taskFilters: {
  status: TOptional<TArray<typeof StatusSchema>>;
  priority: TOptional<TArray<typeof PrioritySchema>>;
  projectId: TOptional<TInteger>;
  assigneeId: TOptional<TUnion<[TString, TLiteral<'none'>]>>;
  label: TOptional<TString>;
  dueFrom: TOptional<TString>;
  dueTo: TOptional<TString>;
} = {
  status: Type.Optional(Type.Array(StatusSchema, { maxItems: 6, uniqueItems: true })),
  priority: Type.Optional(Type.Array(PrioritySchema, { maxItems: 5, uniqueItems: true })),
  projectId: Type.Optional(Id),
  assigneeId: Type.Optional(Type.Union([UserId, Type.Literal('none')])),
  label: Type.Optional(Label),
  dueFrom: Type.Optional(Day),
  dueTo: Type.Optional(Day),
};

export const OrganizationSchema: TSchema = Type.Object(
  { id: UserId, name: Name, slug: Type.String(), role: RoleSchema },
  closed,
);

export const MemberSchema: TSchema = Type.Object(
  { userId: UserId, name: Name, email: Type.String(), role: RoleSchema, createdAt: Timestamp },
  closed,
);

export const AdministeredUserSchema: TSchema = Type.Object(
  {
    id: UserId,
    name: Name,
    email: Type.String(),
    isAdministrator: Type.Boolean({ description: 'Runs the installation; it opens no organization.' }),
    isSuspended: Type.Boolean(),
    suspendedBecause: nullable(Type.String()),
    createdAt: Timestamp,
    organizations: Type.Integer({ description: 'How many the user belongs to.' }),
    sessions: Type.Integer({ description: 'How many hold now.' }),
  },
  closed,
);

export const SessionSchema: TSchema = Type.Object(
  {
    id: UserId,
    ipAddress: nullable(Type.String()),
    userAgent: nullable(Type.String()),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    expiresAt: Timestamp,
  },
  closed,
);

export const AdministrativeCallSchema: TSchema = Type.Object(
  {
    id: Id,
    at: Timestamp,
    userId: Type.String({ description: 'Who made the call.' }),
    userEmail: Type.String({ description: 'The address then.' }),
    aboutId: nullable(Type.String({ description: 'Whom it was about, as the call named it.' })),
    aboutEmail: nullable(Type.String({ description: 'The address then.' })),
    call: Type.String({ examples: ['POST /api/auth/admin/ban-user'] }),
    role: nullable(Type.String({ description: 'The role that it gave.' })),
    status: Type.Integer({ description: 'Of the answer; from 400 on nothing was changed.' }),
    address: Type.String({ description: 'Where it came from.' }),
    requestId: Type.String({ description: '`X-Request-Id` of the answer.' }),
  },
  closed,
);

export const AdministeredOrganizationSchema: TSchema = Type.Object(
  { id: UserId, name: Name, slug: Type.String(), createdAt: Timestamp, members: Type.Integer() },
  closed,
);

export const TeamSchema: TSchema = Type.Object({ id: Id, name: Name, createdAt: Timestamp }, closed);

export const ProjectSchema: TSchema = Type.Object(
  {
    id: Id,
    teamId: nullable(Id),
    name: Name,
    description: Type.String(),
    archivedAt: nullable(Type.String()),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  },
  closed,
);

const taskSummary = {
  id: Id,
  projectId: Id,
  title: Type.String(),
  status: StatusSchema,
  priority: PrioritySchema,
  assigneeId: nullable(UserId),
  assigneeName: nullable(Name),
  dueOn: nullable(Type.String({ format: 'date' })),
  labels: Type.Array(Type.String()),
  position: Type.Number(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

/** A task as lists and boards show it: without its description. */
export const TaskSummarySchema: TSchema = Type.Object(taskSummary, closed);

export const TaskSchema: TSchema = Type.Object(
  {
    ...taskSummary,
    description: Type.String(),
    createdById: nullable(UserId),
    createdByName: nullable(Name),
    completedAt: nullable(Type.String()),
    commentCount: Type.Integer(),
  },
  closed,
);

export const CommentSchema: TSchema = Type.Object(
  {
    id: Id,
    taskId: Id,
    authorId: nullable(UserId),
    authorName: nullable(Name),
    body: Type.String(),
    createdAt: Timestamp,
    editedAt: nullable(Type.String()),
  },
  closed,
);

export const ActivitySchema: TSchema = Type.Object(
  {
    id: Id,
    kind: Type.String(),
    actorId: nullable(UserId),
    actorName: nullable(Name),
    projectId: nullable(Id),
    projectName: nullable(Name),
    taskId: nullable(Id),
    taskTitle: nullable(Name),
    detail: Type.Object({}, { additionalProperties: true }),
    createdAt: Timestamp,
  },
  closed,
);

export const SearchHitSchema: TSchema = Type.Object(
  { ...taskSummary, rank: Type.Number(), excerpt: Type.String() },
  closed,
);

export const NotificationSchema: TSchema = Type.Object(
  {
    id: Id,
    kind: Type.String({ enum: ['digest', 'due', 'export'] }),
    projectId: nullable(Id),
    taskId: nullable(Id),
    detail: Type.Object({}, { additionalProperties: true }),
    createdAt: Timestamp,
    readAt: nullable(Type.String()),
  },
  closed,
);

export const ExportSchema: TSchema = Type.Object(
  {
    id: UserId,
    projectId: Id,
    status: Type.String({ enum: ['queued', 'running', 'done', 'failed'] }),
    rowCount: nullable(Type.Integer({ description: 'Tasks in the file.' })),
    isCut: Type.Boolean({ description: 'The project has more tasks than the file holds.' }),
    createdAt: Timestamp,
    finishedAt: nullable(Type.String()),
    expiresAt: Timestamp,
  },
  closed,
);
