import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { precompress } from '@teamflow/autopilot/precompress';

/** Pages that Vite builds from sources in this repository. */
export interface PageSources {
  /** For messages: `dashboard`. */
  readonly name: string;
  /** Where `vite build` runs. */
  readonly directory: string;
  /** Where what it builds belongs. */
  readonly output: string;
  /** Files and directories outside `directory` that go into the build. */
  readonly alsoReads: readonly string[];
}

const stampName = '.sources';
const ignored: ReadonlySet<string> = new Set(['node_modules', 'dist', '.DS_Store']);

async function filesBelow(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => !ignored.has(name) && !/\.test\.tsx?$/.test(name));
  return (await Promise.all(names.sort().map((name) => filesBelow(join(path, name))))).flat();
}

/** A hash over all sources: unlike their times it says the same after a checkout, a copy or a change taken back. */
async function fingerprint(pages: PageSources): Promise<string> {
  const roots = [pages.directory, ...pages.alsoReads];
  const hash = createHash('sha256');
  for (const root of roots) {
    for (const file of await filesBelow(root)) {
      hash
        .update(`${relative(pages.directory, file)}\0`)
        .update(await readFile(file))
        .update('\0');
    }
  }
  return hash.digest('hex');
}

function runVite(directory: string, outDir: string): Promise<void> {
  const vite = join(dirname(fileURLToPath(import.meta.resolve('vite/package.json'))), 'bin', 'vite.js');
  const child = spawn(process.execPath, [vite, 'build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn'], {
    cwd: directory,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('error', reject);
  child.once('close', (code) => {
    if (code === 0) resolve();
    else reject(new Error(`vite build ended with ${code}:\n${Buffer.concat(said).toString('utf8').slice(-4000)}`));
  });
  return promise;
}

/** Puts a built directory in its place, whatever is there and also across file systems. */
async function putInPlace(built: string, output: string): Promise<void> {
  await mkdir(dirname(output), { recursive: true });
  const former = `${built}.former`;
  if (existsSync(output)) {
    await rename(output, former).catch(() => rm(output, { recursive: true, force: true }));
  }
  await rename(built, output).catch(async () => {
    await cp(built, output, { recursive: true });
    await rm(built, { recursive: true, force: true });
  });
  await rm(former, { recursive: true, force: true });
}

/**
 * Builds the pages unless what is there was built from these very sources. Answers whether it built.
 * `workDirectory` is where it builds before it replaces what is there.
 *
 * @throws Error with Vite's own words when the build fails.
 */
export async function ensureBuilt(pages: PageSources, workDirectory: string): Promise<boolean> {
  const wanted = await fingerprint(pages);
  const stamp = await readFile(join(pages.output, stampName), 'utf8').catch(() => '');
  if (stamp === wanted) return false;
  const outDir = join(workDirectory, `build-${pages.name}-${process.pid}`);
  try {
    await runVite(pages.directory, outDir);
    await precompress(outDir);
    await writeFile(join(outDir, stampName), wanted);
    await putInPlace(outDir, pages.output);
    return true;
  } catch (error) {
    throw new Error(`The pages of ${pages.name} could not be built. Run "npm ci" and start again.`, { cause: error });
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}
