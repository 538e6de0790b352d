import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProfileFrame } from '../contract/profile.ts';
import { frameOf, type ProfiledStack, profileTree } from './profile-tree.ts';
import { RequestContext, RequestScope } from './request-scope.ts';
import { SliceLog } from './slice-log.ts';

const frame = (name: string): ProfileFrame => ({ name, file: 'app.ts', line: 1 });
const options = { samples: 1, digits: 3, notes: [] };

test('stacks become one tree in which nothing is lost, however many there are', () => {
  const { frames, nodes, total } = profileTree(
    [
      { route: 'GET /', frames: [frame('a'), frame('b')], value: 3 },
      { route: 'GET /', frames: [frame('a')], value: 1 },
      { route: 'POST /', frames: [frame('a')], value: 2 },
    ],
    options,
  );
  assert.equal(total, 6);
  assert.deepEqual(
    nodes.map(([at = 0, parent, self]) => [frames[at]?.name, parent, self]),
    [
      ['GET /', -1, 0],
      ['a', 0, 1],
      ['b', 1, 3],
      ['POST /', -1, 0],
      ['a', 3, 2],
    ],
  );
  const many = Array.from(
    { length: 300 },
    (_, index): ProfiledStack => ({
      route: `GET /${index % 7}`,
      frames: Array.from({ length: 400 }, (_value, depth) => frame(`f${(index * depth) % 997}`)),
      value: 1 + (index % 3),
    }),
  );
  const large = profileTree(many, options);
  assert.ok(large.nodes.length <= 8_000, `${large.nodes.length} nodes`);
  const sum = large.nodes.reduce((all, [, , self = 0]) => all + self, 0);
  assert.ok(Math.abs(sum - large.total) < 1e-6 * large.total, `${sum} of ${large.total}`);
  assert.ok(large.nodes.every(([, parent = 0], index) => parent < index));
});

test('a place is shown without where the machine keeps it', () => {
  const folder = 'file:///srv/app/';
  assert.deepEqual(frameOf('', 'file:///srv/app/src/a.ts', 9, folder), {
    name: '(anonymous)',
    file: 'src/a.ts',
    line: 10,
  });
  assert.equal(frameOf('f', '/srv/app/src/a.cjs', 0, folder).file, 'src/a.cjs');
  assert.equal(frameOf('f', 'file:///srv/app/node_modules/pg/lib/client.js', 0, folder).file, 'pg/lib/client.js');
  assert.equal(frameOf('f', 'file:///home/somebody/secret/b.ts', 0, folder).file, 'b.ts');
  assert.equal(frameOf('f', 'node:net', 4, folder).file, 'node:net');
  assert.deepEqual(frameOf('(garbage collector)', '', -1, folder), { name: '(garbage collector)', file: '', line: 0 });
});

test('a moment is of the request whose slice it fell into; the route is known at its end', () => {
  let nowMs = 0;
  const context = new RequestContext();
  const log = new SliceLog(context, () => nowMs);
  const scope = new RequestScope(0);
  nowMs = 10;
  log.run(scope, () => {
    nowMs = 14;
    scope.route = 'GET /';
    log.run(Object.assign(new RequestScope(0), { route: 'POST /' }), () => {
      nowMs = 16;
    });
    nowMs = 20;
  });
  assert.deepEqual(log.routesAt([5, 10, 13, 15, 17, 25]), [
    '(no request)',
    'GET /',
    'GET /',
    'POST /',
    'GET /',
    '(no request)',
  ]);
});
