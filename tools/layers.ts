/**
 * Who may import whom. `npm run check` and `npm test` run this; `node tools/layers.ts --table` prints the table
 * as docs/architecture.md shows it.
 *
 * It is our own because tools built on TypeScript's JavaScript API see no module of a TypeScript 7 project,
 * and pass.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type Reference, referencesOf } from './references.ts';
import { codeFilesIn, isCodeFile, isTestFile, parseSource, type Violation } from './syntax.ts';

/** What the code of one room, root file or workspace may name; names are separated by spaces. */
export interface Layer {
  /** Rooms and root files it may import. `*`: every room but those in `except`. */
  readonly imports: string;
  readonly except?: string;
  /** What it may load by `import()` only, so that starting it costs nothing until then. */
  readonly loads?: string;
  /** What it may name as the program of a child process, and never load into its own. */
  readonly starts?: string;
  /** Runs in a browser too: no module of Node, and no package. */
  readonly browserSafe?: true;
}

/** Folders and root files of packages/autopilot/src. The only place where this table is written by hand. */
const rooms: Readonly<Record<string, Layer>> = {
  kernel: { imports: '', browserSafe: true },
  contract: { imports: 'kernel', browserSafe: true },
  page: { imports: 'kernel contract' },
  storage: { imports: 'kernel contract page' },
  config: { imports: 'kernel contract storage' },
  link: { imports: 'kernel contract' },
  postgres: { imports: 'kernel contract page' },
  observe: { imports: 'kernel contract config storage postgres' },
  embedded: { imports: 'kernel contract' },
  planner: { imports: 'kernel contract postgres embedded' },
  load: { imports: 'kernel contract' },
  benchmark: { imports: 'kernel contract load compress postgres' },
  jobs: { imports: 'kernel contract config storage' },
  track: { imports: 'kernel contract config' },
  compress: { imports: 'kernel contract config track' },
  cache: { imports: 'kernel contract config track' },
  expose: { imports: 'kernel contract' },
  rollup: { imports: 'kernel contract config storage track' },
  access: { imports: 'kernel contract config storage' },
  query: { imports: 'kernel contract storage' },
  health: { imports: 'kernel contract config query' },
  alert: { imports: 'kernel contract config storage query health' },
  advise: { imports: 'kernel contract config storage query postgres planner' },
  tune: { imports: 'kernel contract config storage query postgres planner' },
  report: { imports: 'kernel contract config query health' },
  api: {
    imports:
      'kernel contract config storage link access page compress expose query observe postgres health alert advise tune load benchmark report jobs',
  },
  host: { imports: 'kernel contract config track compress cache page link access expose' },
  'client-error.ts': { imports: 'contract', browserSafe: true },
  'client-stream.ts': { imports: 'contract', browserSafe: true },
  'client.ts': { imports: 'contract client-error.ts client-stream.ts', browserSafe: true },
  cli: { imports: 'kernel contract client.ts load postgres planner advise config expose', loads: 'control-plane.ts' },
  // Never what only the control plane needs: that is a process of its own.
  'agent.ts': {
    imports: 'kernel contract config storage track compress cache page rollup link access expose host',
    starts: 'cli',
  },
  'control-plane.ts': { imports: '*', except: 'host cli' },
  // What `import '@teamflow/autopilot'` loads into an application.
  'index.ts': { imports: 'agent.ts kernel contract config storage track page access host' },
};

/** The other workspaces, by folder, and the exports of @teamflow/autopilot that each may use; `*`: any of them. */
const workspaces: Readonly<Record<string, { readonly exports: readonly string[] | '*'; readonly browserOnly?: true }>> =
  {
    'packages/dashboard': { exports: ['./contract', './client'], browserOnly: true },
    'apps/teamflow': { exports: '*' },
  };

const library = 'packages/autopilot';
const testSupport = 'test/support';

export interface LayerReport {
  /** Code files read. */
  readonly files: number;
  /** Names of modules found in them and judged. */
  readonly references: number;
  readonly violations: readonly Violation[];
}

/** The rooms' names that `layer` may import, with `*` written out. */
function importsOf(layer: Layer): readonly string[] {
  if (layer.imports !== '*') return names(layer.imports);
  return Object.keys(rooms).filter((name) => !name.endsWith('.ts') && !names(layer.except).includes(name));
}

function names(list: string | undefined): readonly string[] {
  return list === undefined || list === '' ? [] : list.split(' ');
}

/** The table as text; docs/architecture.md holds exactly this. */
export function renderTable(): string {
  const lines = Object.entries(rooms).map(([name, layer]) => {
    const imports = layer.imports === '*' ? `all rooms but ${layer.except ?? ''}` : layer.imports || '(nothing)';
    const loads = layer.loads === undefined ? '' : ` (by import() only: ${layer.loads})`;
    const starts = layer.starts === undefined ? '' : ` (as a child process only: ${layer.starts})`;
    return `${name.padEnd(16)} -> ${imports}${loads}${starts}`;
  });
  for (const [folder, { exports }] of Object.entries(workspaces)) {
    const allowed = exports === '*' ? 'public exports' : exports.map((name) => name.replace('./', '')).join(' ');
    lines.push(`${folder.replace('packages/', '').padEnd(16)} -> ${allowed} of @teamflow/autopilot`);
  }
  return lines.join('\n');
}

