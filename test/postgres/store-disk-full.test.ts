/** A disk that is full: said as such, nothing half, what can be read is read, and all goes on when there is room again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import type { Window } from '../../packages/autopilot/src/contract/series.ts';
import { FakeClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { PostgresMetricStore } from '../../packages/autopilot/src/storage/postgres/postgres-metric-store.ts';
import { leakCheck } from '../support/leak-check.ts';
import { HOUR, MINUTE, mergedDurations, readAll } from '../support/metric-truth.ts';
import { throwawayServer } from '../support/postgres.ts';
import { random } from '../support/random.ts';
import { skipUnless } from '../support/skip-unless.ts';
import { originOf, routeOf, windowOf } from '../support/windows.ts';

leakCheck(after);

const T0 = 1_700_006_400_000;
const DISK_BYTES = 48 * 1024 * 1024;

/** A file system of its own in memory, for as long as `act` takes; null when this account may not mount one. */
function smallDisk(): { readonly path: string; unmount(): void } | null {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=0755`, 'tmpfs', path], {
      stdio: 'ignore',
    });
  } catch {
    rmSync(path, { recursive: true });
    return null;
  }
  return {
    path,
    unmount: () => {
      execFileSync('/bin/umount', [path]);
      rmSync(path, { recursive: true });
    },
  };
}

const probe = smallDisk();
probe?.unmount();
const skip = skipUnless(probe !== null, 'a small disk', 'mounting a tmpfs needs root and CAP_SYS_ADMIN');

test('a full disk is told, costs nothing that was stored, and passes', { skip }, async (t) => {
  const disk = smallDisk();
  assert.ok(disk !== null);
  t.after(() => {
    disk.unmount();
  });
  const stops: (() => Promise<void> | void)[] = [];
  // Stopped here and not by a hook of the test: the disk goes in one that is registered before.
  const server = await throwawayServer({ after: (fn) => stops.push(fn), afterEach: () => {} });
  try {
    const place = join(disk.path, 'tablespace');
    mkdirSync(place, { mode: 0o700 });
    const { uid, gid } = statSync(server.dataDirectory);
    chownSync(place, uid, gid);
    await sql(server.url('postgres'), `CREATE TABLESPACE small LOCATION '${place}'`);
    await sql(server.url('postgres'), 'CREATE DATABASE full_disk TABLESPACE small');
    await fillAndFree(server.url('full_disk'), disk.path);
  } finally {
    for (const stop of stops) await stop();
  }
});

async function fillAndFree(url: string, disk: string): Promise<void> {
  const clock = new FakeClock(T0 + HOUR);
  await using store = new PostgresMetricStore({ connectionString: url, clock });
  await store.migrate();
  await store.compact(clock.now());
  const ballast = join(disk, 'ballast');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - 3 * 1024 * 1024));
  const next = random(1);
  const window = (at: number): Window =>
    windowOf(
      at,
      Array.from({ length: 100 }, (_, i) =>
        routeOf(
          `GET /${i}`,
          Array.from({ length: 30 }, () => next() * 1000),
        ),
      ),
      { durationMs: 10_000 },
    );
  let stored = 0;
  let failed: Window | null = null;
  for (let at = T0; failed === null && stored < 2000; at += 10_000) {
    const one = window(at);
    clock.jump(Math.max(clock.now(), at + 10_000));
    try {
      stored += (await store.append(originOf('a'), [one])).taken;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'AP_STORE_DISK_FULL', String(error));
      assert.match((error as { remedy?: string }).remedy ?? '', /Free space/);
      failed = one;
    }
  }
  assert.ok(failed !== null, 'the disk is full');
  const count = async (): Promise<number> =>
    mergedDurations(
      await readAll(store, { from: T0, to: clock.now(), resolutionMs: 10_000, select: { kind: 'total' } }),
    ).count;
  assert.equal(await count(), stored * 100 * 30);
  clock.advance(5 * MINUTE);
  const compacted = await store.compact(clock.now()).catch((error: unknown) => error);
  if (compacted instanceof Error)
    assert.equal((compacted as { code?: string }).code, 'AP_STORE_DISK_FULL', String(compacted));
  assert.equal(await count(), stored * 100 * 30);
  // Room again: the same window is handed in again, and compaction goes on where it was.
  rmSync(ballast);
  const again = await store.append(originOf('a'), [failed]);
  assert.deepEqual([again.taken, again.duplicates], [1, 0]);
  for (let rounds = 0; rounds < 3; rounds++) {
    clock.advance(6 * MINUTE);
    await store.compact(clock.now());
  }
  const slices = await readAll(store, { from: T0, to: clock.now(), resolutionMs: MINUTE, select: { kind: 'total' } });
  assert.equal(mergedDurations(slices).count, (stored + 1) * 100 * 30);
}

async function sql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
