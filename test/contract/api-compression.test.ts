/** What the HTTP API says of compression. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { CompressionStats } from '../../packages/autopilot/src/contract/compression-stats.ts';
import { type ControlWorld, controlWorld, report } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';

const path = '/api/v1/optimization/compression-stats';
let world: ControlWorld;

before(async () => {
  world = await controlWorld();
  await report(world, world.link('one'), 30);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});
leakCheck(after);

const stats = async (query = ''): Promise<CompressionStats> =>
  (await (await world.get(`${path}${query}`)).json()) as CompressionStats; // our own answer

it('says what became of answers, in all and by route, coding and reason', async () => {
  const { whole, codings, reasons, routes, trend } = await stats();
  const seconds = whole.answers / 15;
  assert.ok(seconds >= 1 && Number.isInteger(seconds), String(whole.answers));
  assert.equal(whole.compressedAnswers, 10 * seconds);
  assert.equal(whole.bytesSaved, 75_000 * seconds);
  assert.ok(Math.abs((whole.savedShare ?? 0) - 75_000 / 103_800) < 1e-9);
  assert.equal(whole.cpuMs, 1.5 * seconds);
  const [coding, none] = codings;
  assert.deepEqual(none, undefined);
  assert.deepEqual([coding?.coding, coding?.level, coding?.ratio], ['zstd', 1, 0.25]);
  assert.equal(coding?.cachedAnswers, 4 * seconds);
  assert.ok((coding?.addedP95Ms ?? 0) > 0.15 && (coding?.addedP50Ms ?? 1) < 0.15);
  assert.deepEqual(
    reasons.map(({ reason, answers }) => [reason, answers / seconds]),
    [
      ['too-small', 4],
      ['client-cannot', 1],
    ],
  );
  assert.deepEqual(
    routes.map(({ route, bytesIn }) => [route, bytesIn / seconds]),
    [
      ['GET /tasks', 100_800],
      ['POST /tasks', 3_000],
    ],
  );
  assert.ok(trend.columns['compressionInRate']?.some((rate) => rate === 103_800));
  assert.ok(trend.columns['compressionOutRate']?.some((rate) => rate === 28_800));
});

it('pages the routes, one range for all pages', async () => {
  const first = await stats('?limit=1');
  assert.deepEqual(
    first.routes.map(({ route }) => route),
    ['GET /tasks'],
  );
  const next = await stats(`?limit=1&cursor=${encodeURIComponent(first.page.next ?? '')}`);
  assert.deepEqual(
    next.routes.map(({ route }) => route),
    ['POST /tasks'],
  );
  assert.deepEqual([next.from, next.to], [first.from, first.to]);
});

it('is exposed to Prometheus by outcome and route', async () => {
  const text = await (await world.get('/metrics')).text();
  assert.match(
    text,
    /^autopilot_compression_sent_bytes_total\{service_name="orders",instance="one",autopilot_compression_outcome="zstd:1",http_route="GET \/tasks"\} \d+$/m,
  );
});
