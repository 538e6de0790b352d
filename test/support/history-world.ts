import type { Client } from '@teamflow/autopilot/client';
import pg from 'pg';
import type { HostApplication } from './host-application.ts';

/** The part of an agent's status that is about history. */
export interface AgentState {
  readonly history: {
    readonly state: string;
    readonly reason: string | null;
    readonly waitingWindows: number;
    readonly lostWindows: number;
  };
}

/** What the agent of a host application says. */
export async function agentState(host: HostApplication): Promise<AgentState> {
  return (await (await fetch(`${host.url}/agent`)).json()) as AgentState; // our own route
}

/** What a control plane says of the requests of a route, of all instances. */
export interface RequestsTold {
  readonly requests: number;
  readonly complete: boolean;
}

/** Requests of the route "GET /query" from `from`, a full minute, to the end of the minute `until`, as the control plane answers from history. */
export async function requestsTold(client: Client, from: number, until: number = Date.now()): Promise<RequestsTold> {
  const { frame } = await client.getMetrics({
    kind: 'route',
    route: 'GET /query',
    measure: ['requests'],
    from: new Date(from).toISOString(),
    to: new Date(Math.ceil(until / 60_000) * 60_000).toISOString(),
    step: 60_000,
  });
  const requests = (frame.columns['requests'] ?? []).reduce((sum: number, value) => sum + (value ?? 0), 0);
  return { requests, complete: frame.complete };
}

/** The number of them alone, also of those that an application noted whose clock is up to a minute ahead. */
export async function requestsKept(client: Client, from: number): Promise<number> {
  return (await requestsTold(client, from, Date.now() + 60_000)).requests;
}

/** Windows that were handed in to a store. */
export async function storedWindows(url: string): Promise<number> {
  const { rows } = await withClient(url, (db) =>
    db.query<{ count: number }>(
      `SELECT n_tup_ins::integer AS count FROM pg_stat_user_tables WHERE schemaname = 'autopilot' AND relname = 'unfolded_windows'`,
    ),
  );
  return rows[0]?.count ?? 0;
}

/** Asks a database over a connection that is closed afterwards. */
export async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
