import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { buildLibrary } from '../../tools/build.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const library = join(root, 'packages/autopilot');

interface Manifest {
  readonly files: readonly string[];
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as Manifest;
const subpaths = Object.keys(manifest.exports);

describe('the package as it is published', () => {
  let folder: string;
  /** Where a customer's npm would have put it. */
  let installed: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'package-'));
    // Built and packed in a copy of the package's folder, so that two runs at a time do not meet in dist/.
    const staged = join(folder, 'staged');
    mkdirSync(staged);
    writeFileSync(join(staged, 'package.json'), readFileSync(join(library, 'package.json')));
    for (const name of manifest.files.filter((name) => name !== 'dist' && existsSync(join(library, name)))) {
      copyFolder(join(library, name), join(staged, name));
    }
    const vite = join(root, 'node_modules/.bin/vite');
    const dashboard = ['--outDir', join(staged, 'assets/dashboard'), '--emptyOutDir', '--logLevel', 'warn'];
    await run(vite, ['build', ...dashboard], { cwd: join(root, 'packages/dashboard') });
    await buildLibrary(root, join(staged, 'dist'));
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: staged,
      env: { ...process.env, npm_config_cache: join(folder, 'cache'), npm_config_offline: 'true' },
    });
    assert.match(stdout, /teamflow-autopilot-/);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    assert.ok(tarball !== undefined);
    installed = join(folder, 'customer/node_modules/@teamflow/autopilot');
    mkdirSync(installed, { recursive: true });
    await run('tar', ['-xzf', join(folder, tarball), '-C', installed, '--strip-components=1']);
    const dependencies = {
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.optionalDependencies,
      // What a customer who compiles with TypeScript has.
      '@types/node': '',
      '@types/pg': '',
    };
    for (const name of Object.keys(dependencies)) linkDependency(join(folder, 'customer/node_modules'), name);
    writeFileSync(join(folder, 'customer/package.json'), '{ "type": "module" }');
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('holds what it names, no source and no test', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    for (const target of Object.values(manifest.exports)) {
      for (const path of typeof target === 'string' ? [target] : [target.types, target.default]) {
        assert.ok(existsSync(join(installed, path)), `${path} is exported and missing`);
      }
    }
    for (const path of Object.values(manifest.bin)) {
      assert.match(
        readFileSync(join(installed, path), 'utf8'),
        /^#!\/usr\/bin\/env node\n/,
        `${path} has no first line that names node`,
      );
    }
    assert.ok(
      existsSync(join(installed, 'assets/dashboard/index.html')),
      'the dashboard is missing: `files` needs "assets"',
    );
    assert.deepEqual(
      files.filter((name) => /\.test\.|(?<!\.d)\.ts$|^src/.test(name)),
      [],
    );
  });

  test('all of it is imported from JavaScript', async () => {
    const code = subpaths.map((subpath) => {
      const name = `@teamflow/autopilot${subpath.slice(1)}`;
      const options = subpath.endsWith('.json') ? ", { with: { type: 'json' } }" : '';
      return `found['${name}'] = Object.keys(await import('${name}'${options})).length;`;
    });
    const found: unknown = await ofCustomer(`const found = {}; ${code.join('\n')} console.log(JSON.stringify(found));`);
    assert.ok(typeof found === 'object' && found !== null);
    assert.equal(Object.keys(found).length, subpaths.length);
    for (const [name, exported] of Object.entries(found)) assert.ok(exported > 0, `${name} exports nothing`);
  });

  // Parts that are built apart must know each other's agents: a middleware that does not is silent.
  test('its adapters know its agent', async () => {
    const code = `
      import { createServer } from 'node:http';
      import Fastify from 'fastify';
      import { createAgent } from '@teamflow/autopilot';
      import { autopilot } from '@teamflow/autopilot/fastify';
      import { compression } from '@teamflow/autopilot/http';
      const agent = createAgent({ service: 'orders', controlPlane: 'none' });
      const app = Fastify({ forceCloseConnections: true });
      await app.register(autopilot, { agent, security: false });
      app.get('/', (_, reply) => reply.type('text/plain').send('task '.repeat(1000)));
      await app.listen({ port: 0, host: '127.0.0.1' });
      const compress = compression({ agent });
      const server = createServer((request, response) =>
        compress(request, response, () => response.setHeader('content-type', 'text/plain').end('task '.repeat(1000))),
      );
      await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
      const codingOf = async ({ port }) => {
        const answer = await fetch('http://127.0.0.1:' + port, { headers: { 'accept-encoding': 'gzip' } });
        return [answer.headers.get('content-encoding'), (await answer.text()).length];
      };
      const found = { fastify: await codingOf(app.server.address()), http: await codingOf(server.address()) };
      server.closeAllConnections();
      server.close();
      await app.close();
      await agent.close();
      console.log(JSON.stringify(found));`;
    assert.deepEqual(await ofCustomer(code), { fastify: ['gzip', 5_000], http: ['gzip', 5_000] });
  });

  /** What a program of the customer's prints as JSON. No `-C source`: exactly what a customer's Node does. */
  async function ofCustomer(code: string): Promise<unknown> {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
      cwd: join(folder, 'customer'),
    });
    return JSON.parse(stdout);
  }

  test('its declarations are whole for a customer who compiles strictly', async () => {
    const customer = join(folder, 'customer');
    const names = subpaths
      .filter((subpath) => !subpath.endsWith('.json'))
      .map((subpath) => `@teamflow/autopilot${subpath.slice(1)}`);
    const imports = names.map((name, index) => `import * as part${index} from '${name}';`).join('\n');
    writeFileSync(
      join(customer, 'app.ts'),
      `${imports}\nexport const parts = [${names.map((_, index) => `part${index}`).join(', ')}];\n`,
    );
    writeFileSync(
      join(customer, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          target: 'es2024',
          lib: ['es2024', 'esnext.disposable'],
          types: ['node'],
          strict: true,
          noEmit: true,
          skipLibCheck: false,
        },
        files: ['app.ts'],
      }),
    );
    const tsc = join(root, 'node_modules/.bin/tsc');
    const { stdout } = await run(tsc, ['-p', customer, '--pretty', 'false'], { cwd: customer }).catch(
      (thrown: { readonly stdout: string }) => thrown,
    );
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.includes('@teamflow') || line.startsWith('app.ts')),
      [],
    );
  });
});

/** npm follows no links when it packs. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) copyFolder(join(from, entry.name), join(to, entry.name));
    else writeFileSync(join(to, entry.name), readFileSync(join(from, entry.name)));
  }
}

/** Puts a dependency where a customer's Node looks for it; one that is not installed here (another platform's) is left out. */
function linkDependency(nodeModules: string, name: string): void {
  const places = [join(library, 'node_modules', name), join(root, 'node_modules', name)];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) return;
  mkdirSync(dirname(join(nodeModules, name)), { recursive: true });
  symlinkSync(found, join(nodeModules, name));
}
