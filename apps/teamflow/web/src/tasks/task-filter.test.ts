import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { searchOf } from '../api/request.ts';
import { taskPriorities, taskStatuses } from '../api/wire.ts';
import { filterCount, filterOf, parametersOf, taskSorts } from './task-filter.ts';

test('a filter survives the address', () => {
  const day = fc.constantFrom('', '2026-03-01', '2026-12-31');
  const filter = fc.record(
    {
      q: fc.constant(''),
      status: fc.subarray([...taskStatuses]),
      priority: fc.subarray([...taskPriorities]),
      assigneeId: fc.constantFrom('', 'me', 'none', '0b4f9f0e-7c1c-4f1a-9b7e-0a4d3c2b1a00'),
      label: fc.string(),
      dueFrom: day,
      dueTo: day,
      sort: fc.constantFrom(...taskSorts),
      cursor: fc.string(),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(filter, (given) => assert.deepEqual(filterOf(searchOf(parametersOf(given))), given)));
});

test('an address that makes no sense shows everything', () => {
  const filter = filterOf('?status=asleep&priority=&sort=title&dueFrom=tomorrow');
  assert.equal(filterCount(filter), 0);
  assert.equal(searchOf(parametersOf(filter)), '');
});
