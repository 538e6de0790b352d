/**
 * Two processes of TeamFlow and one of another service, linked over TLS to one `autopilot serve`: what it says of each, and of the two
 * together, is what they have measured themselves.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { createClient } from '@teamflow/autopilot/client';
import { agentState } from '../support/history-world.ts';
import { type HostApplication, startHostApplication } from '../support/host-application.ts';
import { leakCheck } from '../support/leak-check.ts';
import { testCertificate } from '../support/load-certificate.ts';
import { startServe } from '../support/serve-process.ts';
import { openWorld, type Tenant, testSecret } from '../support/teamflow-world.ts';
import { tlsDoor } from '../support/tls-door.ts';
import { until } from '../support/until.ts';

leakCheck(after);

const TOKEN = 'a-token-for-tests-0123456789abcdefghij';
const KEY = 'a-link-key-for-tests-0123456789abcdef';

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

const TASKS = 'GET /api/v1/organizations/:organizationId/tasks';

/** Lists of tasks, so many at a time; resolves with how long each took in the process. */
async function listTasks(
  { url, child }: HostApplication,
  tenant: Tenant,
  count: number,
  atATime: number,
): Promise<readonly number[]> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await fetch(`${url}/api/v1/organizations/${tenant.organizationId}/tasks?limit=50`, {
        headers: { 'x-api-key': tenant.owner.key },
      });
      assert.equal(response.status, 200, await response.text());
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  child.send('took');
  const [{ took }] = (await once(child, 'message')) as [{ readonly took: readonly number[] }]; // the program's answer
  return took;
}

test('percentiles of two TeamFlows together, of each apart and of another service are those of the raw durations', async (t) => {
  const serve = await startServe({ AUTOPILOT_TOKEN: TOKEN, AUTOPILOT_LINK_KEY: KEY });
  t.after(() => serve[Symbol.asyncDispose]());
  const { address } = serve;
  const AUTOPILOT_URL = await tlsDoor(t, address);
  // Before the database goes, nobody may be on it.
  const hosts = new AsyncDisposableStack();
  t.after(() => hosts.disposeAsync());
  const teamflow = await openWorld({ after: (fn) => t.after(() => fn()), afterEach: (fn) => t.afterEach(() => fn()) });
  const start = async (AUTOPILOT_SERVICE: string, AUTOPILOT_INSTANCE: string, trusted = true) => {
    const variables = {
      AUTOPILOT_URL,
      AUTOPILOT_LINK_KEY: KEY,
      AUTOPILOT_SERVICE,
      AUTOPILOT_INSTANCE,
      HOST_SECRET: testSecret,
      // On a busy machine it would turn away what is to be measured.
      AUTOPILOT__OVERLOAD__ENABLED: 'false',
      ...(trusted ? { NODE_EXTRA_CA_CERTS: certificateFile(t) } : {}),
    };
    const host =
      AUTOPILOT_SERVICE === 'teamflow'
        ? await startHostApplication({ ...variables, HOST_DATABASE_URL: teamflow.url }, 'teamflow')
        : await startHostApplication(variables);
    return hosts.use(host);
  };
  const tenant = await teamflow.makeTenant('union');
  const [one, two, other, distrustful] = await Promise.all([
    start('teamflow', 'one'),
    start('teamflow', 'two'),
    start('billing', 'one'),
    start('billing', 'two', false),
  ]);
  const from = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
  // Two processes that have little in common: a mean of their percentiles would be far off.
  const spread = (count: number, leastMs: number, mostMs: number): readonly number[] =>
    Array.from({ length: count }, (_, i) => leastMs * (mostMs / leastMs) ** (i / count));
  const [ofOne, ofTwo, ofOther] = await Promise.all([
    listTasks(one, tenant, 300, 2),
    listTasks(two, tenant, 300, 40),
    drive(other, spread(150, 30, 200)),
  ]);
  const client = createClient({ baseUrl: address, token: () => TOKEN });
  for (const [asked, name, raw] of [
    [{ service: 'teamflow' }, TASKS, [...ofOne, ...ofTwo]],
    [{ service: 'teamflow', instance: 'one' }, TASKS, ofOne],
    [{ service: 'teamflow', instance: 'two' }, TASKS, ofTwo],
    [{ service: 'billing' }, 'GET /wait', ofOther],
  ] as const) {
    const list = await until(
      20_000,
      () => client.listRoutes({ ...asked, from }),
      ({ routes }) => routes.find(({ route }) => route === name)?.requests === raw.length,
    );
    assert.equal(list.complete, true);
    const row = list.routes.find(({ route }) => route === name);
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
