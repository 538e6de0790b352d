import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { canReach, findTool, permits, type ServerIdentity } from './server-identity.ts';

// Nobody who may run this test.
const uid = (process.getuid?.() ?? 0) + 12_345;
const alice: ServerIdentity = { kind: 'other-uid', uid, gid: 100, groups: [100, 27] };

test('the first class of mode bits that matches decides', () => {
  assert.equal(permits({ uid, gid: 0, mode: 0o700 }, alice, 0o7), true);
  assert.equal(permits({ uid, gid: 100, mode: 0o077 }, alice, 0o1), false, 'an owner gets the bits of owners');
  assert.equal(permits({ uid: 0, gid: 27, mode: 0o750 }, alice, 0o5), true, 'any of the groups');
  assert.equal(permits({ uid: 0, gid: 27, mode: 0o705 }, alice, 0o5), false, 'a member gets the bits of the group');
  assert.equal(permits({ uid: 0, gid: 0, mode: 0o755 }, alice, 0o5), true);
  assert.equal(permits({ uid: 0, gid: 0, mode: 0o755 }, alice, 0o2), false);
});

test('a directory on the way that is closed makes a path unreachable', (t) => {
  const root = mkdtempSync('/tmp/reach-');
  t.after(() => {
    rmSync(root, { recursive: true });
  });
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'closed/open'), { recursive: true });
  writeFileSync(join(root, 'closed/open/file'), '');
  assert.equal(canReach(join(root, 'closed/open/file'), alice), true);
  assert.equal(canReach(join(root, 'not/there/yet'), alice), true);
  chmodSync(join(root, 'closed'), 0o700);
  assert.equal(canReach(join(root, 'closed/open/file'), alice), false);
  const owner: ServerIdentity = { kind: 'direct', uid: process.getuid?.() ?? 0, gid: 0, groups: [0] };
  assert.equal(canReach(join(root, 'closed/open/file'), owner), true);
});

test('tools are looked for in PATH', () => {
  assert.match(findTool('sh') ?? '', /^\/.*\/sh$/);
  assert.equal(findTool('no-such-tool-anywhere'), null);
});
