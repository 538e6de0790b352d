import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceStatus } from '@teamflow/autopilot/contract';
import { releasesIn } from './releases.ts';

// Only what is read here.
const started = (release: string, startedAt: string): InstanceStatus => ({ release, startedAt }) as InstanceStatus;

test('a release begins with its first instance', () => {
  const instances = [
    started('2', '2026-01-02T00:00:00Z'),
    started('1', '2026-01-01T00:00:00Z'),
    started('2', '2026-01-03T00:00:00Z'),
  ];
  assert.deepEqual(releasesIn(instances), [
    { release: '1', at: '2026-01-01T00:00:00Z' },
    { release: '2', at: '2026-01-02T00:00:00Z' },
  ]);
});
