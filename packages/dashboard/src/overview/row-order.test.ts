import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filteredRows, nextOrder, replacedRows, sortedRows } from './row-order.ts';

interface Row {
  readonly route: string;
  readonly p95Ms: number | null;
}

const rows: readonly Row[] = [
  { route: 'GET /b', p95Ms: 5 },
  { route: 'GET /c', p95Ms: null },
  { route: 'GET /a', p95Ms: 5 },
  { route: 'POST /d', p95Ms: 50 },
];
const routes = (sorted: readonly Row[]): string[] => sorted.map(({ route }) => route);

test('sorts both ways; rows without a value come last, equal ones by name', () => {
  const by = (direction: 'ascending' | 'descending'): string[] =>
    routes(
      sortedRows(
        rows,
        ({ p95Ms }) => p95Ms,
        direction,
        ({ route }) => route,
      ),
    );
  assert.deepEqual(by('descending'), ['POST /d', 'GET /a', 'GET /b', 'GET /c']);
  assert.deepEqual(by('ascending'), ['GET /a', 'GET /b', 'POST /d', 'GET /c']);
});

test('sorts by text too, and leaves what it was given alone', () => {
  const before = [...rows];
  assert.deepEqual(
    routes(
      sortedRows(
        rows,
        ({ route }) => route,
        'descending',
        ({ route }) => route,
      ),
    ),
    ['POST /d', 'GET /c', 'GET /b', 'GET /a'],
  );
  assert.deepEqual(rows, before);
});

test('pressing a head sorts by it, pressing again turns around', () => {
  const start = { column: 'timeShare', direction: 'descending' } as const;
  const byTime = nextOrder<string>(start, 'p95Ms', 'descending');
  assert.deepEqual(byTime, { column: 'p95Ms', direction: 'descending' });
  assert.deepEqual(nextOrder(byTime, 'p95Ms', 'descending'), { column: 'p95Ms', direction: 'ascending' });
  assert.deepEqual(nextOrder(byTime, 'route', 'ascending'), { column: 'route', direction: 'ascending' });
});

test('a filter takes words in any order and case', () => {
  const find = (filter: string): string[] => routes(filteredRows(rows, filter, ({ route }) => route));
  assert.deepEqual(find('post'), ['POST /d']);
  assert.deepEqual(find('  /a get '), ['GET /a']);
  assert.deepEqual(find(''), routes(rows));
  assert.deepEqual(find('put'), []);
});

test('live rows take the place of listed ones, and new ones join them', () => {
  const live: readonly Row[] = [
    { route: 'GET /c', p95Ms: 7 },
    { route: 'GET /new', p95Ms: 1 },
  ];
  assert.deepEqual(
    replacedRows(rows, live, ({ route }) => route).map(({ route, p95Ms }) => [route, p95Ms]),
    [
      ['GET /b', 5],
      ['GET /c', 7],
      ['GET /a', 5],
      ['POST /d', 50],
      ['GET /new', 1],
    ],
  );
});
