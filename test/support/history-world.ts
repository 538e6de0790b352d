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

/** Requests of the route "GET /query" since `from`, a full minute, as the control plane answers from history. */
export async function requestsKept(client: Client, from: number): Promise<number> {
  const { frame } = await client.getMetrics({
    kind: 'route',
    route: 'GET /query',
    measure: ['requests'],
    from: new Date(from).toISOString(),
    to: new Date(Math.ceil(Date.now() / 60_000) * 60_000).toISOString(),
    step: 60_000,
  });
  return (frame.columns['requests'] ?? []).reduce((sum: number, value) => sum + (value ?? 0), 0);
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
