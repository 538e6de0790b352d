import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { precompress } from './precompress.ts';

test('what becomes smaller is beside itself in every coding', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'precompress-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const text = 'const a = 1;\n'.repeat(500);
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'assets/a.js'), text);
  await writeFile(join(folder, 'assets/b.png'), text);
  await writeFile(join(folder, 'small.css'), 'a{}');
  await precompress(folder);
  assert.deepEqual((await readdir(join(folder, 'assets'))).toSorted(), [
    'a.js',
    'a.js.br',
    'a.js.gz',
    'a.js.zst',
    'b.png',
  ]);
  assert.deepEqual((await readdir(folder)).toSorted(), ['assets', 'small.css']);
  const read = (ending: string): Promise<Buffer> => readFile(join(folder, `assets/a.js${ending}`));
  assert.equal(brotliDecompressSync(await read('.br')).toString(), text);
  assert.equal(zstdDecompressSync(await read('.zst')).toString(), text);
  assert.equal(gunzipSync(await read('.gz')).toString(), text);
});
