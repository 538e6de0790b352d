import type { KeysetOrder } from '@teamflow/autopilot/page';

/** An order that a list is offered in, with the index that every page of it is one range of (004, 005, 007 and 008 in sql/, or that of a key). */
export interface IndexedOrder extends KeysetOrder {
  readonly index: string;
}

const taskId = { sql: 'tasks.id', type: 'bigint' } as const;
const created = { columns: [{ sql: 'tasks.created_at', type: 'timestamptz' }, taskId], index: 'tasks_created_idx' };
const updated = { columns: [{ sql: 'tasks.updated_at', type: 'timestamptz' }, taskId], index: 'tasks_updated_idx' };
/** Tasks without a due date sort as the last day there is; the indexes are on this very expression. */
const dueOn = { sql: `coalesce(tasks.due_on, 'infinity'::date)`, type: 'date' } as const;
const due = { columns: [dueOn, taskId], index: 'tasks_due_idx' };
/** The most urgent first, and of those what is due first. All in one direction: the other one would cut pages in two. */
const urgent = {
  columns: [
    { sql: `array_position(array['urgent', 'high', 'medium', 'low', 'none'], tasks.priority)`, type: 'integer' },
    dueOn,
    taskId,
  ],
  index: 'tasks_priority_idx',
};

/** What the list of tasks can be sorted by. A minus turns the order round. */
export type TaskSort = '-createdAt' | 'createdAt' | '-updatedAt' | 'updatedAt' | 'dueOn' | '-dueOn' | '-priority';

/** The orders of the list of tasks. */
export const taskOrders: Readonly<Record<TaskSort, IndexedOrder>> = {
  '-createdAt': { ...created, direction: 'descending' },
  createdAt: { ...created, direction: 'ascending' },
  '-updatedAt': { ...updated, direction: 'descending' },
  updatedAt: { ...updated, direction: 'ascending' },
  dueOn: { ...due, direction: 'ascending' },
  '-dueOn': { ...due, direction: 'descending' },
  '-priority': { ...urgent, direction: 'ascending' },
};

/** The names of the orders, the default first. */
export const taskSorts: readonly TaskSort[] = Object.keys(taskOrders) as TaskSort[]; // its keys are that type

const peopleByJoining: IndexedOrder = {
  columns: [
    { sql: 'people.created_at', type: 'timestamptz' },
    { sql: 'people.user_id', type: 'uuid' },
  ],
  direction: 'ascending',
  index: 'members_joined_idx',
};

const newestActivity = {
  columns: [
    { sql: 'activity.created_at', type: 'timestamptz' },
    { sql: 'activity.id', type: 'bigint' },
  ],
  direction: 'descending',
} as const;

type ListName =
  | 'activity'
  | 'taskActivity'
  | 'notifications'
  | 'comments'
  | 'members'
  | 'teamMembers'
  | 'organizationMembers'
  | 'myOrganizations'
  | 'organizations'
  | 'projects'
  | 'teams'
  | 'users'
  | 'administrativeCalls'
  | 'sessions'
  | 'search';

/** The orders of the lists that have one only. */
export const listOrders: Readonly<Record<ListName, IndexedOrder>> = {
  activity: { ...newestActivity, index: 'activity_created_idx' },
  taskActivity: { ...newestActivity, index: 'activity_task_idx' },
  notifications: {
    columns: [
      { sql: 'notifications.created_at', type: 'timestamptz' },
      { sql: 'notifications.id', type: 'bigint' },
    ],
    direction: 'descending',
    index: 'notifications_user_idx',
  },
  comments: {
    columns: [
      { sql: 'comments.created_at', type: 'timestamptz' },
      { sql: 'comments.id', type: 'bigint' },
    ],
    direction: 'ascending',
    index: 'comments_task_idx',
  },
  members: peopleByJoining,
  teamMembers: peopleByJoining,
  organizationMembers: {
    columns: [
      { sql: 'members.created_at', type: 'timestamptz' },
      { sql: 'members.user_id', type: 'uuid' },
    ],
    direction: 'ascending',
    index: 'members_joined_idx',
  },
  myOrganizations: {
    columns: [
      { sql: 'members.created_at', type: 'timestamptz' },
      { sql: 'members.organization_id', type: 'uuid' },
    ],
    direction: 'ascending',
    index: 'members_user_joined_idx',
  },
  // Names and addresses are unique and indexed for being so.
  organizations: {
    columns: [{ sql: 'organizations.slug', type: 'text' }],
    direction: 'ascending',
    index: 'organizations_slug_key',
  },
  projects: {
    columns: [{ sql: 'projects.name', type: 'text' }],
    direction: 'ascending',
    index: 'projects_organization_id_name_key',
  },
  teams: {
    columns: [{ sql: 'teams.name', type: 'text' }],
    direction: 'ascending',
    index: 'teams_organization_id_name_key',
  },
  users: { columns: [{ sql: 'users.email', type: 'text' }], direction: 'ascending', index: 'users_email_key' },
  administrativeCalls: {
    columns: [{ sql: 'administrative_calls.id', type: 'bigint' }],
    direction: 'descending',
    index: 'administrative_calls_pkey',
  },
  sessions: {
    columns: [
      { sql: 'sessions.created_at', type: 'timestamptz' },
      { sql: 'sessions.id', type: 'uuid' },
    ],
    direction: 'ascending',
    index: 'sessions_user_created_idx',
  },
  // The one order that no index can hold: each search ranks its own hits. The index finds them; all are sorted.
  search: {
    columns: [
      { sql: 'hit.rank', type: 'real' },
      { sql: 'hit.id', type: 'bigint' },
    ],
    direction: 'descending',
    index: 'tasks_search_idx',
  },
};
