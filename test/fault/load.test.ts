/** A load test stops before it hurts: at each limit, by the stop button, with its owner. Times are the target's own. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AbortLimits, LoadPlan } from '../../packages/autopilot/src/load/plan.ts';
import type { LoadResult } from '../../packages/autopilot/src/load/result.ts';
import { type RunLoadOptions, runLoad } from '../../packages/autopilot/src/load/run-load.ts';
import type { TargetVitals } from '../../packages/autopilot/src/load/shared-state.ts';
import { leakCheck } from '../support/leak-check.ts';
import { loadTarget, type TargetAnswer } from '../support/load-target.ts';
import { until } from '../support/until.ts';

leakCheck(after);

/** From the moment a limit is crossed to the last request. */
const PROMISED_MS = 1000;

interface Tried {
  readonly result: LoadResult;
  /** From the trouble's beginning to the last request that the target received. */
  readonly lastAfterMs: number;
}

/** Runs 10 s of load against a target that gets into trouble after 600 ms, and tells how long requests still came. */
async function tryAbort(
  trouble: () => Promise<TargetAnswer | undefined> | TargetAnswer,
  abort: AbortLimits,
  more: {
    plan?: Partial<LoadPlan>;
    options?: (troubled: () => boolean) => RunLoadOptions;
    onTrouble?: () => void;
  } = {},
): Promise<Tried> {
  let first = 0;
  let last = 0;
  let crossedAt = Number.POSITIVE_INFINITY;
  const troubled = (): boolean => performance.now() >= crossedAt;
  await using target = await loadTarget('http', () => {
    const now = performance.now();
    if (first === 0) {
      first = now;
      crossedAt = now + 600;
      setTimeout(() => more.onTrouble?.(), 600);
    }
    last = now;
    return troubled() ? trouble() : {};
  });
  const result = await runLoad(
    {
      name: 'abort',
      target: target.origin,
      load: { kind: 'arrivals', users: 50, stages: [{ durationMs: 10_000, ratePerSecond: 200 }] },
      flows: [{ name: 'get', steps: [{ name: 'get', path: '/' }] }],
      abort,
      ...more.plan,
    },
    more.options?.(troubled),
  );
  await delay(300);
  return { result, lastAfterMs: last - crossedAt };
}

function assertAborted({ result, lastAfterMs }: Tried, reason: string, crossingMs: number): void {
  assert.equal(result.state, reason === 'requested' ? 'stopped' : 'aborted');
  assert.equal(result.stop?.reason, reason);
  assert.ok(
    lastAfterMs - crossingMs <= PROMISED_MS,
    `the last request came ${Math.round(lastAfterMs - crossingMs)} ms after the limit was crossed: ${result.stop.message}`,
  );
  const { measured } = result;
  assert.equal(measured.requests, measured.done + measured.failed + measured.timedOut + measured.unfinished);
}

/** Never answers. */
const hang = (): Promise<undefined> => Promise.resolve(undefined);

