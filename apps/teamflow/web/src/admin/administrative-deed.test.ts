import assert from 'node:assert/strict';
import { test } from 'node:test';
import { administrativeDeed } from './administrative-deed.ts';

test('what administrators do is told in words, and what has none as it was called', () => {
  const calls = [
    ['POST /api/auth/admin/ban-user', null],
    ['POST /api/auth/admin/set-role', 'admin'],
    ['POST /api/auth/admin/set-role', 'user'],
    ['DELETE /api/v1/administration/users/1/sessions', null],
    ['DELETE /api/v1/administration/users/1/sessions/2', null],
    ['POST /api/auth/admin/constructor', null],
    ['POST /api/auth/admin/of-tomorrow', null],
  ] as const;
  assert.deepEqual(
    calls.map(([call, role]) => administrativeDeed({ call, role })),
    [
      'Suspended',
      'Made an administrator',
      'Took the administration away',
      'Ended all sessions',
      'Ended a session',
      'POST /api/auth/admin/constructor',
      'POST /api/auth/admin/of-tomorrow',
    ],
  );
});
