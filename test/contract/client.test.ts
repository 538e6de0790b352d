/** The typed client against a real control plane, over the network. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { tailOf } from '../../packages/autopilot/src/api/performance/frame-tail.ts';
import {
  ApiError,
  type Client,
  type ConnectionState,
  createClient,
  mergeFrame,
} from '../../packages/autopilot/src/client.ts';
import { configurationOperations } from '../../packages/autopilot/src/contract/configuration-operations.ts';
import type { Frame } from '../../packages/autopilot/src/contract/frame.ts';
import type { Dashboard, MetricsAnswer } from '../../packages/autopilot/src/contract/performance.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { busySecond, type ControlWorld, controlWorld, TOKEN } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

leakCheck(after);

async function liveWorld(): Promise<{ world: ControlWorld; client: Client; stop: () => Promise<void> }> {
  const world = await controlWorld({ clock: systemClock });
  const agent = world.link('one');
  const second = (): number => Math.floor(Date.now() / 1000) * 1000;
  await agent.windows(Array.from({ length: 60 }, (_, back) => busySecond(second() - (60 - back) * 1000)));
  let last = second();
  const timer = setInterval(() => {
    if (second() === last) return;
    void agent.windows([busySecond(last)]);
    last = second();
  }, 20);
  const client = createClient({ baseUrl: world.plane.address, token: () => TOKEN });
  return {
    world,
    client,
    stop: async () => {
      clearInterval(timer);
      await world[Symbol.asyncDispose]();
    },
  };
}

describe('calls', () => {
  it('has each call under /config under the name of its operation', () => {
    const client = createClient({ baseUrl: '' });
    assert.deepEqual(
      Object.keys(configurationOperations).filter((id) => !Object.hasOwn(client, id)),
      [],
    );
  });

  it('are answered with their types, or reject with the problem', async () => {
    const { world, client, stop } = await liveWorld();
    try {
      assert.equal((await client.getDashboard({ minutes: 1 })).service, 'orders');
      const metrics = await client.getMetrics({ kind: 'route', route: 'GET /tasks', measure: ['p95Ms', 'requests'] });
      assert.deepEqual(Object.keys(metrics.frame.columns), ['p95Ms', 'requests']);
      assert.equal((await client.getHealth()).components.length, 3);
      assert.equal((await client.listRoutes({ limit: 2 })).routes.length, 2);
      assert.equal((await client.listInstances()).instances.length, 1);
      const refused = await client.getDashboard({ minutes: 99 }).catch((error: unknown) => error);
      assert.ok(refused instanceof ApiError);
      assert.deepEqual([refused.status, refused.problem.code], [400, 'AP_PARAMETER_INVALID']);
      const stranger = createClient({ baseUrl: `${world.plane.address}/`, token: () => null });
      const unknown = await stranger.getHealth().catch((error: unknown) => error);
      assert.ok(unknown instanceof ApiError && unknown.status === 401);
      const left = AbortSignal.abort();
      await assert.rejects(client.getHealth({}, { signal: left }), { name: 'AbortError' });
    } finally {
      await stop();
    }
  });

  it('say when it was not the autopilot that answered', async () => {
    await using proxy = await serverOf((_, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'));
    const client = createClient({ baseUrl: proxy.address });
    const error = await client.getHealth().catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ApiError);
    assert.equal(error.problem.code, 'AP_ANSWER_UNREADABLE');
    assert.match(error.problem.detail, /502.*Bad gateway/);
  });
});

describe('streams', () => {
  it('give the dashboard each second, whole, and end when they are left', async () => {
    const { world, client, stop } = await liveWorld();
    try {
      const seen: Dashboard[] = [];
      const at: number[] = [];
      for await (const dashboard of client.streamDashboard({ minutes: 1 })) {
        seen.push(dashboard);
        at.push(performance.now());
        if (seen.length === 4) break;
      }
      for (const { trends, health } of seen) {
        assert.equal(trends['traffic']?.at.length, 60);
        assert.equal(trends['traffic'].columns['requestRate']?.length, 60);
        assert.equal(health.trend.at.length, 360);
      }
      const [first, , , last] = seen;
      const moved = (last?.trends['traffic']?.at.at(-1) ?? 0) - (first?.trends['traffic']?.at.at(-1) ?? 0);
      assert.ok(moved >= 2000 && moved <= 4000, `moved by ${moved} ms`);
      const took = (at[3] ?? 0) - (at[1] ?? 0);
      assert.ok(took > 1500 && took < 3000, `two events took ${took} ms`);
      // Its points are those that a call of now gives, where both have them.
      const whole = await client.getDashboard({ minutes: 1 });
      const merged = last?.trends['traffic'];
      const asked = whole.trends['traffic'];
      for (const [index, point] of (merged?.at ?? []).entries()) {
        const there = asked?.at.indexOf(point) ?? -1;
        if (there < 0) continue;
        assert.equal(merged?.columns['requestRate']?.[index], asked?.columns['requestRate']?.[there]);
      }
      await until(() => streamsOf(world) === 0);
    } finally {
      await stop();
    }
  });

  it('end without an error when their signal aborts, also while they wait', async () => {
    const { client, stop } = await liveWorld();
    try {
      const leaving = new AbortController();
      let events = 0;
      for await (const _ of client.streamMetrics({ kind: 'runtime' }, { signal: leaving.signal })) {
        if (++events === 2) leaving.abort();
      }
      assert.equal(events, 2);
    } finally {
      await stop();
    }
    const nowhere = createClient({ baseUrl: 'http://127.0.0.1:9' });
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(), 300);
    for await (const _ of nowhere.streamDashboard({}, { signal: leaving.signal })) assert.fail('nobody is there');
  });

  it('reject when asking again can not help', async () => {
    const { world, client, stop } = await liveWorld();
    try {
      const stranger = createClient({ baseUrl: world.plane.address, token: () => 'x'.repeat(40) });
      await assert.rejects(
        firstOf(stranger.streamDashboard()),
        (error) => error instanceof ApiError && error.status === 401,
      );
      const misspelt = client.streamMetrics({ kind: 'route', route: 'GET /nothing' });
      await assert.rejects(firstOf(misspelt), (error) => error instanceof ApiError && error.status === 404);
    } finally {
      await stop();
    }
  });

  it('come back after the control plane was gone, and start whole', async () => {
    const first = await controlWorld({ clock: systemClock });
    const { port } = first.plane;
    const agent = first.link('one');
    await agent.windows([busySecond(Math.floor(Date.now() / 1000) * 1000 - 1000)]);
    const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, token: () => TOKEN });
    const states: ConnectionState['state'][] = [];
    const leaving = new AbortController();
    const seen: MetricsAnswer[] = [];
    const done = (async () => {
      const onConnection = ({ state }: ConnectionState): number => states.push(state);
      for await (const answer of client.streamMetrics({ kind: 'route' }, { signal: leaving.signal, onConnection })) {
        seen.push(answer);
      }
    })();
    await until(() => seen.length >= 2);
    await first[Symbol.asyncDispose]();
    await until(() => states.includes('waiting'));
    await delay(600);
    await using _second = await controlWorld({ clock: systemClock, port });
    const before = seen.length;
    await until(() => seen.length > before);
    assert.equal(seen.at(-1)?.service, '(none)');
    assert.equal(seen.at(-1)?.frame.at.length, 300);
    leaving.abort();
    await done;
    assert.deepEqual(states.slice(0, 4), ['connecting', 'open', 'waiting', 'connecting']);
  });

  it('are read whatever pieces they come in, and wait as they are told', async () => {
    let asked = 0;
    const text = `: hello\r\nretry: 1\n\nevent: metrics\ndata: {"frame":{"at":[1],"stepMs":1,\ndata: "columns":{"ü":[1]},"complete":true}}\n\n`;
    await using server = await serverOf((_, response) => {
      if (++asked === 1) {
        response.writeHead(429, { 'retry-after': '1', 'content-type': 'application/problem+json' });
        response.end('{"title":"Too many","detail":"x","status":429,"code":"AP_TOO_MANY_STREAMS","type":"x"}');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      void (async () => {
        for (const byte of Buffer.from(text)) {
          response.write(Buffer.of(byte));
          await delay(0);
        }
      })();
    });
    const started = performance.now();
    const client = createClient({ baseUrl: server.address });
    const answer = await firstOf(client.streamMetrics({ kind: 'route' }));
    assert.deepEqual(answer.frame, { at: [1], stepMs: 1, columns: { ü: [1] }, complete: true });
    assert.ok(performance.now() - started >= 1000);
  });
});

describe('mergeFrame', () => {
  const frame = (from: number, values: readonly (number | null)[], complete = true): Frame => ({
    at: values.map((_, index) => from + index),
    stepMs: 1,
    columns: { a: values },
    complete,
  });

  it('puts the points of a tail in by their time and stays as long', () => {
    const before = frame(0, [0, 1, 2, 3, 4]);
    assert.deepEqual(mergeFrame(before, frame(4, [40, 5])), frame(1, [1, 2, 3, 40, 5]));
    assert.deepEqual(mergeFrame(before, frame(5, [5, 6])), frame(2, [2, 3, 4, 5, 6]));
    assert.deepEqual(mergeFrame(before, frame(3, [3, 4])), before);
    assert.deepEqual(mergeFrame(before, frame(7, [1, 2, 3, 4, 5, 6])), frame(7, [1, 2, 3, 4, 5, 6]));
    assert.deepEqual(mergeFrame(before, frame(0, [])), before);
    assert.equal(mergeFrame(before, frame(4, [4], false)).complete, false);
    const coarser = { ...frame(4, [9]), stepMs: 2 };
    assert.deepEqual(mergeFrame(before, coarser), coarser);
    const more = { ...frame(4, [9]), columns: { a: [9], b: [8] } };
    assert.deepEqual(mergeFrame(before, more).columns, { a: [0, 1, 2, 3, 9], b: [null, null, null, null, 8] });
  });
});

describe('what the server cuts', () => {
  it('is put together again by the client', () => {
    const frame = (from: number, values: readonly (number | null)[]): Frame => ({
      at: values.map((_, index) => (from + index) * 1000),
      stepMs: 1000,
      columns: { a: values },
      complete: true,
    });
    const column = fc.array(fc.option(fc.integer({ min: 0, max: 3 })), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(column, column, fc.nat({ max: 50 }), fc.boolean(), (a, b, shift, same) => {
        const before = frame(0, a);
        const now = frame(shift, same ? [...a.slice(shift), ...b].slice(0, 40) : b);
        assert.deepEqual(mergeFrame(before, tailOf(now, before)), now);
      }),
    );
  });
});

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<Item> {
  for await (const item of items) return item;
  throw new Error('nothing came');
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it did not come within 10 s');
    await delay(20);
  }
}

function streamsOf(world: ControlWorld): number {
  return world.plane.openStreams;
}

async function serverOf(
  listener: Parameters<typeof createServer>[1],
): Promise<AsyncDisposable & { readonly address: string }> {
  const server: Server = createServer(listener as Parameters<typeof createServer>[0]);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
