import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentCoding } from '../contract/compression.ts';
import { codingLevels } from './coding-level.ts';
import { CodingPolicy, RouteCosts } from './coding-policy.ts';
import { Strain } from './strain.ts';

const policy = new CodingPolicy(new Set<ContentCoding>(['zstd', 'br', 'gzip', 'deflate']));
const modern: readonly ContentCoding[] = ['zstd', 'br', 'gzip', 'deflate'];

/** What is chosen most of the time: one in 64 is a trial. */
function usual(
  costs: RouteCosts,
  bytes: number,
  codings: readonly ContentCoding[],
  byteValueNs: number,
): string | null {
  const chosen = [1, 2, 3].map(() => policy.choose(costs, bytes, codings, byteValueNs)?.name ?? null);
  return chosen.find((name, at) => chosen.indexOf(name) < at) ?? null;
}

test('the more a byte is worth the harder it tries; where saving costs more than it brings, it leaves it', () => {
  const costs = new RouteCosts();
  assert.equal(usual(costs, 20_000, modern, 15), 'zstd:1');
  assert.equal(usual(costs, 20_000, modern, 100), 'zstd:1');
  assert.equal(usual(costs, 20_000, modern, 200), 'zstd:3');
  assert.equal(usual(costs, 20_000, modern, 1_000), 'zstd:6');
  assert.equal(usual(costs, 20_000, modern, 5_000), 'br:5');
  assert.equal(usual(costs, 2_000, ['gzip'], 15), 'gzip:1');
  // A page of 1.3 KB is worth a packet, also while the process is overloaded: as it is just after its start.
  assert.equal(usual(costs, 1_330, modern, 30), 'zstd:1');
  assert.equal(usual(costs, 2_000, ['deflate'], 100), 'deflate:6');
  assert.equal(usual(costs, 2_000, modern, 1), null);
  assert.equal(usual(costs, 2_000, [], 100), null);
});

test('what a route’s bodies really cost and save decides, for each length of its own', () => {
  const costs = new RouteCosts();
  for (const level of codingLevels) {
    for (let i = 0; i < 30; i++) policy.learn(costs, level, 20_000, 19_990, 400_000);
  }
  assert.equal(usual(costs, 20_000, modern, 100), null);
  assert.equal(usual(costs, 200_000, modern, 100), 'zstd:1');
  assert.equal(usual(new RouteCosts(), 20_000, modern, 100), 'zstd:1');
});

test('what did not pay is tried again now and then, and taken up when it pays', () => {
  const costs = new RouteCosts();
  for (const level of codingLevels) {
    for (let i = 0; i < 30; i++) policy.learn(costs, level, 20_000, 20_000, 60_000);
  }
  let coded = 0;
  for (let i = 0; i < 20_000; i++) {
    const level = policy.choose(costs, 20_000, ['gzip'], 100);
    if (level === null) continue;
    coded++;
    policy.learn(costs, level, 20_000, 4_000, 60_000);
  }
  assert.ok(coded > 15_000, String(coded));
});

test('strain rises within a second and goes back over several, without swinging in between', () => {
  const strain = new Strain();
  const calm = { lateMs: 1, utilization: 0.1, cpuShare: null };
  const late = { lateMs: 30, utilization: 0.9, cpuShare: 1 };
  assert.equal(strain.name, 'normal');
  strain.judge(late, 20);
  assert.equal(strain.name, 'busy');
  strain.judge({ ...late, lateMs: 200 }, 20);
  assert.equal(strain.name, 'overloaded');
  assert.equal(strain.byteValueNs, 30);
  for (let i = 0; i < 50; i++) strain.judge({ lateMs: 15, utilization: 0.7, cpuShare: 1 }, 20);
  assert.equal(strain.name, 'overloaded');
  const names = Array.from({ length: 16 }, () => {
    strain.judge(calm, 20);
    return strain.name;
  });
  assert.deepEqual(
    [names[2], names[3], names[7], names[11], names[15]],
    ['overloaded', 'strained', 'busy', 'normal', 'idle'],
  );
  strain.judge({ ...calm, utilization: 0.9 }, 20);
  assert.equal(strain.name, 'normal');
  for (let i = 0; i < 9; i++) strain.judge({ ...calm, utilization: 0.99 }, 20);
  assert.equal(strain.name, 'busy', 'no pause is left, though nothing is late');
  for (let i = 0; i < 4; i++) strain.judge({ ...calm, utilization: 0.5 }, 20);
  assert.equal(strain.name, 'normal');
  strain.judge({ lateMs: 1, utilization: 1, cpuShare: 0.4 }, 20);
  assert.equal(strain.name, 'busy');
});

test('where bodies come again, more time is spent on each', () => {
  const costs = new RouteCosts();
  assert.equal(usual(costs, 20_000, modern, 200), 'zstd:3');
  for (let i = 0; i < 100; i++) policy.looked(costs, 20_000, true);
  assert.equal(usual(costs, 20_000, modern, 200), 'br:5');
  for (let i = 0; i < 100; i++) policy.looked(costs, 20_000, false);
  assert.equal(usual(costs, 20_000, modern, 200), 'zstd:3');
});
