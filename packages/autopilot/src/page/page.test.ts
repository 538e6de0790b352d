import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type KeysetOrder, linkHeader, numberedFragment, type OpenPage, type Page, Pager } from './page.ts';

const key = randomBytes(32);
const pager = new Pager({ key, defaultLimit: 3, maxLimit: 10 });
const order: KeysetOrder = {
  columns: [
    { sql: 'created_at', type: 'timestamptz' },
    { sql: 'id', type: 'bigint' },
  ],
  direction: 'descending',
};

interface Row {
  readonly at: string;
  readonly id: number;
}

const valuesOf = (row: Row): readonly string[] => [row.at, String(row.id)];
const invalidCursor = { code: 'AP_PAGE_CURSOR_INVALID' };

function compare(a: Row, b: Row): number {
  return a.at === b.at ? a.id - b.id : a.at < b.at ? -1 : 1;
}

/** Answers an open page as PostgreSQL would, from rows in memory. */
function read(open: OpenPage, rows: readonly Row[], ascending: boolean): readonly Row[] {
  const upward = open.orderBy.endsWith(' asc');
  const sorted = rows.toSorted(compare);
  if (!upward) sorted.reverse();
  const [condition] = open.branches ?? [];
  if (condition === undefined) {
    assert.equal(upward, ascending);
    return sorted.slice(0, open.fetch);
  }
  const [at = '', id = ''] = condition.values;
  const greater = condition.strings[0] === '(created_at, id) > (';
  const beyond = sorted.filter((row) => {
    const c = compare(row, { at, id: Number(id) });
    return greater ? c > 0 : c < 0;
  });
  return beyond.slice(0, open.fetch);
}

test('walking forth and back gives every row once and in order, whatever the ties, limits and direction', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z', '2026-01-02T00:00:00Z'), {
        maxLength: 40,
      }),
      fc.integer({ min: 1, max: 10 }),
      fc.boolean(),
      (times, limit, ascending) => {
        const rows = times.map((at, id) => ({ at, id }));
        const asked: KeysetOrder = { ...order, direction: ascending ? 'ascending' : 'descending' };
        const expected = rows.toSorted(compare);
        if (!ascending) expected.reverse();
        const walk = (start: string | null, way: 'next' | 'previous'): { seen: Row[]; last: Page } => {
          const seen: Row[] = [];
          for (let cursor = start; ; ) {
            const open = pager.open({ cursor: cursor ?? undefined, limit, order: asked, filter: { tenant: 1 } });
            const { items, page } = open.close(read(open, rows, ascending), valuesOf);
            if (way === 'next') seen.push(...items);
            else seen.unshift(...items);
            cursor = page[way];
            if (cursor === null) return { seen, last: page };
          }
        };
        const forth = walk(null, 'next');
        assert.deepEqual(forth.seen, expected);
        if (forth.last.previous !== null) {
          const back = walk(forth.last.previous, 'previous');
          assert.deepEqual(back.seen, expected.slice(0, back.seen.length));
          assert.equal(back.last.previous, null);
          assert.equal(expected.length - back.seen.length <= limit, true);
        }
      },
    ),
  );
});

test('the condition is one row value with a parameter for each column', () => {
  const first = pager.open({ order, filter: null });
  const rows = [3, 2, 1, 0].map((id) => ({ at: '2026-01-01T00:00:00.123456Z', id }));
  const { page, items } = first.close(rows, valuesOf);
  assert.equal(items.length, 3);
  assert.equal(first.orderBy, 'created_at desc, id desc');
  assert.equal(first.branches, undefined);
  const second = pager.open({ cursor: page.next ?? '', order, filter: null });
  assert.equal(second.branches?.length, 1);
  const [condition = { strings: [], values: [] }] = second.branches ?? [];
  assert.deepEqual(numberedFragment(condition, 4), {
    text: '(created_at, id) < ($4::timestamptz, $5::bigint)',
    values: ['2026-01-01T00:00:00.123456Z', '1'],
  });
});

