import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

/** Who this process is, when nobody says so. */
export interface ProcessNames {
  readonly service: string;
  readonly instance: string;
  readonly release: string;
}

const UNKNOWN = 'unknown';

/**
 * Host and process; name and version of the application's package, which is the nearest package.json above the
 * program, or else the git commit that is checked out there. Reads a few small files.
 */
export function processNames(program: string = process.argv[1] ?? process.cwd()): ProcessNames {
  let name: string | null = null;
  let version: string | null = null;
  let commit: string | null = null;
  for (let folder = dirname(program); ; folder = dirname(folder)) {
    const manifest = readManifest(folder);
    name ??= manifest.name;
    version ??= manifest.version;
    commit ??= readCommit(folder);
    if ((name !== null && version !== null) || folder === dirname(folder)) break;
  }
  return {
    service: name ?? UNKNOWN,
    instance: `${hostname()}:${process.pid}`,
    release: version ?? commit ?? UNKNOWN,
  };
}

function readManifest(folder: string): { readonly name: string | null; readonly version: string | null } {
  const text = readText(join(folder, 'package.json'));
  try {
    const manifest: unknown = text === null ? null : JSON.parse(text);
    return { name: fieldOf(manifest, 'name'), version: fieldOf(manifest, 'version') };
  } catch {
    return { name: null, version: null };
  }
}

function fieldOf(manifest: unknown, name: string): string | null {
  if (typeof manifest !== 'object' || manifest === null) return null;
  const value: unknown = Reflect.get(manifest, name);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The commit of .git/HEAD, followed through one reference; 12 characters of it. */
function readCommit(folder: string): string | null {
  const head = readText(join(folder, '.git', 'HEAD'))?.trim();
  if (head === undefined) return null;
  const reference = /^ref: (refs\/\S+)$/.exec(head)?.[1];
  const commit = reference === undefined ? head : readText(join(folder, '.git', reference))?.trim();
  return commit !== undefined && /^[0-9a-f]{40,64}$/.test(commit) ? commit.slice(0, 12) : null;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
