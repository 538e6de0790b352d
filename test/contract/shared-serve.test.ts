/**
 * Two processes of a service and one of another, linked over TLS to one `autopilot serve`: what it says of each, and of the two
 * together, is what they have measured themselves.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createClient } from '@teamflow/autopilot/client';
import { agentState } from '../support/history-world.ts';
import { type HostApplication, startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { testCertificate } from '../support/load-certificate.ts';
import { tlsDoor } from '../support/tls-door.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const TOKEN = 'a-token-for-tests-0123456789abcdefghij';
const KEY = 'a-link-key-for-tests-0123456789abcdef';

/** `autopilot serve` in a process of its own; its address. */
async function serve(t: TestContext): Promise<string> {
  const main = fileURLToPath(new URL('../../packages/autopilot/src/cli/main.ts', import.meta.url));
  const child = spawn(process.execPath, ['-C', 'source', main, 'serve', '--port', '0'], {
    env: { PATH: process.env['PATH'] ?? '', AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_LINK_KEY: KEY },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    child.kill('SIGTERM');
    await once(child, 'close');
  });
  let printed = '';
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += String(text);
    const address = /answers at (http:\S+)/.exec(printed)?.[1];
    if (address === undefined) continue;
    child.stdout.resume();
    return address;
  }
  throw new Error(`autopilot serve has ended: ${printed}`);
}

/** A file with the certificate that is trusted. */
function certificateFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-certificate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'certificate.pem');
  writeFileSync(file, testCertificate.cert);
  return file;
}

/** Requests that take as long as these, many at a time; resolves with what the process itself measured. */
async function drive({ url }: HostApplication, waitsMs: readonly number[]): Promise<readonly number[]> {
  const left = [...waitsMs];
  const worker = async (): Promise<void> => {
    for (let ms = left.pop(); ms !== undefined; ms = left.pop()) {
      const response = await fetch(`${url}/wait?ms=${ms}`);
      assert.equal(response.status, 200);
      await response.text();
    }
  };
  await Promise.all(Array.from({ length: 30 }, worker));
  return (await (await fetch(`${url}/waited`)).json()) as readonly number[]; // our own route
}

test('percentiles of two processes together, of each apart and of another service are those of the raw durations', async (t) => {
  const address = await serve(t);
  const AUTOPILOT_URL = await tlsDoor(t, address);
  const start = async (AUTOPILOT_SERVICE: string, AUTOPILOT_INSTANCE: string, trusted = true) => {
    const host = await startHostApplication({
      AUTOPILOT_URL,
      AUTOPILOT_LINK_KEY: KEY,
      AUTOPILOT_SERVICE,
      AUTOPILOT_INSTANCE,
      ...(trusted ? { NODE_EXTRA_CA_CERTS: certificateFile(t) } : {}),
    });
    t.after(() => host[Symbol.asyncDispose]());
    return host;
  };
  const [one, two, other, distrustful] = await Promise.all([
    start('orders', 'one'),
    start('orders', 'two'),
    start('billing', 'one'),
    start('billing', 'two', false),
  ]);
  const from = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
  // Two processes that have little in common: a mean of their percentiles would be far off.
  const spread = (count: number, leastMs: number, mostMs: number): readonly number[] =>
    Array.from({ length: count }, (_, i) => leastMs * (mostMs / leastMs) ** (i / count));
  const [ofOne, ofTwo, ofOther] = await Promise.all([
    drive(one, spread(300, 10, 60)),
    drive(two, spread(150, 80, 500)),
    drive(other, spread(150, 30, 200)),
  ]);
  const client = createClient({ baseUrl: address, token: () => TOKEN });
  for (const [asked, raw] of [
    [{ service: 'orders' }, [...ofOne, ...ofTwo]],
    [{ service: 'orders', instance: 'one' }, ofOne],
    [{ service: 'orders', instance: 'two' }, ofTwo],
    [{ service: 'billing' }, ofOther],
  ] as const) {
    const list = await until(
      20_000,
      () => client.listRoutes({ ...asked, from }),
      ({ routes }) => routes.find(({ route }) => route === 'GET /wait')?.requests === raw.length,
    );
    assert.equal(list.complete, true);
    const row = list.routes.find(({ route }) => route === 'GET /wait');
    const sorted = raw.toSorted((a, b) => a - b);
    for (const [q, told] of [
      [0.5, row?.p50Ms],
      [0.95, row?.p95Ms],
      [0.99, row?.p99Ms],
    ] as const) {
      const rank = Math.ceil(q * sorted.length) - 1;
      // Two clocks of one process, read a moment apart: a pause in between may have two requests change places.
      const [least = Number.NaN, most = Number.NaN] = [sorted[rank - 1], sorted[Math.min(rank + 1, sorted.length - 1)]];
      const what = `p${q * 100} of ${JSON.stringify(asked)}: ${told} ms, of the raw ones ${sorted[rank]}`;
      assert.ok(told != null && told >= least * 0.975 && told <= most * 1.025, what);
    }
  }
  // Who does not know the certificate says so, and tells nobody anything.
  const { trouble } = await until(
    10_000,
    async () => (await agentState(distrustful)) as unknown as { readonly trouble: string | null }, // the same document
    (status) => status.trouble !== null,
  );
  assert.match(trouble ?? '', /can't be reached: .*self[- ]signed certificate/i);
  const { instances } = await client.listInstances({ service: 'billing' });
  assert.deepEqual(
    instances.map(({ instance, state }) => [instance, state]),
    [['one', 'live']],
  );
});
