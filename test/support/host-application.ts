import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A small Fastify application with the autopilot, in a process of its own, its control plane as its child, or where AUTOPILOT_URL says. */
export interface HostApplication extends AsyncDisposable {
  readonly url: string;
  readonly controlPlaneUrl: string;
  readonly token: string;
  /** The application itself. */
  readonly child: ChildProcess;
  /** Process id of the control plane now. */
  controlPlanePid(): Promise<number>;
}

const programs = {
  small: new URL('./host-application-process.ts', import.meta.url),
  teamflow: new URL('./teamflow-linked-process.ts', import.meta.url),
} as const;

const token = 'token-of-the-test-'.padEnd(40, 'x');

/**
 * Routes: `/` answers at once, `/block?ms=` keeps the event loop busy, `/control-plane` names its process, `/agent` is the
 * agent's status; `/query` asks the database of HOST_DATABASE_URL through an instrumented pool;
 * `/wait?ms=` answers so much later, and `/waited` lists how long each of these took, in ms, as Fastify measured it;
 * `/clock?aheadMs=` sets the machine's clock as the process sees it, from HOST_CLOCK_AHEAD_MS on.
 * @param variables added to the environment
 * @param program `teamflow` has TeamFlow's routes alone: teamflow-linked-process.ts
 */
export async function startHostApplication(
  variables: Readonly<Record<string, string>> = {},
  program: 'small' | 'teamflow' = 'small',
): Promise<HostApplication> {
  const child = fork(fileURLToPath(programs[program]), [], {
    execArgv: ['-C', 'source'],
    env: { ...process.env, AUTOPILOT_PORT: '0', AUTOPILOT_TOKEN: token, ...variables },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    child.emit('printed');
  });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]; // `as`: the program's first message
  let controlPlaneUrl = variables['AUTOPILOT_URL'];
  try {
    const limit = AbortSignal.timeout(60_000);
    while (controlPlaneUrl === undefined) {
      controlPlaneUrl = /answers at (http:\/\/\S+)/.exec(printed)?.[1];
      if (controlPlaneUrl === undefined) await once(child, 'printed', { signal: limit });
    }
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    url,
    controlPlaneUrl,
    token: variables['AUTOPILOT_TOKEN'] ?? token,
    child,
    async controlPlanePid() {
      const response = await fetch(`${url}/control-plane`);
      const text = await response.text();
      const { pid } = JSON.parse(text) as { pid?: number | null }; // `as`: our own route
      if (typeof pid !== 'number') throw new Error(`No control plane runs: ${response.status} ${text}`);
      return pid;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}
