import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startTeamFlow, type TeamFlowProcess } from '../../tools/teamflow-process.ts';
import type { TestDatabase } from './postgres.ts';
import { type StoreDoor, storeDoor } from './store-door.ts';

/** A whole TeamFlow whose only way to its database is a door, with its administrator signed in. */
export interface TeamFlowBehindDoor extends AsyncDisposable {
  readonly teamflow: TeamFlowProcess;
  readonly door: StoreDoor;
  /** A way to the database beside the door. */
  readonly pool: pg.Pool;
  readonly cookie: string;
}

/** What the database is said to be opened with; the tests' servers do not ask. */
export const DATABASE_PASSWORD = 'the-password-of-the-database-4711';

/** Starts it without sample data. `variables` are added to its environment. */
export async function teamflowBehindDoor(
  database: TestDatabase,
  variables: Readonly<Record<string, string>> = {},
): Promise<TeamFlowBehindDoor> {
  await using ending = new AsyncDisposableStack();
  const state = await mkdtemp(join(tmpdir(), 'teamflow-door-'));
  ending.defer(() => rm(state, { recursive: true, force: true }));
  const door = await storeDoor({ after: (fn) => ending.defer(async () => await fn()) }, database);
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  ending.defer(() => pool.end());
  const DATABASE_URL = door.url.replace('postgres@', `postgres:${DATABASE_PASSWORD}@`);
  const teamflow = ending.use(await startTeamFlow(state, { DATABASE_URL, TEAMFLOW_DATA: 'none', ...variables }));
  const answer = await trySignIn(teamflow, teamflow.administrator.password);
  assert.equal(answer.status, 200);
  const cookies = answer.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
  const kept = ending.move();
  return { teamflow, door, pool, cookie: cookies.join('; '), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Signs the administrator in with this password, as the page does. */
export async function trySignIn(teamflow: TeamFlowProcess, password: string): Promise<Response> {
  return await fetch(`${teamflow.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: teamflow.url },
    body: JSON.stringify({ email: teamflow.administrator.email, password }),
  });
}
