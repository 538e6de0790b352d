import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileLayer } from './file-layer.ts';

/** A folder with a file in it that is looked at when the test says so. */
async function watched(t: TestContext): Promise<{
  readonly layer: FileLayer;
  readonly told: string[];
  readonly changes: () => number;
  readonly write: (text: string, name?: string) => Promise<void>;
  readonly folder: string;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'file-layer-'));
  t.after(() => rm(folder, { recursive: true }));
  let changes = 0;
  const told: string[] = [];
  const layer = new FileLayer(
    folder,
    () => changes++,
    (message) => told.push(message),
  );
  const write = async (text: string, name = 'autopilot.config.yaml'): Promise<void> => {
    // Beside and moved, as editors save: the file is never half there, and is another one each time.
    await writeFile(join(folder, 'new'), text);
    await rename(join(folder, 'new'), join(folder, name));
    await layer.look();
  };
  return { layer, told, changes: () => changes, write, folder };
}

test('the file is followed while it is edited, taken away and put back; what changes nothing tells nobody', async (t) => {
  const { layer, told, changes, write, folder } = await watched(t);
  await layer.look();
  assert.deepEqual([layer.values, changes()], [{}, 0]);
  await write('databases: {}\nsettings:\n  monitoring:\n    maxRoutes: 50\n');
  assert.deepEqual([layer.values, changes()], [{ 'monitoring.maxRoutes': 50 }, 1]);
  await write('# the same in other words\nsettings: {monitoring: {maxRoutes: 50}}\n');
  await layer.look();
  assert.equal(changes(), 1);
  await write('settings: {api: {maxStreams: 7}}\n');
  assert.deepEqual([layer.values, changes()], [{ 'api.maxStreams': 7 }, 2]);
  await rm(join(folder, 'autopilot.config.yaml'));
  await layer.look();
  assert.deepEqual([layer.values, changes()], [{}, 3]);
  await write('{"settings": {"api": {"maxStreams": 8}}}', 'autopilot.config.json');
  assert.deepEqual([layer.values, changes(), told], [{ 'api.maxStreams': 8 }, 4, []]);
});

test('while the file can not be used, what it said before counts, and the reason is told once', async (t) => {
  const { layer, told, changes, write } = await watched(t);
  await write('settings: {api: {maxStreams: 7}}\n');
  for (const [text, reason] of [
    ['settings: {api: {maxStreams: 0}}\n', /api\.maxStreams is 0; it must be from 1/],
    ['settings: {api: {maxStreamz: 1}}\n', /is no setting of this release/],
    ['settings: [\n', /The document is not taken/],
    ['settings: &a {x: *a}\n', /anchors, aliases or tags/],
    ['settings:\n  __proto__:\n    admin: 1\n', /can't be the name/],
    [`x: ${'['.repeat(50_000)}`, /deeper than 32/],
    ['x'.repeat(2_000_000), /at most 1048576/],
  ] as const) {
    const before = told.length;
    await write(text);
    await layer.look();
    assert.deepEqual(
      [layer.values, changes(), told.length],
      [{ 'api.maxStreams': 7 }, 1, before + 1],
      text.slice(0, 40),
    );
    assert.match(layer.trouble ?? '', reason);
  }
  await write('settings: {api: {maxStreams: 9}}\n');
  assert.deepEqual([layer.values, layer.trouble], [{ 'api.maxStreams': 9 }, null]);
});
