import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DashboardFiles } from './dashboard-files.ts';

test('a file goes out in the coding that the client likes, of those that the build has put beside it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dashboard-files-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'assets'));
  for (const ending of ['', '.br', '.zst', '.gz'])
    await writeFile(join(folder, `assets/a.js${ending}`), `as ${ending}`);
  await writeFile(join(folder, 'index.html'), '<p>');
  const files = new DashboardFiles(folder);
  const get = async (name: string, accept: string | null): Promise<readonly (string | null)[]> => {
    const answer = await files.serve(`/autopilot/${name}`, accept);
    const { headers } = answer ?? new Response();
    const body = await answer?.text();
    return [body ?? null, headers.get('content-encoding'), headers.get('vary'), headers.get('content-type')];
  };
  const type = 'text/javascript; charset=utf-8';
  const vary = 'accept-encoding';
  assert.deepEqual(await get('assets/a.js', 'gzip, deflate, br, zstd'), ['as .br', 'br', vary, type]);
  assert.deepEqual(await get('assets/a.js', 'gzip, zstd'), ['as .zst', 'zstd', vary, type]);
  assert.deepEqual(await get('assets/a.js', 'br;q=0.5, gzip'), ['as .gz', 'gzip', vary, type]);
  for (const accept of [null, 'identity', 'gzip;q=0', 'deflate']) {
    assert.deepEqual(await get('assets/a.js', accept), ['as ', null, vary, type]);
  }
  assert.deepEqual(await get('', 'br'), ['<p>', null, null, 'text/html; charset=utf-8']);
  assert.deepEqual(await get('assets/b.js', 'br'), [null, null, null, null]);
});
