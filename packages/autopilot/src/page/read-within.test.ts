import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { countRows, type KeysetOrder, Pager, type PageStep, plannedRows, readWithin } from './page.ts';

const pager = new Pager({ key: randomBytes(32) });
const order: KeysetOrder = { columns: [{ sql: 'id', type: 'bigint' }], direction: 'ascending' };

interface Row {
  readonly id: number;
  readonly text: string;
}

/** A table of rows of one size whose statements take so long for each row. */
function table(rows: number, { characters = 10, rowMs = 0 } = {}) {
  const state = { nowMs: 0, statements: [] as number[] };
  const read = async ({ branches, fetch }: PageStep): Promise<readonly Row[]> => {
    const after = Number(branches?.[0]?.values[0] ?? 0);
    const found = Array.from({ length: Math.max(0, Math.min(fetch, rows - after)) }, (_, i) => ({
      id: after + i + 1,
      text: 'x'.repeat(characters),
    }));
    state.nowMs += found.length * rowMs;
    state.statements.push(fetch);
    return found;
  };
  const page = (limit: number, budget: { bytes?: number; durationMs?: number } = {}, cursor?: string) =>
    readWithin(pager.open({ cursor, limit, order, filter: null }), read, (row) => [String(row.id)], {
      ...budget,
      now: () => state.nowMs,
    });
  return { state, page };
}

const idsOf = (items: readonly Row[]): readonly number[] => items.map(({ id }) => id);
const upTo = (last: number, first = 1): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

test('a usual page is one statement and not cut', async () => {
  const { state, page } = table(500);
  const { items, page: said } = await page(50);
  assert.deepEqual(idsOf(items), upTo(50));
  assert.equal(said.cut, undefined);
  assert.notEqual(said.next, null);
  assert.deepEqual(state.statements, [51]);
});

test('a long page is two statements that meet', async () => {
  const { state, page } = table(500);
  const { items, page: said } = await page(200);
  assert.deepEqual(idsOf(items), upTo(200));
  assert.equal(said.cut, undefined);
  assert.deepEqual(state.statements, [51, 150]);
});

test('a page is cut to its bytes, says so and goes on where it was cut', async () => {
  const { page } = table(500, { characters: 1000 });
  const first = await page(200, { bytes: 100_000 });
  assert.equal(first.page.cut, 'bytes');
  assert.equal(first.page.limit, 200);
  assert.equal(first.items.length > 51 && first.items.length < 100, true);
  const second = await page(200, { bytes: 100_000 }, first.page.next ?? '');
  assert.deepEqual(idsOf([...first.items, ...second.items]), upTo(first.items.length + second.items.length));
  const small = await page(200, { bytes: 10_000 });
  assert.equal(small.page.cut, 'bytes');
  assert.equal(small.items.length, 9);
  const single = await page(200, { bytes: 1 });
  assert.deepEqual(idsOf(single.items), [1]);
  assert.equal(single.page.cut, 'bytes');
});

test('a page is cut to its time: what the first rows took decides how many more are read', async () => {
  const { state, page } = table(500, { rowMs: 10 });
  const slow = await page(200, { durationMs: 1000 });
  assert.equal(slow.page.cut, 'time');
  assert.deepEqual(idsOf(slow.items), upTo(100));
  assert.deepEqual(state.statements, [51, 49]);
  const slower = await page(200, { durationMs: 400 });
  assert.equal(slower.page.cut, 'time');
  assert.deepEqual(idsOf(slower.items), upTo(51));
});

test('a page that is cut backwards has the rows nearest to where it was asked from', async () => {
  const opened = pager.open({ limit: 3, order, filter: null });
  const rows = [1, 2, 3, 4].map((id) => ({ id, text: '' }));
  const forth = opened.close(rows, ({ id }) => [String(id)]);
  const after = pager.open({ cursor: forth.page.next ?? '', limit: 3, order, filter: null });
  const second = after.close([{ id: 4, text: '' }], ({ id }) => [String(id)]);
  const back = await readWithin(
    pager.open({ cursor: second.page.previous ?? '', limit: 3, order, filter: null }),
    async () => [3, 2, 1].map((id) => ({ id, text: '' })),
    ({ id }) => [String(id)],
    { bytes: 40 },
  );
  assert.deepEqual(idsOf(back.items), [2, 3]);
  assert.equal(back.page.cut, 'bytes');
  assert.notEqual(back.page.previous, null);
  assert.notEqual(back.page.next, null);
});

test('the end of a list is no cut, and a list of one page is counted for nothing', async () => {
  const { page } = table(30);
  const { items, page: said } = await page(200);
  assert.equal(items.length, 30);
  assert.equal(said.cut, undefined);
  assert.deepEqual(said.count, { value: 30, exact: true });
  const { page: long } = table(70, { rowMs: 10 });
  const whole = await long(200, { durationMs: 1000 });
  assert.equal(whole.items.length, 70);
  assert.equal(whole.page.next, null);
});

test('counts are exact while cheap, and estimates beyond that never say less than was counted', async () => {
  const counting = (rows: number | null, estimate: number) =>
    countRows(
      {
        counted: async (limit) => (rows === null ? null : Math.min(rows, limit)),
        estimated: async () => estimate,
      },
      100,
    );
  assert.deepEqual(await counting(0, 5), { value: 0, exact: true });
  assert.deepEqual(await counting(100, 5), { value: 100, exact: true });
  assert.deepEqual(await counting(101, 5), { value: 101, exact: false });
  assert.deepEqual(await counting(5000, 4800), { value: 4800, exact: false });
  assert.deepEqual(await counting(null, 4800), { value: 4800, exact: false });
});

test('the rows of a plan are read from what EXPLAIN answers, and nothing else', () => {
  assert.equal(plannedRows([{ Plan: { 'Node Type': 'Seq Scan', 'Plan Rows': 12 } }]), 12);
  for (const other of [null, [], [{}], [{ Plan: null }], 'text', [{ Plan: { 'Plan Rows': '12' } }]]) {
    assert.throws(() => plannedRows(other), TypeError);
  }
});
