/** `npm run check`: everything that can be said about the code without running it. Words select by name: `npm run check -- lint types`. */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { inParallel, killAll, start } from './child-process.ts';
import { checkHouseRules } from './house-rules.ts';
import { checkLayers } from './layers.ts';
import { checkLockfile } from './lockfile.ts';
import { codeFilesIn, type Violation } from './syntax.ts';

/** A tool that takes longer has met something that it should not read, like a build. */
const toolLimitMs = 120_000;

export interface CheckResult {
  readonly ok: boolean;
  /** What the tool said; shown when it failed. */
  readonly output: string;
}

export interface Check {
  /** `types packages/autopilot`, `lint`, ... */
  readonly name: string;
  run(): Promise<CheckResult>;
}

/** All checks of the repository at `root`. */
export function checksOf(root: string): Check[] {
  const tool = (name: string, command: string, args: readonly string[]): Check => ({
    name,
    run: () => runTool(root, command, args),
  });
  return [
    ...typeScriptProjects(root).map((project) => ({
      name: `types ${project}`,
      run: () => checkTypes(root, project),
    })),
    ...workspacesWithoutProject(root).map((folder) => ({
      name: `types ${folder}`,
      run: () =>
        Promise.resolve({
          ok: false,
          output: `${folder} has TypeScript sources and no tsconfig.json: nothing checks them`,
        }),
    })),
    tool('lint', 'oxlint', ['--format=unix', '.']),
    tool('format', 'biome', ['check', '--colors=off', '.']),
    tool('unused', 'knip', ['--no-progress']),
    { name: 'lockfile', run: () => Promise.resolve(fromViolations(checkLockfile(root))) },
    { name: 'layers', run: () => Promise.resolve(fromViolations(checkLayers(root).violations)) },
    { name: 'house rules', run: () => Promise.resolve(fromViolations(checkHouseRules(root).violations)) },
  ];
}

/** Runs checks, as many at a time as there are cores; calls `done` with each as it ends. */
export async function runChecks(
  checks: readonly Check[],
  done: (check: Check, result: CheckResult, durationMs: number) => void,
): Promise<void> {
  await inParallel(checks, Math.max(2, availableParallelism()), async (check) => {
    const startedMs = performance.now();
    const result = await check.run();
    done(check, result, performance.now() - startedMs);
  });
}

function fromViolations(violations: readonly Violation[]): CheckResult {
  return {
    ok: violations.length === 0,
    output: violations.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'),
  };
}

async function runTool(root: string, command: string, args: readonly string[]): Promise<CheckResult> {
  const bin = join(root, 'node_modules/.bin');
  // The tools' launchers ask PATH for `node`: the pinned one, whoever started this.
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  const child = start(join(bin, command), args, { cwd: root, env });
  const timer = setTimeout(() => {
    child.kill();
  }, toolLimitMs);
  const { code, output } = await child.ended.finally(() => {
    clearTimeout(timer);
  });
  return {
    ok: code === 0,
    output: code === null ? `${output}\n${command} was ended; its limit is ${toolLimitMs} ms` : output,
  };
}

async function checkTypes(root: string, project: string): Promise<CheckResult> {
  const { ok, output } = await runTool(root, 'tsc', ['-p', project, '--listFiles', '--pretty', 'false']);
  const isListing = (line: string): boolean => /^(?:\/|[A-Za-z]:\/).*\.(?:[cm]?tsx?|json)$/.test(line);
  const lines = output.split('\n');
  const said = lines
    .filter((line) => !isListing(line))
    .join('\n')
    .trim();
  const dom = lines.find((line) => isListing(line) && /\/lib\.dom(?:\.[a-z.]+)?\.d\.ts$/.test(line));
  if (project === 'packages/autopilot' && dom !== undefined) {
    return {
      ok: false,
      output: `${said}\n${dom} is part of this project: a Node library that sees the DOM compiles what cannot run. Find who asks for it: tsc -p ${project} --explainFiles`,
    };
  }
  return { ok, output: said };
}

/** Project files to hand to `tsc -p`, relative to the root: every tsconfig*.json but bases, builds and those still without a source. */
function typeScriptProjects(root: string): string[] {
  const projects: string[] = [];
  for (const folder of ['', ...foldersIn(root, 'packages'), ...foldersIn(root, 'apps')]) {
    const nested = folder.startsWith('apps/') ? foldersIn(root, folder) : [];
    for (const place of [folder, ...nested]) {
      for (const name of existsSync(join(root, place)) ? readdirSync(join(root, place)).sort() : []) {
        const kind = /^tsconfig(?:\.([a-z]+))?\.json$/.exec(name);
        if (kind === null || kind[1] === 'base' || kind[1] === 'build') continue;
        if (name === 'tsconfig.e2e.json' && codeFilesIn(join(root, 'test/e2e')).length === 0) continue;
        projects.push(kind[1] === undefined && place !== '' ? place : join(place, name));
      }
    }
  }
  return projects;
}

function workspacesWithoutProject(root: string): string[] {
  const hasProject = (folder: string): boolean =>
    existsSync(join(root, folder, 'tsconfig.json')) ||
    foldersIn(root, folder).some((inner) => existsSync(join(root, inner, 'tsconfig.json')));
  return [...foldersIn(root, 'packages'), ...foldersIn(root, 'apps')].filter(
    (folder) => codeFilesIn(join(root, folder)).length > 0 && !hasProject(folder),
  );
}

function foldersIn(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map((entry) => `${folder}/${entry.name}`)
    .sort();
}

if (import.meta.main) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      killAll();
      process.exit(130);
    });
  }
  const wanted = process.argv.slice(2);
  const checks = checksOf(join(import.meta.dirname, '..')).filter(
    ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
  );
  let failed = checks.length === 0 ? 1 : 0;
  await runChecks(checks, ({ name }, { ok, output }, durationMs) => {
    console.log(`${ok ? '✔' : '✖'} ${name} (${(durationMs / 1000).toFixed(1)} s)`);
    if (!ok) console.log(output.trimEnd().replaceAll(/^/gm, '    '));
    if (!ok) failed += 1;
  });
  console.log(`${checks.length - failed} of ${checks.length} checks passed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
