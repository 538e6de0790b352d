import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { histogramOf } from '../../../../../test/support/windows.ts';
import type { Cell, Family } from '../../contract/series.ts';
import { ByteWriter } from '../bytes.ts';
import { CellAccumulator, families, layouts } from '../cell-accumulator.ts';
import { readCells, StoredSum, writeCells } from './cell-codec.ts';
import { PackWriter, visitPack } from './pack.ts';

const ALL = { names: null, sumsOf: new Set<string>() };

const number = fc.oneof(
  fc.nat(),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  // Nothing measured is -0, which a sum makes 0.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const gauge = fc.record(
  { count: fc.integer({ min: 1, max: 1000 }), sum: number, min: number, max: number },
  { noNullPrototype: true },
);
const histogram = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 60 }).map(histogramOf);

function cellsOf(family: Family): fc.Arbitrary<Record<string, Cell>> {
  const { names, kinds } = layouts[family];
  const byKind = { counter: number, gauge, histogram };
  const entries = names.map((name, i) =>
    fc.option(byKind[kinds[i] ?? 'counter'].map((cell): [string, Cell] => [name, cell])),
  );
  return fc.tuple(...entries).map((list) => Object.fromEntries(list.filter((entry) => entry !== null)));
}

const familyAndCells = fc.constantFrom(...families).chain((family) => fc.tuple(fc.constant(family), cellsOf(family)));

function stored(family: Family, cells: Readonly<Record<string, Cell>>): Uint8Array {
  const writer = new ByteWriter();
  writeCells(writer, family, { cell: (field) => cells[layouts[family].names[field] ?? ''] });
  return writer.take();
}

test('cells come back as they were', () => {
  fc.assert(
    fc.property(familyAndCells, ([family, cells]) => {
      assert.deepEqual(readCells(stored(family, cells), family, ALL), { ...cells });
      const [first] = Object.keys(cells);
      if (first !== undefined)
        assert.deepEqual(Object.keys(readCells(stored(family, cells), family, { ...ALL, names: new Set([first]) })), [
          first,
        ]);
    }),
  );
});

test('of a histogram the sum is given where that is enough', () => {
  const cells = { requests: 3, durationMs: histogramOf([1, 2, 300]) };
  const wanted = { names: null, sumsOf: new Set(['durationMs', 'requests']) };
  assert.deepEqual(readCells(stored('route', cells), 'route', wanted), { requests: 3, durationMs: 303 });
});

test('a sum of stored cells is that of the cells', () => {
  fc.assert(
    fc.property(fc.array(cellsOf('route'), { minLength: 1, maxLength: 5 }), (list) => {
      const sum = new StoredSum('route');
      const truth = new CellAccumulator('route');
      for (const cells of list) {
        sum.add(stored('route', cells));
        for (const [name, cell] of Object.entries(cells)) truth.add(layouts.route.indexOf.get(name) ?? -1, cell);
      }
      const writer = new ByteWriter();
      sum.write(writer);
      const expected = new ByteWriter();
      writeCells(expected, 'route', truth);
      assert.deepEqual(writer.take(), expected.take());
    }),
  );
});

test('a metric of a later release is passed over', () => {
  const writer = new ByteWriter();
  writer.varint(63 * 4 + 2);
  writer.block(Uint8Array.of(1, 2, 3));
  writer.varint(62 * 4 + 1);
  for (const value of [1, 2.5, 3, 4]) writer.number(value);
  writer.raw(stored('route', { requests: 7 }));
  assert.deepEqual(readCells(writer.take(), 'route', ALL), { requests: 7 });
});

const entries = fc
  .uniqueArray(fc.integer({ min: 0, max: 2 ** 53 - 1 }), { maxLength: 60 })
  .map((labels) => labels.sort((a, b) => a - b))
  .chain((labels) =>
    fc.tuple(...labels.map((label) => fc.tuple(fc.constant(label), fc.uint8Array({ maxLength: 100 })))),
  );

test('a pack gives its entries back', () => {
  const writer = new PackWriter();
  fc.assert(
    fc.property(entries, (list) => {
      for (const [label, bytes] of list) writer.add(label, bytes);
      const found: [number, Uint8Array][] = [];
      visitPack(writer.take(), (label, bytes) => found.push([label, bytes]));
      assert.deepEqual(found, list);
    }),
  );
});

test('bytes that are no pack are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        visitPack(noise, (_, bytes) => readCells(bytes, 'route', ALL));
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, 'AP_STORE_DATA_DAMAGED');
      }
    }),
    { numRuns: 2000 },
  );
  const writer = new PackWriter();
  for (let label = 0; label < 40; label++)
    writer.add(label, stored('route', { durationMs: histogramOf([label, 2, 30]) }));
  const whole = writer.take();
  for (const length of [0, 1, 2, 10, whole.length - 1]) {
    assert.throws(() => visitPack(whole.subarray(0, length), () => {}), { code: 'AP_STORE_DATA_DAMAGED' });
  }
});
