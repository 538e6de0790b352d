/**
 * For `npm run torture -- settings`: told how many settings, and with which to begin, it keeps one after the other from
 * having any effect (freeze-setting.ts) and looks whether the test that is said to prove its effect fails. Without that
 * the same test must pass.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settingProofs } from './setting-proofs.ts';

const root = join(import.meta.dirname, '../..');
/** Of a test, which may wait for what does not come. */
const TEST_LIMIT_MS = 120_000;
/** Of a file. */
const LIMIT_MS = 400_000;
const [count = '1', first = '1'] = process.argv.slice(2);
const startedAtMs = performance.now();
const chosen = Object.entries(settingProofs)
  .flatMap(([file, keys]) => keys.map((key) => ({ file, key })))
  .slice(Number(first) - 1, Number(first) - 1 + Number(count));
const sound = new Set<string>();
const unproven: string[] = [];
for (const { file, key } of chosen) {
  if (!sound.has(file)) assert.ok(await passes(file, ''), `${file} fails by itself`);
  sound.add(file);
  console.error(`${file} ${key}`);
  if (await passes(file, key)) unproven.push(`${file} passes although ${key} has no effect`);
}
assert.deepEqual(unproven, []);
const seconds = Math.round((performance.now() - startedAtMs) / 1000);
console.log(JSON.stringify({ rounds: chosen.length, settings: chosen.map(({ key }) => key), seconds }));

async function passes(file: string, key: string): Promise<boolean> {
  const freeze = `--import=${join(import.meta.dirname, 'freeze-setting.ts')}`;
  const test = ['--test', '--test-isolation=none', '--test-force-exit', `--test-timeout=${TEST_LIMIT_MS}`];
  // A test that fails keeps its data to be looked at.
  const folder = mkdtempSync(join(tmpdir(), 'settings-'));
  const child = spawn(process.execPath, ['-C', 'source', freeze, ...test, file], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, FROZEN_SETTING: key, TMPDIR: folder, NODE_TEST_CONTEXT: undefined },
    timeout: LIMIT_MS,
  });
  const [code] = (await once(child, 'close')) as [number | null]; // as Node emits it
  rmSync(folder, { recursive: true, force: true });
  return code === 0;
}
