import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Rooms that only the control plane needs, and packages that are too heavy for somebody else's process. */
const unwanted =
  /\/src\/(query|health|api|observe|planner|alert|advise|tune|load|report|jobs|cli|storage\/postgres|embedded)\/|control-plane\.ts|node_modules\/(zod|undici|srvx|yaml|libpg-query|better-auth)\//;

test("an agent loads none of the control plane's rooms, and no package", () => {
  const program = fileURLToPath(new URL('../support/loaded-modules-process.ts', import.meta.url));
  const output = execFileSync(process.execPath, ['-C', 'source', program], { encoding: 'utf8' });
  const { loaded } = JSON.parse(output) as { loaded: string[] }; // `as`: what the program prints
  assert.ok(
    loaded.some((url) => url.endsWith('/src/agent.ts')),
    'the agent itself must be seen',
  );
  assert.deepEqual(
    loaded.filter((url) => unwanted.test(url) || url.includes('/node_modules/')),
    [],
  );
});
