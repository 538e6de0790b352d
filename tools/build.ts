/**
 * `npm run build`: emits what @teamflow/autopilot publishes, packages/autopilot/dist, from its sources.
 * The dashboard has a build of its own: `npm run build -w @teamflow/dashboard`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { start } from './child-process.ts';
import { referencesOf } from './references.ts';
import { codeFilesIn, parseSource } from './syntax.ts';

/**
 * Compiles the library into `outDir`, emptied before.
 * @throws Error when a source does not compile, or when what came out still names a `.ts` file.
 */
export async function buildLibrary(root: string, outDir: string): Promise<void> {
  rmSync(outDir, { recursive: true, force: true });
  const args = ['-p', join(root, 'packages/autopilot/tsconfig.build.json'), '--outDir', outDir, '--pretty', 'false'];
  const { code, output } = await start(join(root, 'node_modules/.bin/tsc'), args, { cwd: root }).ended;
  if (code !== 0) throw new Error(`packages/autopilot does not compile:\n${output}`);
  await joinAgentModules(outDir);
  const stale = staleNames(outDir);
  if (stale.length > 0) {
    throw new Error(
      `The built package would look for TypeScript files that it does not hold:\n${stale.join('\n')}\n` +
        'The compiler rewrites imports only: give new URL() an ending that depends on that of import.meta.url.',
    );
  }
}

/** What an application imports at its start, by its place in `outDir`. */
const agentEntries = {
  index: 'index.js',
  'host/fastify': 'host/fastify.js',
  'host/node-http': 'host/node-http.js',
} as const;

/**
 * Joins the modules of the agent into a few files: an application pays for each file that its start reads, and these
 * would be fifty. AutopilotError stays a module of its own, so that `instanceof` holds across the package's entries. What
 * reaches into an agent is joined together with it: a module of which there were two would be a stranger to its twin.
 */
async function joinAgentModules(outDir: string): Promise<void> {
  const errors = join(outDir, 'kernel/errors.js');
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(agentEntries).map(([name, path]) => [name, join(outDir, path)])),
    platform: 'node',
    // Packages are the customer's to install.
    external: (id) => id === errors || id.endsWith('/kernel/errors.js') || !/^[./]/.test(id),
    logLevel: 'warn',
    plugins: [{ name: 'builtins', renderChunk: (code) => ({ code: withoutFacades(code) }) }],
  });
  // `import.meta.url` of agent.ts finds cli/main.js beside it: what the entries share, or import on demand, lies in the same folder.
  await bundle.write({ dir: outDir, format: 'esm', chunkFileNames: 'agent-[name].js' });
  await bundle.close();
}

/**
 * Takes Node's own modules from where they are, instead of importing them: an import wraps a module and reads each of its
 * exports for that, which loads what the lazy ones stand for.
 */
function withoutFacades(code: string): string {
  return code.replaceAll(
    /^import (\{[^}]*\}|\* as \w+|\w+) from ("node:[^"]+");$/gm,
    (_line, names: string, module: string) =>
      `const ${names.replace(/^\* as /, '').replaceAll(' as ', ': ')} = process.getBuiltinModule(${module});`,
  );
}

/** What the emitted code names and does not hold: a source in `new URL` or its like, which the compiler leaves as it is. */
function staleNames(outDir: string): string[] {
  return codeFilesIn(outDir).flatMap((path) => {
    const references = referencesOf(parseSource(path, readFileSync(path, 'utf8')));
    const names = new Set(references.map(({ specifier }) => specifier));
    return references.flatMap(({ specifier, isPath, line }) => {
      if (specifier === undefined || !/[^.]\.ts$/.test(specifier) || !(isPath || specifier.startsWith('.'))) return [];
      const stem = specifier.slice(0, -'.ts'.length);
      // Declarations keep the sources' names, which TypeScript takes for the declarations beside them.
      const isDeclared = path.endsWith('.d.ts') && existsSync(join(dirname(path), `${stem}.d.ts`));
      // built ? './x.js' : './x.ts'
      const hasBuilt = names.has(`${stem}.js`);
      return isDeclared || hasBuilt ? [] : [`  ${relative(outDir, path)}:${line}: ${specifier}`];
    });
  });
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const outDir = join(root, 'packages/autopilot/dist');
  try {
    await buildLibrary(root, outDir);
    console.log(`built ${relative(root, outDir)}`);
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown);
    process.exitCode = 1;
  }
}
