import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A whole TeamFlow with its autopilot, in a process of its own on free ports; for tests and the demo. */
export interface TeamFlowProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** TeamFlow's address. */
  readonly url: string;
  /** The control plane's own address. */
  readonly controlPlaneUrl: string;
  /** An administrator's token for the autopilot's API. */
  readonly token: string;
  readonly administrator: { readonly email: string; readonly password: string };
  /** From the start of the process to its readiness. */
  readonly readyMs: number;
  /** What it has printed so far. */
  output(): string;
}

const server = fileURLToPath(new URL('../apps/teamflow/server/server.ts', import.meta.url));

/**
 * Starts TeamFlow and waits until it and its control plane answer; disposing stops it in order.
 * @param state directory for what it keeps; the caller removes it
 * @param variables added to the environment, over the defaults made here
 * @throws when it ends before, or is not ready within 300 s, with what it has printed
 */
export async function startTeamFlow(
  state: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<TeamFlowProcess> {
  const began = performance.now();
  const token = randomBytes(24).toString('hex');
  const administrator = { email: 'admin@teamflow.local', password: randomBytes(12).toString('base64url') };
  const child = spawn(process.execPath, ['-C', 'source', server], {
    env: {
      ...process.env,
      PORT: '0',
      AUTOPILOT_PORT: '0',
      AUTOPILOT_TOKEN: token,
      TEAMFLOW_STATE: state,
      TEAMFLOW_ADMIN_EMAIL: administrator.email,
      TEAMFLOW_ADMIN_PASSWORD: administrator.password,
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const [url, controlPlaneUrl] = await Promise.all([
    printed(child, () => text, /TeamFlow {2,}(http:\/\/[^/\s]+)/),
    printed(child, () => text, /control plane answers at (http:\/\/[^/\s]+)/),
  ]);
  await forwarded(child, url, () => text);
  return {
    child,
    url,
    controlPlaneUrl,
    token,
    administrator,
    readyMs: performance.now() - began,
    output: () => text,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

const LIMIT_MS = 300_000;

/** Waits until the application forwards the dashboard: it is linked with its control plane a moment after that listens. */
async function forwarded(child: ChildProcess, url: string, output: () => string): Promise<void> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    const answer = await fetch(`${url}/autopilot/`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`TeamFlow answers ${answer?.status ?? 'nothing'} at /autopilot/:\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What the first group of `what` matched. */
async function printed(child: ChildProcess, output: () => string, what: RegExp): Promise<string> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    const found = what.exec(output())?.[1];
    if (found !== undefined) return found;
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`TeamFlow has not printed ${what}:\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