// They mostly wait.
describe('a load test ends itself within a second', { concurrency: 3 }, () => {
  it('when requests fail', async () => {
    // With half of the last second's requests failed the ratio is over its limit: 500 ms after the first failure.
    assertAborted(await tryAbort(() => ({ status: 500 }), { errorRatio: 0.5 }), 'error-ratio', 500);
  });

  it('when the target gets slow', async () => {
    const slow = async (): Promise<TargetAnswer> => {
      await delay(400);
      return {};
    };
    assertAborted(await tryAbort(slow, { p95Ms: 300 }), 'latency', 300);
  });

  it('when the target answers no more, in the open and in the closed model', async () => {
    assertAborted(await tryAbort(hang, { p99Ms: 200 }), 'latency', 200);
    const closed = { load: { kind: 'users', stages: [{ durationMs: 10_000, users: 6 }], thinkMs: 20 } } as const;
    assertAborted(await tryAbort(hang, { p99Ms: 200 }, { plan: closed }), 'latency', 200);
  });

  it('when the asked rate cannot be reached', async () => {
    assertAborted(await tryAbort(hang, { waitMs: 300 }), 'rate-unreachable', 550);
    const narrow = { kind: 'arrivals', users: 5, maxWaiting: 20 } as const;
    const load = { ...narrow, stages: [{ durationMs: 10_000, ratePerSecond: 200 }] };
    assertAborted(await tryAbort(hang, {}, { plan: { load } }), 'rate-unreachable', 125);
  });

  for (const [limit, reason, value] of [
    ['eventLoopDelayMs', 'event-loop-delay', 900],
    ['cpuCores', 'cpu', 1.9],
    ['rssBytes', 'memory', 3e9],
    ['databaseConnections', 'database-connections', 40],
  ] as const) {
    it(`when the target's own ${limit} passes its limit`, async () => {
      const vitals = (troubled: boolean): TargetVitals => ({ [limit]: troubled ? value : value / 10 });
      const tried = await tryAbort(
        () => ({}),
        { [limit]: value / 2 },
        {
          options: (troubled) => ({ probe: () => Promise.resolve(vitals(troubled())) }),
        },
      );
      assertAborted(tried, reason, 0);
    });
  }

  it('when nothing more is heard of the target itself', async () => {
    const tried = await tryAbort(
      () => ({}),
      { rssBytes: 1e9 },
      {
        options: (troubled) => ({
          probe: () => (troubled() ? Promise.reject(new Error('gone')) : Promise.resolve({ rssBytes: 1e8 })),
        }),
      },
    );
    // It is stale after two seconds.
    assertAborted(tried, 'vitals-missing', 2000);
  });

  it('by the stop button', async () => {
    const stop = new AbortController();
    const tried = await tryAbort(
      () => ({}),
      {},
      {
        onTrouble: () => stop.abort(),
        options: () => ({ signal: stop.signal }),
      },
    );
    assertAborted(tried, 'requested', 0);
    assert.ok(tried.lastAfterMs < 200, `stopped after ${tried.lastAfterMs} ms`);
    assert.ok(tried.result.measured.done > 50);
  });

  it('before it has begun', async () => {
    const stop = new AbortController();
    let prepared = 0;
    await using target = await loadTarget('http', async () => {
      prepared++;
      if (prepared === 3) stop.abort();
      await delay(300);
      return {};
    });
    const result = await runLoad(
      {
        name: 'early',
        target: target.origin,
        load: { kind: 'users', stages: [{ durationMs: 2000, users: 100 }] },
        prepare: [{ name: 'sign in', path: '/sign-in' }],
        flows: [{ name: 'get', steps: [{ name: 'get', path: '/' }] }],
      },
      { signal: stop.signal },
    );
    assert.equal(result.state, 'stopped');
    assert.equal(result.measured.requests, 0);
    assert.ok(prepared < 30, `${prepared} signed in`);
  });
});

describe('a load test whose owner', () => {
  const owner = fileURLToPath(new URL('../support/load-owner.ts', import.meta.url));

  it('is blocked still ends itself', async () => {
    let last = 0;
    let failing = Number.POSITIVE_INFINITY;
    await using target = await loadTarget('http', () => {
      last = performance.now();
      if (failing === Number.POSITIVE_INFINITY) failing = last + 1000;
      return { status: last > failing ? 500 : 200 };
    });
    // The owner's event loop stands still for five seconds, from 700 ms after the first answer on.
    const child = fork(owner, [target.origin, 'block'], { execArgv: ['-C', 'source'] });
    const [said] = (await once(child, 'message')) as [{ reason: string }];
    assert.equal(said.reason, 'error-ratio');
    assert.ok(last - failing < PROMISED_MS + 500, `the last request came ${last - failing} ms after the first failure`);
    await once(child, 'exit');
  });

  // `runner`: the process of the test is another one, which its owner's death tells by the end of their channel.
  for (const [what, promisedMs] of [
    ['wait', 100],
    ['runner', PROMISED_MS],
  ] as const) {
    it(`is killed ends with it (${what})`, async () => {
      let last = 0;
      let count = 0;
      await using target = await loadTarget('http', () => {
        last = performance.now();
        count++;
        return {};
      });
      const child = fork(owner, [target.origin, what], { execArgv: ['-C', 'source'] });
      while (count < 100) await delay(10);
      const killedAt = performance.now();
      child.kill('SIGKILL');
      await once(child, 'exit');
      await until(
        30_000,
        () => Promise.resolve(target.connections().open),
        (open) => open === 0,
      );
      assert.ok(last - killedAt < promisedMs, `the last request came ${last - killedAt} ms after the kill`);
    });
  }
});