/** A way round in the table, as names joined by arrows; undefined when it has none. */
export function findCycle(table: Readonly<Record<string, Layer>> = rooms): string | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name].join(' -> ');
    if (done.has(name)) return undefined;
    const layer = table[name];
    if (layer !== undefined) {
      for (const next of [...importsOf(layer), ...names(layer.loads)]) {
        const cycle = visit(next, [...path, name]);
        if (cycle !== undefined) return cycle;
      }
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(table)) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

interface Manifest {
  readonly name?: string;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Reads every code file of the repository at `root` and judges each module it names. */
export function checkLayers(root: string): LayerReport {
  const violations: Violation[] = [];
  const cycle = findCycle();
  if (cycle !== undefined)
    violations.push({ file: 'tools/layers.ts', line: 0, message: `the table has a cycle: ${cycle}` });

  const sourceRoot = join(root, library, 'src');
  const folders = workspaceFolders(root);
  const exported = new Map<string, string>();
  for (const [subpath, target] of Object.entries(readManifest(join(root, library)).exports ?? {})) {
    const source = typeof target === 'string' ? target : target['source'];
    if (source !== undefined) exported.set(subpath, join(root, library, source));
  }

  for (const entry of existsSync(sourceRoot) ? readdirSync(sourceRoot, { withFileTypes: true }) : []) {
    const isRoom = entry.isDirectory();
    const named = isRoom || isCodeFile(entry.name) ? entry.name.replace(/\.test\.ts$/, '.ts') : undefined;
    if (named !== undefined && rooms[named] === undefined) {
      const file = `${library}/src/${entry.name}`;
      violations.push({
        file,
        line: 0,
        message: `${isRoom ? 'room' : 'root file'} ${entry.name} has no row in the table: add one to tools/layers.ts and docs/architecture.md`,
      });
    }
  }

  const context: Context = { root, folders, exported };
  let references = 0;
  let libraryFiles = 0;
  let files = 0;
  for (const folder of folders.keys()) {
    if (folder !== library && workspaces[folder] === undefined) {
      violations.push({
        file: folder,
        line: 0,
        message: 'this workspace has no row in the table: add one to tools/layers.ts and docs/architecture.md',
      });
    }
    const scanned = codeFilesIn(folder.startsWith('packages/') ? join(root, folder, 'src') : join(root, folder));
    files += scanned.length;
    if (folder === library) libraryFiles = scanned.length;
    for (const path of scanned) {
      const file = relative(root, path).split(sep).join('/');
      const source = parseSource(path, readFileSync(path, 'utf8'));
      for (const message of source.errors) violations.push({ file, line: 0, message: `cannot be parsed: ${message}` });
      for (const reference of referencesOf(source)) {
        references += 1;
        const message = judge(context, file, reference);
        if (message !== undefined) violations.push({ file, line: reference.line, message });
      }
    }
  }
  if (libraryFiles === 0 || references === 0) {
    violations.push({
      file: `${library}/src`,
      line: 0,
      message: `saw ${libraryFiles} files and ${references} imports: a run that saw no code proves nothing`,
    });
  }
  return { files, references, violations };
}

interface Context {
  readonly root: string;
  /** Workspace folder to its manifest. */
  readonly folders: ReadonlyMap<string, Manifest>;
  /** Subpath of @teamflow/autopilot to the source file behind it. */
  readonly exported: ReadonlyMap<string, string>;
}

/** What is wrong with `reference` in `file`, as a sentence; undefined when it is allowed. */
function judge(context: Context, file: string, reference: Reference): string | undefined {
  const { specifier } = reference;
  if (specifier === undefined) {
    // A path that is only resolved loads nothing; a test may load what it has just written.
    if (reference.kind === 'program' || isTestFile(file)) return undefined;
    return 'the name of this module is computed: write it as a literal, or let it start with its folder';
  }
  if (specifier.startsWith('#'))
    return `'${specifier}' is a subpath import, which this check does not follow: name the file`;
  if (isBuiltin(specifier)) return judgeBuiltin(file, specifier);
  if (reference.isPath || /^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..') {
    const path = specifier.replace(/[?#].*$/, '');
    return judgeTarget(context, file, reference, resolve(context.root, dirname(file), path));
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  for (const [folder, manifest] of context.folders) {
    if (manifest.name !== name) continue;
    if (folder !== library)
      return ownerOf(file) === folder ? undefined : `the workspace ${folder} is for nobody to import`;
    const subpath = `.${specifier.slice(name.length)}`;
    if (ownerOf(file) !== library) return judgeExport(context, file, subpath);
    const target = context.exported.get(subpath);
    return target === undefined ? undefined : judgeTarget(context, file, reference, target);
  }
  return judgePackage(context, file, name);
}

function judgeBuiltin(file: string, specifier: string): string | undefined {
  if (isTestFile(file)) return undefined;
  const room = roomOf(file);
  if (room !== undefined && rooms[room]?.browserSafe === true)
    return `${room} runs in browsers too and may not import '${specifier}'`;
  const owner = ownerOf(file);
  if (owner !== undefined && workspaces[owner]?.browserOnly === true)
    return `${owner} runs in a browser and may not import '${specifier}'`;
  return undefined;
}

function judgePackage(context: Context, file: string, name: string): string | undefined {
  if (isTestFile(file)) return undefined;
  const room = roomOf(file);
  if (room !== undefined && rooms[room]?.browserSafe === true) return `${room} may not import a package ('${name}')`;
  const owner = ownerOf(file);
  const manifest = owner === undefined ? undefined : context.folders.get(owner);
  if (manifest === undefined) return undefined;
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
  // Only the library is published: the others are built or run where their devDependencies are installed.
  const seen = owner === library ? declared : { ...declared, ...manifest.devDependencies };
  if (Object.keys(seen).some((known) => known === name || (/[-/]$/.test(name) && known.startsWith(name))))
    return undefined;
  return `'${name}' is not among the dependencies of ${owner ?? file}`;
}

function judgeExport(context: Context, file: string, subpath: string): string | undefined {
  const allowed = workspaces[ownerOf(file) ?? '']?.exports ?? [];
  if (allowed === '*') {
    const known = subpath === './package.json' || context.exported.has(subpath);
    return known ? undefined : `'${subpath}' is not a public export of @teamflow/autopilot`;
  }
  if (allowed.includes(subpath)) return undefined;
  return `${ownerOf(file) ?? file} may import ${allowed.join(' and ')} of @teamflow/autopilot, not '${subpath}'`;
}

/** Judges a reference whose target is a path inside the repository. */
function judgeTarget(context: Context, file: string, reference: Reference, path: string): string | undefined {
  const target = relative(context.root, path).split(sep).join('/');
  const owner = ownerOf(file);
  const targetOwner = ownerOf(target);
  const targetRoom = roomOf(target);
  if (target.startsWith(`${testSupport}/`) || target === testSupport) {
    return isTestFile(file) ? undefined : `only tests may import ${testSupport}`;
  }
  if (owner !== targetOwner) {
    // Data outside (sql/, package.json) is read, not imported.
    if (reference.kind === 'program' && !isCodeFile(target)) return undefined;
    return `reaches out of ${owner ?? 'its workspace'} by path (${target}): import what the other package exports`;
  }
  const room = roomOf(file);
  if (owner !== library || room === undefined) return undefined;
  if (targetRoom === undefined) {
    if (!isCodeFile(target)) return undefined;
    return `${target} lies outside src and is not published`;
  }
  if (isTestFile(target)) return `${target} is a test: move what is shared to ${testSupport}`;
  if (targetRoom === room) return undefined;
  const layer = rooms[room];
  if (layer === undefined) return undefined;
  if (importsOf(layer).includes(targetRoom)) return undefined;
  if (reference.kind === 'dynamic' && names(layer.loads).includes(targetRoom)) return undefined;
  if (reference.kind === 'program' && names(layer.starts).includes(targetRoom)) return undefined;
  if (names(layer.loads).includes(targetRoom)) return `${room} may reach ${targetRoom} by import() only`;
  if (names(layer.starts).includes(targetRoom))
    return `${room} may start ${targetRoom} as a child process, not load it`;
  return `${room} may not import ${targetRoom} (allowed: ${importsOf(layer).join(' ') || 'nothing'})`;
}

/** The workspace a path lies in: `packages/autopilot`, `apps/teamflow`. */
function ownerOf(file: string): string | undefined {
  return /^(?:packages|apps)\/[^/]+/.exec(file)?.[0];
}

/** The room or root file of the library that a path lies in; a root file's test belongs to that file. */
function roomOf(file: string): string | undefined {
  const inside = /^packages\/autopilot\/src\/([^/]+)/.exec(file)?.[1];
  return inside?.replace(/\.test\.ts$/, '.ts');
}

function workspaceFolders(root: string): Map<string, Manifest> {
  const folders = new Map<string, Manifest>();
  for (const parent of ['packages', 'apps']) {
    if (!existsSync(join(root, parent))) continue;
    for (const entry of readdirSync(join(root, parent), { withFileTypes: true })) {
      if (entry.isDirectory()) folders.set(`${parent}/${entry.name}`, readManifest(join(root, parent, entry.name)));
    }
  }
  return folders;
}

function readManifest(folder: string): Manifest {
  const path = join(folder, 'package.json');
  // A package.json that npm accepted has these fields in these shapes.
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : {};
}

if (import.meta.main) {
  if (process.argv.includes('--table')) {
    console.log(renderTable());
  } else {
    const report = checkLayers(resolve(process.argv[2] ?? join(import.meta.dirname, '..')));
    for (const { file, line, message } of report.violations) console.log(`${file}:${line}: ${message}`);
    console.log(`${report.files} files, ${report.references} imports, ${report.violations.length} violations`);
    process.exitCode = report.violations.length === 0 ? 0 : 1;
  }
}
