import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { registry, settingsOf } from '../registry.ts';
import { type SettingDeclaration, troubleWith } from '../setting.ts';
import { judgeSettings, type LiveFacts } from './rules.ts';
import { settingSchema, settingsJsonSchema } from './settings-schema.ts';

const others: readonly SettingDeclaration[] = [
  { kind: 'choice', values: ['a', 'b'], default: 'a', description: 'A.', risk: 'low', apply: 'live', on: 'agent' },
  { kind: 'text', maxLength: 5, default: '', description: 'A.', risk: 'low', apply: 'live', on: 'agent' },
  { kind: 'texts', maxLength: 5, maxItems: 2, default: [], description: 'A.', risk: 'low', apply: 'live', on: 'agent' },
];

test('the schema in the control plane and the check in agents say the same of every value', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ maxLength: 8 }),
    fc.constantFrom('a', 'b', 'x\ny', '\u0007'),
    fc.array(fc.oneof(fc.string({ maxLength: 8 }), fc.integer()), { maxLength: 4 }),
  );
  const declarations = [...registry.values(), ...others];
  const schemas = declarations.map((declaration) => [declaration, settingSchema(declaration)] as const);
  fc.assert(
    fc.property(fc.constantFrom(...schemas), value, ([declaration, schema], one) => {
      assert.equal(schema.safeParse(one).success, troubleWith(declaration, one) === null, JSON.stringify(one));
    }),
    { numRuns: 2_000 },
  );
  for (const [declaration, schema] of schemas) {
    if (declaration.kind !== 'integer' && declaration.kind !== 'number') continue;
    for (const edge of [declaration.min, declaration.max]) assert.ok(schema.safeParse(edge).success);
    for (const beyond of [declaration.min - 1, declaration.max + 1]) assert.ok(!schema.safeParse(beyond).success);
  }
});

test('the JSON Schema has every setting with its description, range and unit, and refuses others', () => {
  const schema = settingsJsonSchema() as {
    readonly additionalProperties: boolean;
    readonly properties: Readonly<Record<string, { readonly properties: Readonly<Record<string, object>> }>>;
  }; // as zod makes it of objects
  assert.equal(schema.additionalProperties, false);
  for (const key of registry.keys()) {
    const [group = '', name = ''] = key.split('.');
    assert.ok(schema.properties[group]?.properties[name], key);
  }
  const maxRoutes = schema.properties['monitoring']?.properties['maxRoutes'];
  assert.deepEqual(maxRoutes, {
    type: 'integer',
    minimum: 10,
    maximum: 20_000,
    description: registry.get('monitoring.maxRoutes')?.description,
    default: 1_000,
    'x-apply': 'live',
    'x-risk': 'low',
    'x-on': 'agent',
    'x-unit': 'routes',
  });
});

const facts: LiveFacts = {
  connections: { max: 100, reserved: 3, workMemBytes: 4_194_304, isOnThisMachine: true },
  machineBytes: 8_589_934_592,
  instances: 4,
  pools: 1,
};
const judged = (values: Parameters<typeof settingsOf>[0], changed: readonly string[], live = facts): string[] => {
  const { errors, warnings } = judgeSettings(settingsOf(values), live, new Set(changed));
  return [...errors.map(({ message }) => `error ${message}`), ...warnings.map(({ message }) => `warning ${message}`)];
};

test('the connections of all pools together must fit the server as it is', () => {
  const changed = ['database.poolMax'];
  assert.deepEqual(judged({ 'database.poolMax': 10 }, changed), []);
  assert.deepEqual(judged({ 'database.poolMax': 25 }, changed), [
    'error database.poolMax: 4 instances with 1 pool of 25 may open 100 connections; the server takes 100, of which 3 are reserved.',
  ]);
  assert.match(judged({ 'database.poolMax': 20 }, changed)[0] ?? '', /^warning .* over 77 others run short\.$/);
  assert.deepEqual(judged({ 'database.poolMax': 25 }, changed, { ...facts, connections: null }), []);
  assert.match(
    judged({ 'database.poolMax': 13 }, changed, { ...facts, pools: 2 })[0] ?? '',
    /^error .* 104 connections/,
  );
});

test('what the connections may sort at once is held against the memory of their machine, where that is known', () => {
  const ofMachine = (machineBytes: number | null): string[] =>
    judged({ 'database.poolMax': 10 }, ['database.poolMax'], { ...facts, machineBytes });
  assert.deepEqual(ofMachine(268_435_456), [
    "warning database.poolMax: 40 connections that sort at once take 160 MiB of the 256 MiB of the database's machine, as work_mem is 4 MiB.",
  ]);
  assert.deepEqual([...ofMachine(536_870_912), ...ofMachine(null)], []);
});

test('time limits are in order', () => {
  const values = { 'security.headersTimeoutMs': 20_000, 'security.requestTimeoutMs': 10_000 };
  assert.match(
    judged(values, ['security.requestTimeoutMs'])[0] ?? '',
    /^error .* more than the 10000 ms for all of it/,
  );
  assert.deepEqual(judged({ ...values, 'security.requestTimeoutMs': 20_000 }, Object.keys(values)), []);
  assert.match(
    judged({ 'database.poolWaitMs': 500 }, ['database.poolWaitMs'])[0] ?? '',
    /^warning .* callers get an error after 500 ms, before requests are turned away for a wait of 2000 ms/,
  );
  assert.deepEqual(judged({ 'database.poolWaitMs': 5_000 }, ['database.poolWaitMs']), []);
  assert.match(
    judged({ 'compression.minBytes': 100_000 }, ['compression.minBytes'])[0] ?? '',
    /^warning .*100000 bytes/,
  );
});

test('what was wrong before does not stop a change of something else, but is said', () => {
  const values = { 'health.p95Ms': 2_000 };
  assert.match(judged(values, ['health.p95Ms'])[0] ?? '', /^error health\.p95Ms, health\.p99Ms: /);
  assert.match(judged(values, ['api.maxStreams'])[0] ?? '', /^warning health\.p95Ms, health\.p99Ms: /);
  assert.match(judged({ 'health.healthyFrom': 40 }, ['health.healthyFrom'])[0] ?? '', /^error .*degraded begins at 50/);
  assert.match(
    judged({ 'monitoring.backlogKeptMs': 10_000 }, ['monitoring.backlogKeptMs'])[0] ?? '',
    /^error .*30 windows of a second/,
  );
  assert.deepEqual(judged({}, [...registry.keys()]), []);
});
