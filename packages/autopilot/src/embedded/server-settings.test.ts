import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MachineFacts, machineFacts, renderSettings, sizedSettings } from './server-settings.ts';

const gibibyte = 1_073_741_824;
const laptop: MachineFacts = {
  memoryBytes: 16 * gibibyte,
  cores: 8,
  diskBytes: 500 * gibibyte,
  sharedMemoryBytes: 8 * gibibyte,
};

test('sizes follow the memory and the cores, within limits', () => {
  const large = sizedSettings(laptop, true);
  assert.equal(large['shared_buffers'], '1024MB');
  assert.equal(large['effective_cache_size'], '8192MB');
  assert.equal(large['work_mem'], '40MB');
  assert.equal(large['max_wal_size'], '4096MB');
  assert.equal(large['max_connections'], '100');
  assert.equal(large['max_parallel_workers_per_gather'], '2');

  const small = sizedSettings(
    { memoryBytes: gibibyte / 2, cores: 1, diskBytes: 5 * gibibyte, sharedMemoryBytes: 67_108_864 },
    true,
  );
  assert.equal(small['shared_buffers'], '128MB');
  assert.equal(small['work_mem'], '4MB');
  assert.equal(small['max_wal_size'], '256MB');
  assert.equal(small['max_connections'], '50');
  assert.equal(small['max_parallel_workers_per_gather'], '1');
});

test('a small /dev/shm is not used for parallel queries', () => {
  assert.equal(sizedSettings(laptop, true)['dynamic_shared_memory_type'], undefined);
  const container = sizedSettings({ ...laptop, sharedMemoryBytes: 67_108_864 }, true);
  assert.equal(container['dynamic_shared_memory_type'], 'mmap');
});

test('only a server for tests gives up durability', () => {
  assert.equal(sizedSettings(laptop, true)['fsync'], undefined);
  assert.equal(sizedSettings(laptop, false)['fsync'], 'off');
});

test('this machine has sizes that make sense', () => {
  const facts = machineFacts('/');
  assert.ok(facts.memoryBytes > 64 * 1_048_576 && facts.memoryBytes < 2 ** 50, String(facts.memoryBytes));
  assert.ok(facts.cores >= 1);
  assert.ok(facts.diskBytes > 0);
});

test('later settings win, whatever their letters, and values are quoted', () => {
  const text = renderSettings({ work_mem: '4MB', a: '1' }, { Work_Mem: '8MB', 'x.y': "it's a \\" });
  assert.match(text, /^work_mem = '8MB'$/m);
  assert.doesNotMatch(text, /4MB/);
  assert.match(text, /^x\.y = 'it''s a \\\\'$/m);
});

test('a setting that would open the server or break the file is refused', () => {
  for (const [name, value] of [
    ['listen_addresses', '*'],
    ['Port', '5433'],
    ['logging_collector', 'on'],
    ['not a name', '1'],
    ['a=b', '1'],
    ['work_mem', "4MB'\nlisten_addresses = '*"],
  ] as const) {
    assert.throws(() => renderSettings({ [name]: value }), { code: 'AP_EMBEDDED_SETTING' }, name);
  }
});
