import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { brotliDecompressSync, createZstdDecompress, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { ContentCoding } from '../contract/compression.ts';
import { type CodingLevel, codingLevels } from './coding-level.ts';
import { availableCodings, codingStream, Encoders } from './encoders.ts';
import { REUSED_MAX_BYTES } from './reused-context.ts';

const decoders: Readonly<Record<ContentCoding, (body: Uint8Array) => Buffer>> = {
  zstd: zstdDecompressSync,
  br: brotliDecompressSync,
  gzip: gunzipSync,
  deflate: inflateSync,
};
const decode = ({ coding }: CodingLevel, body: Uint8Array): Buffer => decoders[coding](body);
const bytesOf = (body: Uint8Array | string): Buffer => Buffer.from(body as string); // either overload does

const rows = fc.array(fc.record({ id: fc.nat(), title: fc.string({ unit: 'grapheme' }), done: fc.boolean() }), {
  maxLength: 200,
});
const bodies = fc.oneof(
  rows.map((one) => JSON.stringify(one)),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 4_000 }),
  fc.nat({ max: 300_000 }).map((length) => 'task '.repeat(length / 5)),
  fc.nat({ max: 3_000 }).map((length) => randomBytes(length)),
);

for (const reuse of [true, false]) {
  test(`whatever is coded comes back byte for byte, ${reuse ? 'contexts used again' : 'by the public functions'}`, async () => {
    using encoders = new Encoders(reuse ? {} : { openContext: () => null });
    for (const level of codingLevels) assert.equal(encoders.reuses(level), reuse && level.coding !== 'br', level.name);
    fc.assert(
      fc.property(bodies, fc.constantFrom(...codingLevels), (body, level) => {
        const bytes = bytesOf(body);
        assert.ok(decode(level, encoders.encodeSync(level, encoders.bytesOf(body))).equals(bytes));
      }),
      { numRuns: 300 },
    );
    for (const level of codingLevels) {
      const large = 'a line of text\n'.repeat(REUSED_MAX_BYTES / 10);
      assert.equal(decode(level, encoders.encodeSync(level, encoders.bytesOf(large))).toString(), large);
      assert.equal(decode(level, await encoders.encode(level, encoders.bytesOf(large))).toString(), large);
    }
  });
}

test('the programs zstd, brotli and gzip read what is made', { timeout: 60_000 }, (t) => {
  using encoders = new Encoders();
  const text = JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, title: `Task ${id * 7919}` })));
  const programs = { zstd: ['zstd', '-dc'], br: ['brotli', '-dc'], gzip: ['gzip', '-dc'], deflate: null };
  for (const level of codingLevels) {
    const [program = '', ...args] = programs[level.coding] ?? [];
    if (program === '') continue;
    const read = spawnSync(program, args, { input: encoders.encodeSync(level, encoders.bytesOf(text)) });
    if (read.error !== undefined) t.diagnostic(`${program} is not there`);
    else assert.equal(read.stdout.toString(), text, level.name);
  }
});

test('a context that fails is given up, and its body is coded all the same', () => {
  let closed = 0;
  const encode = (): never => {
    throw new Error('not what it was');
  };
  const [level] = codingLevels;
  assert.ok(level !== undefined);
  using encoders = new Encoders({ openContext: () => ({ encode, close: () => closed++ }) });
  assert.ok(encoders.reuses(level));
  assert.equal(decode(level, encoders.encodeSync(level, encoders.bytesOf('abc'))).toString(), 'abc');
  assert.ok(!encoders.reuses(level));
  assert.equal(closed, 1);
});

test('a stream of codings that flush sends each write at once', async () => {
  for (const level of codingLevels.filter(({ coding }) => coding === 'zstd')) {
    const { stream } = codingStream(level, true);
    const reader = createZstdDecompress();
    stream.pipe(reader);
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      stream.write(event);
      const [chunk] = (await once(reader, 'data')) as [Buffer]; // no encoding is set
      assert.equal(chunk.toString(), event);
    }
    stream.end();
    reader.resume();
    await once(reader, 'end');
  }
});

test('the codings are those that the runtime has', () => {
  assert.deepEqual([...availableCodings()], ['zstd', 'br', 'gzip', 'deflate']);
});
