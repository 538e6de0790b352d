import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { LoadPlan } from '@teamflow/autopilot/load';

/** A server whose speed is known; see slow-server.ts. */
export interface SlowServer extends AsyncDisposable {
  readonly url: string;
}

export async function startSlowServer(...mode: readonly string[]): Promise<SlowServer> {
  const child = fork(new URL('./slow-server.ts', import.meta.url), mode, { execArgv: ['-C', 'source'] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what the server sends first
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** GET / as the plan's only step. */
export function planFor(target: string, load: LoadPlan['load'], warmupMs = 0): LoadPlan {
  return {
    name: 'verdicts',
    target,
    load,
    warmupMs,
    flows: [{ name: 'ok', steps: [{ name: 'ok', path: '/' }] }],
    abort: { errorRatio: 1, waitMs: 60_000 },
  };
}
