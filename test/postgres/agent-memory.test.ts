import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { leakCheck } from '../support/leak-check.ts';
import { databaseFor } from '../support/postgres.ts';

leakCheck(after);

/** The bound of docs/guides/agent.md. */
const BOUND_BYTES = 64 * 1024 * 1024;

test('10,000 addresses, 2,000 tenants and 6,000 statements stay within the documented bound', async (t) => {
  const { url } = await databaseFor(t);
  const program = fileURLToPath(new URL('../support/agent-memory-process.ts', import.meta.url));
  const held = async (watched: 'yes' | 'no'): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      '-C',
      'source',
      program,
      url,
      watched,
    ]);
    const { bytes } = JSON.parse(stdout) as { bytes: number }; // `as`: what the program prints
    return bytes;
  };
  const [without, with_] = [await held('no'), await held('yes')];
  t.diagnostic(`the agent holds ${((with_ - without) / 1024 / 1024).toFixed(1)} MiB`);
  assert.ok(with_ - without < BOUND_BYTES, `${with_ - without} bytes`);
});
