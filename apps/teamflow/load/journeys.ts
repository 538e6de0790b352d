import type { Flow, LoadPlan, Step } from '@teamflow/autopilot/load';

/** What people do in TeamFlow, as parts of load plans. Each journey takes away what it makes. */

const organization = '/api/v1/organizations/${organization}';
/** Pauses as people make them, for plans that want them: most are short, some are long. */
const reading = { meanMs: 2000 };
const status = '${pick("backlog", "todo", "in_progress", "in_review", "done")}';
const word =
  '${pick("audit", "coffee", "invoice", "migrate", "deploy", "contract", "printer", "onboarding", "release", "budget")}';

/** Somebody else may have deleted meanwhile what a list showed. */
const there = { status: [200, 404] };
/** What the sample data made long ago; tasks that a load test makes are due later. */
const overdue = `${organization}/tasks?dueTo=\${date(0)}&limit=50`;

/**
 * Signs each user in and finds the organization and the projects to work on. Sign-in is throttled by the caller's address:
 * more than ten users need a TeamFlow that believes this machine's X-Forwarded-For (TEAMFLOW_TRUSTED_PROXIES=127.0.0.1).
 */
export const signIn: readonly Step[] = [
  {
    name: 'sign in',
    method: 'POST',
    path: '/api/auth/sign-in/email',
    headers: { 'x-forwarded-for': '${members.address}' },
    body: { json: { email: '${members.email}', password: '${members.password}' } },
  },
  {
    name: 'organizations',
    path: '/api/v1/organizations',
    take: { organization: { json: 'items[0].id' } },
  },
  {
    name: 'projects',
    path: `${organization}/projects?limit=200`,
    take: { projects: { json: 'items[].id' } },
  },
];

export const signOut: readonly Step[] = [
  { name: 'sign out', method: 'POST', path: '/api/auth/sign-out', body: { json: {} } },
];

/** Looks through a column of tasks, opens one and reads what was said about it. */
export const browse: Flow = {
  name: 'browse',
  steps: [
    {
      name: 'tasks by status',
      path: `${organization}/tasks?status=${status}&limit=50`,
      take: { task: { json: 'items[*].id', optional: true } },
      thinkMs: reading,
    },
    { name: 'task', path: `${organization}/tasks/\${task}`, expect: there, thinkMs: reading },
    { name: 'comments', path: `${organization}/tasks/\${task}/comments`, expect: there },
  ],
};

/** Opens a board and one of its cards. */
export const board: Flow = {
  name: 'board',
  steps: [
    {
      name: 'board',
      path: `${organization}/projects/\${pick(projects)}/board`,
      take: { task: { json: 'columns[*].tasks[*].id', optional: true } },
      thinkMs: reading,
    },
    { name: 'task', path: `${organization}/tasks/\${task}`, expect: there },
  ],
};

/** Moves a card to another column of its board, and back to where it was. */
export const moveCard: Flow = {
  name: 'move card',
  steps: [
    {
      name: 'overdue tasks',
      path: overdue,
      take: { card: { json: 'items[*]', optional: true } },
      thinkMs: reading,
    },
    {
      name: 'move',
      method: 'POST',
      path: `${organization}/tasks/\${card.id}/move`,
      body: { json: { status } },
      thinkMs: reading,
    },
  ],
  cleanUp: [
    {
      name: 'move back',
      method: 'POST',
      path: `${organization}/tasks/\${card.id}/move`,
      body: { json: { status: '${card.status}' } },
    },
  ],
};

export const search: Flow = {
  name: 'search',
  steps: [
    {
      name: 'search',
      path: `${organization}/search?q=${word}`,
      take: { task: { json: 'items[*].id', optional: true } },
      thinkMs: reading,
    },
    { name: 'task', path: `${organization}/tasks/\${task}`, expect: there },
  ],
};

/** What one looks at in the morning. */
export const overview: Flow = {
  name: 'overview',
  steps: [
    { name: 'summary', path: `${organization}/summary`, thinkMs: reading },
    { name: 'activity', path: `${organization}/activity`, thinkMs: reading },
    { name: 'recent tasks', path: `${organization}/tasks?sort=-updatedAt&limit=50` },
  ],
};

/** Comments on a task, thinks better of it and takes the comment back. */
export const comment: Flow = {
  name: 'comment',
  steps: [
    {
      name: 'overdue tasks',
      path: overdue,
      take: { task: { json: 'items[*].id', optional: true } },
      thinkMs: reading,
    },
    {
      name: 'add comment',
      method: 'POST',
      path: `${organization}/tasks/\${task}/comments`,
      body: { json: { body: 'About the ${words(6)}.' } },
      expect: { status: 201 },
      take: { comment: { json: 'id' } },
      thinkMs: reading,
    },
    { name: 'comments', path: `${organization}/tasks/\${task}/comments` },
  ],
  cleanUp: [
    {
      name: 'delete comment',
      method: 'DELETE',
      path: `${organization}/tasks/\${task}/comments/\${comment}`,
      expect: { status: 204 },
    },
  ],
};

/** Makes a task, works on it and deletes it. */
export const write: Flow = {
  name: 'write',
  steps: [
    {
      name: 'create task',
      method: 'POST',
      path: `${organization}/tasks`,
      body: {
        json: {
          projectId: '${pick(projects)}',
          title: 'Load test ${run}: ${words(4)}',
          description: '${words(40)}',
          priority: '${pick("none", "low", "medium", "high")}',
          dueOn: '${date(14)}',
        },
      },
      expect: { status: 201 },
      take: { made: { json: 'id' } },
      thinkMs: reading,
    },
    {
      name: 'move',
      method: 'POST',
      path: `${organization}/tasks/\${made}/move`,
      body: { json: { status: 'in_progress' } },
      thinkMs: reading,
    },
    {
      name: 'edit task',
      method: 'PATCH',
      path: `${organization}/tasks/\${made}`,
      body: { json: { description: '${words(60)}', status: 'done' } },
      expect: { json: { id: '${made}' } },
    },
  ],
  cleanUp: [
    {
      name: 'delete task',
      method: 'DELETE',
      path: `${organization}/tasks/\${made}`,
      expect: { status: 204 },
    },
  ],
};

/** The flows with other shares. */
export function weighted(...flows: readonly (readonly [weight: number, flow: Flow])[]): readonly Flow[] {
  return flows.map(([weight, flow]) => ({ ...flow, weight }));
}

/** The flows as a machine would do them: without pauses. */
export function withoutPauses(flows: readonly Flow[]): readonly Flow[] {
  return flows.map((flow) => ({
    ...flow,
    steps: flow.steps.map((step) => ({ ...step, thinkMs: 0 })),
  }));
}

/** An ordinary day's mix: most people look, some search, few write. */
export const everyday: readonly Flow[] = weighted(
  [40, browse],
  [22, board],
  [12, search],
  [12, overview],
  [5, comment],
  [5, moveCard],
  [4, write],
);

/** What all plans for TeamFlow share. */
export const teamflow: Omit<LoadPlan, 'name' | 'load' | 'flows'> = {
  target: 'http://127.0.0.1:3000',
  // A change by session must come from a page of the same site.
  headers: { origin: '${origin}', accept: 'application/json' },
  data: { members: { file: 'members.json', pick: 'user' } },
  prepare: signIn,
  finish: signOut,
  abort: { errorRatio: 0.1, p95Ms: 5000 },
};
