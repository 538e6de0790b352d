import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@teamflow/autopilot/client';
import { startServer } from '../databases/bench-database.ts';
import type { Tries } from './load-aborts.ts';
import { type Order, type Reading, TROUBLES } from './orders.ts';

type Trouble = keyof typeof TROUBLES;

const names: Readonly<Record<Trouble, string>> = {
  cpu: 'cpuCores of the target over 0.5',
  delay: 'eventLoopDelayMs of the target over 200',
  memory: 'rssBytes of the target 150 MB beyond what it had',
  connections: 'databaseConnections of the target over 5',
};
const limits: Readonly<Record<Trouble, string>> = {
  cpu: 'cpuCores',
  delay: 'eventLoopDelayMs',
  memory: 'rssBytes',
  connections: 'databaseConnections',
};
/** Requests that are seen before the trouble begins. */
const CALM_REQUESTS = 50;
const LOOK_MS = 25;
const LONGEST_MS = 30_000;

/** Tries of what is the target's own, and of the stop button, through an application's agent and its control plane. */
export async function serviceAborts(tries: number, log: (line: string) => void): Promise<readonly Tries[]> {
  await using database = await startServer(18);
  await using application = await startApplication(database.server.url('postgres'));
  const found: Tries[] = [];
  // `as`: the keys of a constant.
  for (const trouble of [...(Object.keys(TROUBLES) as Trouble[]), null]) {
    const safeguard = trouble === null ? 'stop button, through the API' : names[trouble];
    log(`load-aborts: ${safeguard}, ${tries} tries`);
    const timesMs: number[] = [];
    let wrong = 0;
    for (let attempt = 0; attempt < tries; attempt++) {
      const { lastAfterMs, right } = await tryOnce(application, trouble);
      timesMs.push(Math.max(0, lastAfterMs));
      if (!right) wrong++;
    }
    found.push({ safeguard, timesMs, wrong });
  }
  return found;
}

interface Application extends AsyncDisposable {
  readonly url: string;
  readonly client: Client;
  readonly tell: (order: Order) => Promise<Reading>;
}

async function tryOnce(
  { client, tell }: Application,
  trouble: Trouble | null,
): Promise<{ readonly lastAfterMs: number; readonly right: boolean }> {
  const { rssBytes } = await tell('begin');
  const limit = trouble === null ? 0 : TROUBLES[trouble].limit + (trouble === 'memory' ? rssBytes : 0);
  const { id } = await client.startLoadTest({
    plan: {
      name: trouble ?? 'stop button',
      load: { kind: 'arrivals', users: 20, stages: [{ durationMs: LONGEST_MS, ratePerSecond: 200 }] },
      flows: [{ name: 'get', steps: [{ name: 'get', path: '/' }] }],
      ...(trouble === null ? {} : { abort: { [limits[trouble]]: limit } }),
    },
  });
  while ((await tell('read')).requests < CALM_REQUESTS) await sleep(LOOK_MS);
  let pressedAt: number | null = null;
  if (trouble === null) {
    pressedAt = Date.now();
    await client.stopLoadTest(id);
  } else await tell(trouble);
  let test = await client.getLoadTest(id);
  for (; test.state === 'running'; test = await client.getLoadTest(id)) await sleep(LOOK_MS);
  const { crossedAt, lastRequestAt } = await tell('read');
  const from = pressedAt ?? crossedAt;
  const right = trouble === null ? test.state === 'stopped' : test.reason?.includes(`(${limits[trouble]},`) === true;
  return { lastAfterMs: from === null ? Number.POSITIVE_INFINITY : lastRequestAt - from, right };
}

async function startApplication(databaseUrl: string): Promise<Application> {
  const token = randomBytes(24).toString('hex');
  const child: ChildProcess = fork(new URL('./watched-application.ts', import.meta.url), [databaseUrl], {
    execArgv: ['-C', 'source', '--expose-gc'],
    env: { ...process.env, AUTOPILOT_TOKEN: token },
  });
  // `as`: what the application sends first.
  const [{ url, controlPlane }] = (await once(child, 'message')) as [{ url: string; controlPlane: string }];
  return {
    url,
    client: createClient({ baseUrl: controlPlane, token: () => token }),
    async tell(order) {
      child.send(order);
      const [reading] = (await once(child, 'message')) as [Reading]; // `as`: what it answers
      return reading;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
