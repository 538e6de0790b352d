import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { checkLockfile, completeLockfile } from './lockfile.ts';

const tool = {
  version: '1.2.3',
  dev: true,
  license: 'MIT',
  optionalDependencies: {
    '@tool/linux-x64': '1.2.3',
    '@tool/binding-linux-arm64-musl': '1.2.3',
    '@tool/darwin-arm64': '1.2.3',
  },
};
const whole: Readonly<Record<string, object>> = {
  '': { devDependencies: { tool: '1.2.3' } },
  'packages/a': { name: 'a', dependencies: { left: '2.0.0' } },
  'node_modules/a': { resolved: 'packages/a', link: true },
  'node_modules/tool': tool,
  'node_modules/@tool/linux-x64': { version: '1.2.3' },
  'node_modules/@tool/binding-linux-arm64-musl': { version: '1.2.3' },
  'node_modules/@tool/darwin-arm64': { version: '1.2.3' },
  'packages/a/node_modules/left': {
    version: '2.0.0',
    dependencies: { right: '^1.0.0' },
    devDependencies: { far: '1.0.0' },
  },
  'node_modules/right': { version: '1.5.0' },
};
const manifests = {
  'package.json': { devDependencies: { tool: '1.2.3' } },
  'packages/a/package.json': { name: 'a', dependencies: { left: '2.0.0' } },
};

function inRepository<T>(
  packages: Readonly<Record<string, object>>,
  look: (root: string) => T,
  files: Readonly<Record<string, object>> = manifests,
): T {
  const root = mkdtempSync(join(tmpdir(), 'lockfile-'));
  try {
    for (const [file, content] of Object.entries({ ...files, 'package-lock.json': { lockfileVersion: 3, packages } })) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), JSON.stringify(content));
    }
    return look(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function without(...places: readonly string[]): Record<string, object> {
  return Object.fromEntries(Object.entries(whole).filter(([place]) => !places.includes(place)));
}

describe('lockfile', () => {
  test('a whole one passes', () => {
    assert.deepEqual(inRepository(whole, checkLockfile), []);
  });

  test('finds what npm ci would refuse', () => {
    const missing = inRepository(without('node_modules/@tool/darwin-arm64'), checkLockfile);
    assert.match(
      missing[0]?.message ?? '',
      /holds no @tool\/darwin-arm64@1\.2\.3, which node_modules\/tool needs: .*--complete/,
    );
    const deep = inRepository(without('node_modules/right'), checkLockfile);
    assert.match(
      deep[0]?.message ?? '',
      /holds no right@\^1\.0\.0, which packages\/a\/node_modules\/left needs: run `npm install`/,
    );
    assert.equal(deep.length, 1);
  });

  test('finds a manifest that asks for something else', () => {
    const files = {
      'package.json': { devDependencies: { tool: '1.2.4', extra: '1.0.0' } },
      'packages/a/package.json': { name: 'a' },
    };
    const found = inRepository(whole, checkLockfile, files).map(({ file, message }) => `${file}: ${message}`);
    assert.equal(found.length, 3, found.join('\n'));
    assert.match(found[0] ?? '', /^package\.json: devDependencies tool: 1\.2\.4 here, 1\.2\.3 in package-lock\.json/);
    assert.match(found[1] ?? '', /^package\.json: devDependencies extra: 1\.0\.0 here, nothing in/);
    assert.match(found[2] ?? '', /^packages\/a\/package\.json: dependencies left: nothing here, 2\.0\.0 in/);
  });

  test('puts packages of other platforms back, and touches nothing else', () => {
    const names = ['@tool/binding-linux-arm64-musl', '@tool/darwin-arm64'];
    inRepository(without(...names.map((name) => `node_modules/${name}`), 'node_modules/right'), (root) => {
      assert.deepEqual(
        completeLockfile(root),
        names.map((name) => `node_modules/${name}`),
      );
      const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
      assert.deepEqual(packages['node_modules/@tool/binding-linux-arm64-musl'], {
        version: '1.2.3',
        cpu: ['arm64'],
        dev: true,
        libc: ['musl'],
        license: 'MIT',
        optional: true,
        os: ['linux'],
      });
      assert.deepEqual(packages['node_modules/@tool/darwin-arm64'].os, ['darwin']);
      assert.deepEqual(checkLockfile(root).length, 1);
      assert.deepEqual(completeLockfile(root), []);
    });
  });
});