test('a cursor fits only the order and filter it was made for, whatever the order of the filter keys', () => {
  const open = pager.open({ order, filter: { organization: 'a', status: 'done', label: undefined } });
  const { page } = open.close(
    [
      { at: 'x', id: 2 },
      { at: 'x', id: 1 },
      { at: 'y', id: 0 },
      { at: 'y', id: 5 },
    ],
    valuesOf,
  );
  const cursor = page.next ?? '';
  assert.ok(pager.open({ cursor, order, filter: { status: 'done', organization: 'a' } }).from);
  for (const filter of [{ organization: 'b', status: 'done' }, { organization: 'a' }, null]) {
    assert.throws(() => pager.open({ cursor, order, filter }), invalidCursor);
  }
  const ascending: KeysetOrder = { ...order, direction: 'ascending' };
  assert.throws(
    () => pager.open({ cursor, order: ascending, filter: { organization: 'a', status: 'done' } }),
    invalidCursor,
  );
});

test('no changed, cut, foreign or invented cursor is taken', () => {
  const open = pager.open({ order, filter: 1 });
  const { page } = open.close(
    [1, 2, 3, 4].map((id) => ({ at: 't', id })),
    valuesOf,
  );
  const bytes = Buffer.from(page.next ?? '', 'base64url');
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
      assert.throws(() => pager.open({ cursor: changed.toString('base64url'), order, filter: 1 }), invalidCursor);
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ minLength: 4097, maxLength: 5000 })), (cursor) => {
      assert.throws(() => pager.open({ cursor, order, filter: 1 }), invalidCursor);
    }),
  );
  for (let length = 0; length < bytes.length; length++) {
    const cursor = bytes.subarray(0, length).toString('base64url');
    assert.throws(() => pager.open({ cursor, order, filter: 1 }), invalidCursor);
  }
  const foreign = new Pager({ key: randomBytes(32) });
  assert.throws(() => foreign.open({ cursor: page.next ?? '', order, filter: 1 }), invalidCursor);
});

test('a page whose rows are gone still leads back', () => {
  const { page } = pager.open({ order, filter: 1 }).close(
    [4, 3, 2, 1].map((id) => ({ at: 't', id })),
    valuesOf,
  );
  const empty = pager.open({ cursor: page.next ?? '', order, filter: 1 }).close([], valuesOf);
  assert.deepEqual(empty.items, []);
  assert.equal(empty.page.next, null);
  const back = pager.open({ cursor: empty.page.previous ?? '', order, filter: 1 });
  assert.deepEqual(back.from, ['t', '2']);
  assert.equal(back.orderBy, 'created_at asc, id asc');
});

test('the limit is enforced, not bent', () => {
  assert.equal(pager.open({ order, filter: 1 }).limit, 3);
  assert.equal(pager.open({ order, filter: 1, limit: 10 }).fetch, 11);
  for (const limit of [0, -1, 11, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => pager.open({ order, filter: 1, limit }), { code: 'AP_PARAMETER_INVALID' });
  }
  assert.throws(() => new Pager({ key: new Uint8Array(31) }), RangeError);
});

test('the Link header keeps the filters and swaps the cursor', () => {
  const target = '/api/v1/tasks?status=done&cursor=old&limit=5&label=a%20b';
  assert.equal(
    linkHeader(target, { limit: 5, next: 'n-1', previous: null }),
    '</api/v1/tasks?status=done&limit=5&label=a+b>; rel="first", ' +
      '</api/v1/tasks?status=done&limit=5&label=a+b&cursor=n-1>; rel="next"',
  );
  assert.equal(
    linkHeader('/tasks', { limit: 5, next: null, previous: 'p' }),
    '</tasks>; rel="first", </tasks?cursor=p>; rel="prev"',
  );
});
