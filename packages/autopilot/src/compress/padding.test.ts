import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { padded, reflectsBesideSecret } from './padding.ts';

const text = JSON.stringify(Array.from({ length: 100 }, (_, id) => ({ id, title: `Task ${id * 7_919}` })));
const made = { zstd: zstdCompressSync(text), gzip: gzipSync(text) } as const;
const decoders = { zstd: zstdDecompressSync, gzip: gunzipSync } as const;
const programs = { zstd: ['zstd', '-dc'], gzip: ['gzip', '-dc'] } as const;

for (const coding of ['zstd', 'gzip'] as const) {
  test(`${coding} with padding decodes to the same, by Node and by the program`, { timeout: 60_000 }, (t) => {
    for (const maxBytes of [16, 4_096]) {
      const coded = padded(coding, made[coding], maxBytes);
      assert.ok(
        coded.byteLength > made[coding].byteLength && coded.byteLength <= made[coding].byteLength + maxBytes + 8,
      );
      assert.equal(decoders[coding](coded).toString(), text);
      const [program, ...args] = programs[coding];
      const read = spawnSync(program, args, { input: coded });
      if (read.error !== undefined) t.diagnostic(`${program} is not there`);
      else assert.equal(read.stdout.toString(), text);
    }
  });
}

test('the same answer has the same padding, and others have all lengths of it', () => {
  const lengths = new Set<number>();
  for (let i = 0; i < 600; i++) {
    const coded = Buffer.from(`a coded body, number ${1_000 + i}`);
    const length = padded('zstd', coded, 16).byteLength;
    assert.equal(padded('zstd', coded, 16).byteLength, length);
    lengths.add(length - coded.byteLength - 8);
  }
  assert.deepEqual(
    [...lengths].sort((a, b) => a - b),
    Array.from({ length: 17 }, (_, i) => i),
  );
});

test('an answer that says a value of its query beside what is called a secret is known for one', () => {
  const page = (said: string): Buffer => Buffer.from(`<p>No match for ${said}</p><input name="csrf" value="x7">`);
  assert.ok(reflectsBesideSecret(page('blue shoes'), 'page=1&q=blue+shoes'));
  assert.ok(reflectsBesideSecret(page('Zürich'), 'q=Z%C3%BCrich'));
  assert.ok(!reflectsBesideSecret(page('red'), 'q=blue'));
  // Cut, trimmed, escaped, without a name, or behind more than anybody looks through.
  const long = 'q'.repeat(300);
  assert.ok(reflectsBesideSecret(page(`${long.slice(0, 100)}...`), `q=${long}`));
  assert.ok(reflectsBesideSecret(page('csrf&quot; value=&quot;x'), 'q=%20csrf%22%20value=%22x%20'));
  assert.ok(reflectsBesideSecret(page('blue'), '%20blue'));
  const many = Array.from({ length: 40 }, (_, i) => `a${i}=dummy${i}`).join('&');
  assert.ok(reflectsBesideSecret(page('blue'), `${many}&q=blue`));
  assert.ok(!reflectsBesideSecret(page('blue'), ''));
  assert.ok(!reflectsBesideSecret(Buffer.from('No match for blue'), 'q=blue'));
  // In every second body by chance, and no guess.
  assert.ok(!reflectsBesideSecret(page('17'), 'page=17'));
});
