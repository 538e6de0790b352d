import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { AbortLimits, LoadPlan } from '../../packages/autopilot/src/load/plan.ts';

/** What the target says of itself; see target.ts. */
export interface TargetReport {
  readonly connections: number;
  readonly requests: number;
  /** From the trouble's beginning to the last request; null: there was no trouble. */
  readonly lastAfterMs: number | null;
  readonly troubled: boolean;
}

export interface Target extends AsyncDisposable {
  readonly url: string;
  report(): Promise<TargetReport>;
  onTrouble(listener: () => void): void;
}

export async function startTarget(...mode: readonly string[]): Promise<Target> {
  const child: ChildProcess = fork(new URL('./target.ts', import.meta.url), mode, { execArgv: ['-C', 'source'] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]; // `as`: what the target sends first
  return {
    url: `http://127.0.0.1:${port}`,
    async report() {
      const answered = new Promise<TargetReport>((resolve) => {
        const listener = (message: unknown): void => {
          if (message === 'trouble') return;
          child.off('message', listener);
          resolve(message as TargetReport); // what it answers
        };
        child.on('message', listener);
      });
      child.send('report');
      return answered;
    },
    onTrouble(listener) {
      child.on('message', (message) => {
        if (message === 'trouble') listener();
      });
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** GET / as the plan's only step. */
export function planFor(url: string, load: LoadPlan['load'], abort: AbortLimits): LoadPlan {
  return {
    name: 'limits',
    target: url,
    load,
    flows: [{ name: 'hello', steps: [{ name: 'hello', path: '/', expect: { status: 200 } }] }],
    abort,
  };
}
