import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { checkHouseRules, type HouseReport } from './house-rules.ts';

const src = 'packages/autopilot/src';

function checkTree(files: Readonly<Record<string, string>>): HouseReport {
  const root = mkdtempSync(join(tmpdir(), 'house-'));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return checkHouseRules(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** What is said of one file, as `line: message`. */
function said(file: string, text: string): string[] {
  return checkTree({ [file]: text }).violations.map(({ line, message }) => `${line}: ${message}`);
}

describe('house rules', () => {
  test('any, as and ! need a reason', () => {
    const hatches = 'const a = b as string;\nconst c = d!;\nlet e: any;\nconst f = <T>g;\n';
    const found = said(`${src}/kernel/a.ts`, hatches);
    assert.equal(found.length, 4, found.join('\n'));
    assert.match(found[0] ?? '', /^1: `as` needs a comment/);
    assert.match(found[1] ?? '', /^2: `!` needs a comment/);
    assert.match(found[2] ?? '', /^3: `any` needs a comment/);
    assert.match(found[3] ?? '', /^4: `as` needs a comment/);
  });

  test('a reason stands at the line or above the statement', () => {
    const reasoned = [
      'const a = b as string; // it was checked above',
      '',
      '// Never empty: the loop filled it.',
      'const c = call(',
      '  one,',
      '  d!,',
      ');',
      'const e = {',
      '  // The library types it loosely.',
      '  f: g as string,',
      '};',
    ];
    assert.deepEqual(said(`${src}/kernel/a.ts`, `${reasoned.join('\n')}\n`), []);
    const far = '// Too far away to speak for it.\n\nconst a = b as string;\n';
    assert.equal(said(`${src}/kernel/a.ts`, far).length, 1);
  });

  test('what narrows nothing needs none', () => {
    assert.deepEqual(said(`${src}/kernel/a.ts`, "const a = ['x'] as const;\nconst b = c as unknown;\n"), []);
  });

  test('tests may assert what they know, but not switch types off', () => {
    const text = 'const a = b as string;\nconst c = d!;\nlet e: any;\n';
    for (const file of [`${src}/kernel/a.test.ts`, 'test/support/a.ts']) assert.equal(said(file, text).length, 1, file);
  });

  test('names', () => {
    const bad = [
      `${src}/kernel/MyThing.ts`,
      `${src}/kernel/my_thing.ts`,
      `${src}/kernel/utils.ts`,
      `${src}/kernel/string-helpers.ts`,
      `${src}/common/thing.ts`,
      `${src}/kernel/index.ts`,
      'apps/teamflow/server/types.ts',
    ];
    for (const file of bad) assert.equal(said(file, 'export {};\n').length, 1, file);
    const good = [`${src}/index.ts`, `${src}/kernel/ring-buffer.test.ts`, 'packages/dashboard/vite.config.ts'];
    for (const file of good) assert.deepEqual(said(file, 'export {};\n'), []);
    assert.match(said(`${src}/kernel/a.ts`, 'interface IThing {}\n')[0] ?? '', /carry no I/);
    assert.match(said(`${src}/kernel/a.ts`, 'abstract class AbstractThing {}\n')[0] ?? '', /not that it is abstract/);
    assert.deepEqual(said(`${src}/kernel/a.ts`, 'interface Item {}\nclass Index {}\ninterface IO {}\n'), []);
  });

  test('length', () => {
    assert.deepEqual(said(`${src}/kernel/a.ts`, '\n'.repeat(500)), []);
    assert.match(said(`${src}/kernel/a.ts`, '\n'.repeat(501))[0] ?? '', /^501: 501 lines, the limit is 500/);
  });

  test('exports without TSDoc are listed, not failed', () => {
    const text = [
      '/** Says what it is for. */',
      'export const a = 1;',
      'export const b = 2;',
      '/** One comment for all signatures. */',
      'export function f(x: string): string;',
      'export function f(x: number): number;',
      '// Not a TSDoc comment.',
      'export interface C {}',
      "export { d } from './d.ts';",
    ];
    const { undocumented, violations } = checkTree({ [`${src}/kernel/a.ts`]: `${text.join('\n')}\n` });
    assert.deepEqual(violations, []);
    assert.deepEqual(
      undocumented.map(({ line }) => line),
      [3, 8],
    );
  });

  test('a run that saw no code fails', () => {
    assert.match(checkTree({}).violations[0]?.message ?? '', /saw no code/);
  });
});
