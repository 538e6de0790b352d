import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Drives TeamFlow as its users do: many look, some search, few write. Arrivals come at random moments (a Poisson
 * process) whether earlier requests have ended or not, as from people who do not wait for each other.
 */

/** What was asked and what came of it. */
export interface TrafficReport {
  readonly requests: number;
  /** By status; 0: no answer. */
  readonly byStatus: ReadonlyMap<number, number>;
  readonly seconds: number;
}

export interface TrafficOptions {
  readonly url: string;
  readonly users: readonly { readonly email: string; readonly password: string }[];
  readonly durationMs: number;
  readonly requestsPerSecond: number;
  readonly onSecond?: (report: TrafficReport) => void;
}

interface Session {
  readonly cookie: string;
  readonly organization: string;
  readonly projects: readonly number[];
  readonly tasks: number[];
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

const words = [
  'audit',
  'coffee',
  'invoice',
  'migrate',
  'deploy',
  'contract',
  'printer',
  'onboarding',
  'release',
  'budget',
];
const statuses = ['backlog', 'todo', 'in_progress', 'in_review', 'done'];

/** Out of 100 calls, how many are of each kind; the rest of an ordinary day is left out. */
const mix: readonly (readonly [weight: number, call: (session: Session) => Call])[] = [
  [24, ({ organization }) => get(organization, `/tasks?status=${pick(statuses)}&limit=50`)],
  [6, ({ organization }) => get(organization, '/tasks?sort=-updatedAt&limit=50')],
  [16, ({ organization, tasks }) => get(organization, `/tasks/${pick(tasks)}`)],
  [10, ({ organization, tasks }) => get(organization, `/tasks/${pick(tasks)}/comments`)],
  [12, ({ organization, projects }) => get(organization, `/projects/${pick(projects)}/board`)],
  [6, ({ organization }) => get(organization, '/summary')],
  [7, ({ organization }) => get(organization, `/search?q=${pick(words)}`)],
  [5, ({ organization }) => get(organization, '/activity')],
  [3, ({ organization }) => get(organization, '/members')],
  [3, ({ organization }) => get(organization, '/projects')],
  [
    3,
    ({ organization, projects }) =>
      post(organization, '/tasks', { projectId: pick(projects), title: `Check the ${pick(words)}` }),
  ],
  [3, ({ organization, tasks }) => post(organization, `/tasks/${pick(tasks)}/move`, { status: pick(statuses) })],
  [
    2,
    ({ organization, tasks }) =>
      post(organization, `/tasks/${pick(tasks)}/comments`, { body: `About the ${pick(words)}.` }),
  ],
];

export async function driveTraffic(options: TrafficOptions): Promise<TrafficReport> {
  const sessions: Session[] = [];
  for (const user of options.users) sessions.push(await openSession(options.url, user));
  const byStatus = new Map<number, number>();
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  let due = began;
  let said = 0;
  const report = (): TrafficReport => ({
    requests: [...byStatus.values()].reduce((sum, count) => sum + count, 0),
    byStatus,
    seconds: (performance.now() - began) / 1000,
  });
  while (performance.now() - began < options.durationMs) {
    due += (-Math.log(1 - Math.random()) * 1000) / options.requestsPerSecond;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    const asked = ask(options.url, pick(sessions)).then((status) => {
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      underWay.delete(asked);
    });
    underWay.add(asked);
    if (report().seconds >= said + 1) {
      said++;
      options.onSecond?.(report());
    }
  }
  await Promise.all(underWay);
  return report();
}

/** Signs in and learns what there is to ask for. */
async function openSession(url: string, user: { readonly email: string; readonly password: string }): Promise<Session> {
  const answer = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify(user),
  });
  if (!answer.ok) throw new Error(`${user.email} can't sign in: ${answer.status} ${await answer.text()}`);
  await answer.text();
  const cookie = answer.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
  const list = async <Id>(path: string): Promise<Id[]> => {
    const response = await fetch(`${url}/api/v1${path}`, { headers: { cookie } });
    const { items } = (await response.json()) as { items: readonly { readonly id: Id }[] }; // `as`: our own API's lists
    return items.map(({ id }) => id);
  };
  const [organization] = await list<string>('/organizations');
  if (organization === undefined) throw new Error(`${user.email} is in no organization`);
  const base = `/organizations/${organization}`;
  return {
    cookie,
    organization,
    projects: await list(`${base}/projects?limit=200`),
    tasks: await list(`${base}/tasks?limit=200`),
  };
}

async function ask(url: string, session: Session): Promise<number> {
  const { method, path, body } = choose(session);
  try {
    const response = await fetch(url + path, {
      method,
      headers: {
        cookie: session.cookie,
        origin: url,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

function choose(session: Session): Call {
  let at = Math.random() * mix.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, call] of mix) {
    at -= weight;
    if (at < 0) return call(session);
  }
  return get(session.organization, '/tasks');
}

function get(organization: string, path: string): Call {
  return { method: 'GET', path: `/api/v1/organizations/${organization}${path}` };
}

function post(organization: string, path: string, body: object): Call {
  return { method: 'POST', path: `/api/v1/organizations/${organization}${path}`, body };
}

function pick<T>(choices: readonly T[]): T {
  const choice = choices[Math.floor(Math.random() * choices.length)];
  if (choice === undefined) throw new Error('There is nothing to choose from.');
  return choice;
}
