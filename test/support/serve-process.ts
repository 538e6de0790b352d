import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** `autopilot serve` in a process of its own. */
export interface ServeProcess extends AsyncDisposable {
  readonly address: string;
  /** Ends it as a machine does that fails. */
  kill(): void;
}

const main = fileURLToPath(new URL('../../packages/autopilot/src/cli/main.ts', import.meta.url));

/** @param variables the whole environment of it, but for PATH */
export async function startServe(variables: Readonly<Record<string, string>>): Promise<ServeProcess> {
  const child = spawn(process.execPath, ['-C', 'source', main, 'serve', '--port', '0'], {
    env: { PATH: process.env['PATH'] ?? '', ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += String(text);
    const address = /answers at (http:\S+)/.exec(printed)?.[1];
    if (address === undefined) continue;
    child.stdout.resume();
    return {
      address,
      kill: () => void child.kill('SIGKILL'),
      async [Symbol.asyncDispose]() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGTERM');
        await once(child, 'close');
      },
    };
  }
  throw new Error(`autopilot serve has ended: ${printed}`);
}
