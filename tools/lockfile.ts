/**
 * Is package-lock.json whole? `npm install` drops an optional package of another platform from it when the registry
 * that it asks does not offer that package; `npm ci` then refuses the file on every machine, and says so only there.
 * `node -C source tools/lockfile.ts --complete` puts such packages back, with the platform that their name tells.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Violation } from './syntax.ts';

interface LockedPackage {
  readonly version?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly license?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optional?: boolean;
}

interface Lockfile {
  readonly packages: Record<string, LockedPackage>;
}

/** A package that another names and the file does not hold. */
interface Gap {
  /** Place of the package that names it. */
  readonly from: string;
  readonly name: string;
  readonly range: string;
  readonly isOptional: boolean;
}

/** What `npm ci` would refuse: gaps, and manifests that ask for something else than the file holds. */
export function checkLockfile(root: string): Violation[] {
  const { packages } = readLockfile(root);
  const violations = gapsIn(packages).map(({ from, name, range, isOptional }) => ({
    file: 'package-lock.json',
    line: 0,
    message: `holds no ${name}@${range}, which ${from || 'the root'} needs: run ${
      isOptional ? '`node -C source tools/lockfile.ts --complete`' : '`npm install`'
    }`,
  }));
  for (const [place, locked] of Object.entries(packages)) {
    if (place.includes('node_modules')) continue;
    const file = join(place, 'package.json');
    // npm accepted it when it wrote the lockfile.
    const manifest = JSON.parse(readFileSync(join(root, file), 'utf8')) as LockedPackage;
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
      const names = new Set([...Object.keys(manifest[kind] ?? {}), ...Object.keys(locked[kind] ?? {})]);
      for (const name of names) {
        const wanted = manifest[kind]?.[name];
        const held = locked[kind]?.[name];
        if (wanted === held) continue;
        const message = `${kind} ${name}: ${wanted ?? 'nothing'} here, ${held ?? 'nothing'} in package-lock.json: run \`npm install\``;
        violations.push({ file, line: 0, message });
      }
    }
  }
  return violations;
}

function readLockfile(root: string): Lockfile {
  // npm wrote it; lockfileVersion 3.
  return JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
}

function gapsIn(packages: Readonly<Record<string, LockedPackage>>): Gap[] {
  const gaps: Gap[] = [];
  for (const [from, { link, dependencies, devDependencies, optionalDependencies }] of Object.entries(packages)) {
    if (link === true) continue;
    // Development dependencies are installed for what lies here, not for what lies in node_modules.
    const needed = from.includes('node_modules') ? dependencies : { ...dependencies, ...devDependencies };
    for (const [isOptional, names] of [
      [false, needed],
      [true, optionalDependencies],
    ] as const) {
      for (const [name, range] of Object.entries(names ?? {})) {
        if (!isHeld(packages, from, name)) gaps.push({ from, name, range, isOptional });
      }
    }
  }
  return gaps;
}

/** Looks where Node would: in the node_modules of `from` and of every folder above it. */
function isHeld(packages: Readonly<Record<string, LockedPackage>>, from: string, name: string): boolean {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/')))) {
    if (packages[`${place === '' ? '' : `${place}/`}node_modules/${name}`] !== undefined) return true;
    if (place === '') return false;
  }
}

/**
 * Adds the missing packages of other platforms: version as their parent pins it, platform as their name tells. Without a
 * checksum, which only the registry knows; npm adds it on a machine that installs them. Answers the names added.
 */
export function completeLockfile(root: string): string[] {
  const lockfile = readLockfile(root);
  const added: Record<string, LockedPackage> = {};
  for (const { from, name, range, isOptional } of gapsIn(lockfile.packages)) {
    const platform = platformOf(name);
    // Only an exact version can be written down without asking.
    if (!isOptional || platform === undefined || !/^\d+\.\d+\.\d+[^ ]*$/.test(range)) continue;
    const { dev, license } = lockfile.packages[from] ?? {};
    added[`node_modules/${name}`] = {
      version: range,
      cpu: [platform.cpu],
      ...(dev === true && { dev }),
      ...(platform.libc !== undefined && { libc: [platform.libc] }),
      ...(license !== undefined && { license }),
      optional: true,
      os: [platform.os],
    };
  }
  if (Object.keys(added).length > 0) {
    const packages = Object.fromEntries(
      Object.entries({ ...lockfile.packages, ...added }).sort(([a], [b]) => a.localeCompare(b, 'en')),
    );
    writeFileSync(join(root, 'package-lock.json'), `${JSON.stringify({ ...lockfile, packages }, null, 2)}\n`);
  }
  return Object.keys(added);
}

/** `@oxlint/binding-linux-arm64-musl`: linux, arm64, musl. */
function platformOf(name: string): { readonly os: string; readonly cpu: string; readonly libc?: string } | undefined {
  const match =
    /(?:^|[/-])(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)(?:-(\w+))?$/.exec(
      name,
    );
  const [, os, cpu, abi = ''] = match ?? [];
  if (os === undefined || cpu === undefined) return undefined;
  if (os !== 'linux' || abi === '') return { os, cpu };
  return { os, cpu, libc: abi.startsWith('musl') ? 'musl' : 'glibc' };
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  if (process.argv.includes('--complete')) {
    for (const name of completeLockfile(root)) console.log(`added ${name}`);
  }
  const violations = checkLockfile(root);
  for (const { file, message } of violations) console.log(`${file}: ${message}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
