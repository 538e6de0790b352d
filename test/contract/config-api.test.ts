/** Every call under /api/v1/config, through the handler, with agents that take configurations. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { signPrincipal } from '../../packages/autopilot/src/access/signed-principal.ts';
import { settingsOf } from '../../packages/autopilot/src/config/registry.ts';
import type {
  ConfigChange,
  ConfigCheck,
  ConfigInstanceList,
  ConfigPresetList,
  ConfigSettingHistory,
  Configuration,
  ConfigVersionDiff,
  ConfigVersionList,
  SettingValues,
} from '../../packages/autopilot/src/contract/configuration.ts';
import type { Problem } from '../../packages/autopilot/src/contract/error-table.ts';
import { systemClock } from '../../packages/autopilot/src/kernel/clock.ts';
import { ConfiguredAgent } from '../support/configured-agent.ts';
import { type ControlWorld, controlWorld, json, LINK_KEY } from '../support/control-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { until } from '../support/until.ts';

leakCheck(after);

function linked(world: ControlWorld, name: string, environment?: SettingValues, safeMode?: boolean): ConfiguredAgent {
  const agent = new ConfiguredAgent(environment, safeMode);
  world.plane.accept(agent.channel);
  agent.hello(name);
  return agent;
}

async function patch(world: ControlWorld, version: number, body: object, search = ''): Promise<Response> {
  return await world.send('PATCH', `/api/v1/config${search}`, body, { 'if-match': `"${version}"` });
}

test('a change reaches every instance whole, is a version, and can be restored', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const agents = [linked(world, 'one'), linked(world, 'two')];
  const before = await world.get('/api/v1/config');
  assert.equal(before.headers.get('etag'), '"0"');
  const first = await json<Configuration>(before);
  assert.deepEqual(
    [first.settings['monitoring']?.['maxRoutes']?.value, first.settings['monitoring']?.['maxRoutes']?.layer],
    [1_000, 'default'],
  );
  const response = await patch(world, 0, { monitoring: { maxRoutes: 50, maxTenants: 60 } }, '?note=fewer');
  assert.equal(response.headers.get('etag'), '"1"');
  const change = await json<ConfigChange>(response);
  assert.deepEqual(
    [change.version?.version, change.version?.note, change.version?.author],
    [1, 'fewer', 'administrator'],
  );
  assert.deepEqual(
    change.instances.map(({ instance, state }) => `${instance} ${state}`),
    ['one applied', 'two applied', 'control-plane applied'],
  );
  for (const { config } of agents) {
    assert.deepEqual(
      [config.settings.current.monitoring.maxRoutes, config.settings.current.monitoring.maxTenants],
      [50, 60],
    );
  }
  const again = await json<ConfigChange>(await patch(world, 1, { monitoring: { maxRoutes: 50 } }));
  assert.equal(again.version, null, 'what changes nothing makes no version');
  await json(await patch(world, 1, { monitoring: { maxRoutes: null, requests: false } }));
  assert.equal(agents[0]?.config.settings.current.monitoring.maxRoutes, 1_000);
  const list = await json<ConfigVersionList>(await world.get('/api/v1/config/versions?limit=1'));
  assert.deepEqual(
    list.versions.map(({ version }) => version),
    [2],
  );
  const next = await world.get(`/api/v1/config/versions?limit=1&cursor=${list.page.next}`);
  const older = await json<ConfigVersionList>(next);
  assert.deepEqual(
    older.versions.map(({ version }) => version),
    [1],
  );
  const back = await json<ConfigVersionList>(
    await world.get(`/api/v1/config/versions?limit=1&cursor=${older.page.previous}`),
  );
  assert.deepEqual(
    back.versions.map(({ version }) => version),
    [2],
  );
  const diff = await json<{ differences: readonly { key: string }[] }>(
    await world.get('/api/v1/config/versions/1/diff?to=2'),
  );
  assert.deepEqual(diff.differences, [
    { key: 'monitoring.maxRoutes', layer: 'fleet', before: 50 },
    { key: 'monitoring.requests', layer: 'fleet', after: false },
  ]);
  const restored = await json<ConfigChange>(await world.send('POST', '/api/v1/config/versions/1/restore'));
  assert.deepEqual([restored.version?.version, restored.version?.cause, restored.version?.restored], [3, 'restore', 1]);
  assert.equal(agents[1]?.config.settings.current.monitoring.maxRoutes, 50);
  const standing = await json<ConfigInstanceList>(await world.get('/api/v1/config/instances'));
  assert.deepEqual(
    standing.instances.map(({ instance, version, current }) => [instance, version, current]),
    [
      ['one', 3, true],
      ['two', 3, true],
      ['control-plane', 3, true],
    ],
  );
});

test('what needs a restart is pending in each instance until that instance was started again', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const agents = [linked(world, 'one'), linked(world, 'two')];
  const body = { security: { maxBodyBytes: 65_536 }, monitoring: { maxRoutes: 50 } };
  const check = await json<ConfigCheck>(await world.send('POST', '/api/v1/config/validate', body));
  assert.deepEqual(check.instances.map(({ pendingRestart }) => pendingRestart)[0], ['security.maxBodyBytes']);
  const change = await json<ConfigChange>(await patch(world, 0, body));
  assert.deepEqual(
    change.instances.map(({ instance, state, pendingRestart }) => [instance, state, pendingRestart]),
    [
      ['one', 'applied', ['security.maxBodyBytes']],
      ['two', 'applied', ['security.maxBodyBytes']],
      // It reads the setting nowhere.
      ['control-plane', 'applied', []],
    ],
  );
  const { security, monitoring } = agents[0]?.config.settings.current ?? settingsOf();
  assert.deepEqual([security.maxBodyBytes, monitoring.maxRoutes], [null, 50], 'the rest is in force');
  // The first is started again: it begins with what it has kept.
  agents[0]?.close();
  const again = linked(world, 'one', { 'security.maxBodyBytes': 65_536 });
  const pending = async (): Promise<readonly (readonly string[])[]> => {
    const { instances } = await json<ConfigInstanceList>(await world.get('/api/v1/config/instances'));
    return instances.filter(({ role }) => role === 'agent').map(({ pendingRestart }) => pendingRestart);
  };
  await until(10_000, pending, ([one, two]) => one?.length === 0 && two?.[0] === 'security.maxBodyBytes');
  assert.equal(again.config.settings.current.security.maxBodyBytes, 65_536);
});

test('a change says which version it is based on, and names the newest when it is another', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const missing = await json<Problem>(await world.send('PATCH', '/api/v1/config', { api: { maxStreams: 5 } }), 428);
  assert.deepEqual([missing.code, missing.remedy?.includes('"0"')], ['AP_CONFIG_VERSION_REQUIRED', true]);
  await json(await patch(world, 0, { api: { maxStreams: 5 } }));
  const stale = await json<Problem>(await patch(world, 0, { api: { maxStreams: 6 } }), 412);
  assert.match(stale.remedy ?? '', /versions\/0\/diff\?to=1.*If-Match: "1"/);
  const based = async (on: string): Promise<string> => {
    const answer = await world.send('PATCH', '/api/v1/config', {}, { 'if-match': on });
    return answer.status === 200 ? '' : (await json<Problem>(answer, answer.status)).code;
  };
  assert.deepEqual(
    await Promise.all(['1', '"1', '', '"1" "2"'].map(based)),
    Array(4).fill('AP_CONFIG_VERSION_REQUIRED'),
  );
  assert.deepEqual(await Promise.all(['"2"', '"x"', '"0", "x"'].map(based)), Array(3).fill('AP_CONFIG_STALE_VERSION'));
  // As a proxy weakens it, one of several, and whichever there is.
  assert.deepEqual(await Promise.all(['W/"1"', '"0", "1"', '*'].map(based)), ['', '', '']);
  const both = await Promise.all([6, 7].map((maxStreams) => patch(world, 1, { api: { maxStreams } })));
  assert.deepEqual(
    both.map(({ status }) => status).sort((a, b) => a - b),
    [200, 412],
  );
});

test('a restore says first what it would do, begins before the first version, and each setting has its history', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const agent = linked(world, 'one');
  await json(await patch(world, 0, { monitoring: { maxRoutes: 50 }, api: { maxStreams: 5 } }, '?note=less'));
  await json(await patch(world, 1, { monitoring: { maxRoutes: 60 } }, '?instance=one'));
  const dry = await json<ConfigCheck>(await world.send('POST', '/api/v1/config/versions/0/restore?dryRun=true'));
  assert.deepEqual(
    [dry.valid, dry.version, dry.differences.map(({ key, layer, before }) => [key, layer, before])],
    [
      true,
      2,
      [
        ['api.maxStreams', 'fleet', 5],
        ['monitoring.maxRoutes', 'fleet', 50],
        ['monitoring.maxRoutes', 'instance', 60],
      ],
    ],
  );
  assert.equal((await json<Configuration>(await world.get('/api/v1/config'))).version, 2, 'nothing was changed');
  const stale = await world.send('POST', '/api/v1/config/versions/0/restore', undefined, { 'if-match': '"1"' });
  assert.equal((await json<Problem>(stale, 412)).code, 'AP_CONFIG_STALE_VERSION');
  await json(await world.send('POST', '/api/v1/config/versions/0/restore', undefined, { 'if-match': '"2"' }));
  assert.equal(agent.config.settings.current.monitoring.maxRoutes, 1_000);
  const since = await json<ConfigVersionDiff>(await world.get('/api/v1/config/versions/0/diff'));
  assert.deepEqual([since.from, since.to, since.differences], [0, 3, []]);
  const history = await json<ConfigSettingHistory>(
    await world.get('/api/v1/config/history?setting=monitoring.maxRoutes&limit=2'),
  );
  assert.deepEqual(
    history.changes.map(({ version, cause, layer, instance, before, after: now }) => [
      version,
      cause,
      instance ?? layer,
      before,
      now,
    ]),
    [
      [3, 'restore', 'fleet', 50, undefined],
      [3, 'restore', 'one', 60, undefined],
      [2, 'person', 'one', undefined, 60],
    ],
  );
});

test('what is wrong is refused with what it is, and nothing is changed', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const refusals: readonly (readonly [object | string, number, RegExp])[] = [
    [{ monitoring: { maxRoutes: 5 } }, 422, /maxRoutes is 5; it must be from 10 to 20000/],
    [{ monitoring: { maxRoute: 50 } }, 422, /maxRoute \(monitoring\.maxRoutes was probably meant\)/],
    [{ health: { p95Ms: 5_000 } }, 422, /the 95th percentile may take 5000 ms/],
    [{ monitoring: { maxRoutes: { deep: 1 } } }, 400, /which no setting can be/],
    ['[1', 400, /no JSON/],
    ['[]', 400, /must be an object of settings/],
    ['{"__proto__": {"x": 1}}', 400, /can't be the name/],
    ['['.repeat(10_000), 400, /nested deeper/],
    [`"${'x'.repeat(300_000)}"`, 413, /at most 262144/],
  ];
  for (const [body, status, message] of refusals) {
    const response = await world.send('PATCH', '/api/v1/config', body, { 'if-match': '"0"' });
    assert.match((await json<Problem>(response, status)).detail, message);
  }
  const text = await world.send('PATCH', '/api/v1/config', '{}', { 'if-match': '"0"', 'content-type': 'text/plain' });
  assert.match((await json<Problem>(text, 400)).detail, /text\/plain is not taken/);
  assert.equal((await json<Configuration>(await world.get('/api/v1/config'))).version, 0);
  const put = await json<Problem>(await world.send('PUT', '/api/v1/config', {}), 405);
  assert.match(put.remedy ?? '', /GET, HEAD, PATCH/);
  assert.deepEqual(world.trouble, []);
});

test('one instance that refuses stops a change and is named; one that does not answer is a warning', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const one = linked(world, 'one');
  one.config.settings.use({
    name: 'picky',
    apply: () => {},
    check: ({ monitoring }) => (monitoring.maxTenants === 13 ? 'thirteen' : null),
  });
  await delay(0);
  const refused = await json<Problem>(await patch(world, 0, { monitoring: { maxTenants: 13 } }), 409);
  assert.match(refused.detail, /one: picky would refuse the change: thirteen\./);
  const silent = linked(world, 'two');
  await delay(0);
  silent.silent = true;
  const check = await json<ConfigCheck>(
    await world.send('POST', '/api/v1/config/validate', { monitoring: { maxTenants: 14 } }),
  );
  assert.deepEqual(
    [check.valid, check.instances.map(({ state }) => state)],
    [true, ['accepted', 'no answer', 'accepted']],
  );
  assert.match(check.warnings[0]?.message ?? '', /two did not answer within 2 s/);
  assert.equal((await json<Configuration>(await world.get('/api/v1/config'))).version, 0);
});

test('an override is of one instance, its environment is its own, and what masks a value is said', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const one = linked(world, 'one', { 'monitoring.maxRoutes': 70 });
  const two = linked(world, 'two');
  await delay(0);
  const effective = async (instance: string): Promise<unknown> => {
    const { settings } = await json<Configuration>(await world.get(`/api/v1/config?instance=${instance}`));
    const { value, layer } = settings['monitoring']?.['maxRoutes'] ?? {};
    return [value, layer];
  };
  assert.deepEqual(
    [await effective('one'), await effective('two')],
    [
      [70, 'environment'],
      [1_000, 'default'],
    ],
  );
  await json(await patch(world, 0, { monitoring: { maxRoutes: 80 } }, '?instance=two'));
  assert.deepEqual(
    [one, two].map(({ config }) => config.settings.current.monitoring.maxRoutes),
    [70, 80],
  );
  const fleet = await json<ConfigChange>(await patch(world, 1, { monitoring: { maxRoutes: 90 } }));
  assert.deepEqual(fleet.masked, [{ key: 'monitoring.maxRoutes', by: 'instance', instance: 'two' }]);
  assert.deepEqual(
    [await effective('one'), await effective('two')],
    [
      [90, 'fleet'],
      [80, 'instance'],
    ],
  );
  linked(world, 'safe', {}, true);
  await delay(0);
  assert.deepEqual(await effective('safe'), [1_000, 'safe mode']);
});

test('an instance that comes later, or missed a message, is brought to the newest version', async () => {
  await using world = await controlWorld({ service: 'orders', clock: systemClock });
  const one = linked(world, 'one');
  await delay(0);
  one.silent = true;
  await json(await patch(world, 0, { monitoring: { maxRoutes: 50 } }));
  const late = linked(world, 'late');
  await delay(0);
  assert.equal(late.config.settings.current.monitoring.maxRoutes, 50);
  const standing = async (): Promise<readonly (readonly [string, boolean])[]> =>
    (await json<ConfigInstanceList>(await world.get('/api/v1/config/instances'))).instances.map(
      ({ instance, current }) => [instance, current] as const,
    );
  assert.deepEqual(await standing(), [
    ['late', true],
    ['one', false],
    ['control-plane', true],
  ]);
  one.silent = false;
  await delay(4_100);
  // What an agent says every 5 s.
  one.say({ kind: 'config-state', ...one.config.state });
  await delay(0);
  assert.equal(one.config.settings.current.monitoring.maxRoutes, 50);
});

test('the file of the control plane is followed while it is edited, under the environment and the fleet', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'config-file-'));
  t.after(() => rm(folder, { recursive: true }));
  await using world = await controlWorld({ service: 'orders', folder });
  const agents = [linked(world, 'one'), linked(world, 'two', { 'monitoring.maxTenants': 77 })];
  const tenants = (): readonly number[] => agents.map(({ config }) => config.settings.current.monitoring.maxTenants);
  const write = async (text: string): Promise<void> => {
    await writeFile(join(folder, 'new'), text);
    await rename(join(folder, 'new'), join(folder, 'autopilot.config.yaml'));
  };
  await write('settings:\n  monitoring:\n    maxTenants: 60\n');
  await until(
    20_000,
    async () => tenants()[0] ?? 0,
    (found) => found === 60,
  );
  assert.deepEqual(tenants(), [60, 77]);
  await write('settings:\n  monitoring:\n    maxTenants: 5 hundred\n');
  const { notes } = await until(
    20_000,
    async () => await json<Configuration>(await world.get('/api/v1/config')),
    (found) => found.notes.some((note) => note.includes('maxTenants is "5 hundred"')),
  );
  assert.ok(notes.length > 0);
  assert.deepEqual(tenants(), [60, 77], 'what it said before counts on');
  const change = await json<ConfigChange>(await patch(world, 0, { monitoring: { maxTenants: 80 } }));
  assert.deepEqual([change.masked, tenants()], [[], [80, 80]], 'the fleet stands over file and environment');
  await rm(join(folder, 'autopilot.config.yaml'));
  await json(await patch(world, 1, { monitoring: { maxTenants: null } }));
  await until(
    20_000,
    async () => tenants()[0] ?? 0,
    (found) => found === 1_000,
  );
  assert.deepEqual(tenants(), [1_000, 77]);
});

test('a preset lies under what is set, is shown before it is applied, and a team has its own', async () => {
  await using world = await controlWorld({ service: 'orders' });
  await json(await patch(world, 0, { health: { p95Ms: 300 } }));
  const dry = await json<ConfigCheck>(
    await world.send('POST', '/api/v1/config/presets/high-performance/apply?dryRun=true'),
  );
  assert.deepEqual(dry.masked, [{ key: 'health.p95Ms', by: 'fleet' }]);
  const applied = await json<ConfigChange>(
    await world.send('POST', '/api/v1/config/presets/high-performance/apply?clearOverrides=true'),
  );
  assert.deepEqual([applied.version?.version, applied.masked], [2, []]);
  const configuration = await json<Configuration>(await world.get('/api/v1/config'));
  assert.deepEqual(configuration.settings['health']?.['p95Ms']?.layer, 'preset');
  assert.equal(configuration.preset, 'high-performance');
  const own = {
    description: 'At night.',
    settings: [{ key: 'api.maxStreams', value: 5, because: 'Nobody looks.' }],
  };
  await json(await world.send('PUT', '/api/v1/config/presets/night', own));
  const list = await json<ConfigPresetList>(await world.get('/api/v1/config/presets'));
  assert.deepEqual(
    list.presets.map(({ name }) => name),
    ['development', 'staging', 'production', 'high-performance', 'night'],
  );
  await json(await world.send('POST', '/api/v1/config/presets/night/apply'));
  assert.equal((await json<Configuration>(await world.get('/api/v1/config'))).values['api']?.['maxStreams'], 5);
  await json(await world.send('DELETE', '/api/v1/config/presets/night'));
  const unknown = await json<Problem>(await world.send('POST', '/api/v1/config/presets/productions/apply'), 404);
  assert.match(unknown.remedy ?? '', /"production" was probably meant/);
  const wrong = { description: '', settings: [{ key: 'api.maxStreams', value: 0, because: '' }] };
  assert.equal(
    (await json<Problem>(await world.send('PUT', '/api/v1/config/presets/bad', wrong), 422)).code,
    'AP_CONFIG_PRESET_INVALID',
  );
});

test('every built-in preset is valid by itself', async () => {
  await using world = await controlWorld({ service: 'orders' });
  for (const name of ['development', 'staging', 'production', 'high-performance']) {
    const check = await json<ConfigCheck>(await world.send('POST', `/api/v1/config/presets/${name}/apply?dryRun=true`));
    assert.deepEqual([check.valid, check.errors, check.unknown], [true, [], []], name);
  }
});

test('what one control plane exports gives the same effective values in another', async () => {
  await using from = await controlWorld({ service: 'orders' });
  await json(await from.send('POST', '/api/v1/config/presets/staging/apply'));
  await json(await patch(from, 1, { monitoring: { maxRoutes: 50 }, database: { poolMax: 7 } }));
  await json(await patch(from, 2, { monitoring: { maxRoutes: 60 } }, '?instance=one'));
  for (const type of ['application/yaml', 'application/json'] as const) {
    const exported = await from.get('/api/v1/config/export', {
      authorization: 'Bearer a-token-for-tests-0123456789abcdefghij',
      accept: type,
    });
    const text = await exported.text();
    assert.match(exported.headers.get('content-type') ?? '', new RegExp(`^${type}`));
    if (type === 'application/yaml') assert.match(text, /# Routes that are told apart.* Default 1000\./);
    await using to = await controlWorld({ service: 'orders' });
    await json(await patch(to, 0, { health: { p95Ms: 100 }, api: { maxStreams: 3 } }));
    const headers = { 'content-type': type };
    const dry = await json<ConfigCheck>(await to.send('POST', '/api/v1/config/import?dryRun=true', text, headers));
    assert.ok(dry.valid && dry.differences.length > 3);
    await json(await to.send('POST', '/api/v1/config/import', text, headers));
    for (const search of ['', '?instance=one']) {
      const [a, b] = await Promise.all([from, to].map((world) => world.get(`/api/v1/config${search}`)));
      assert.ok(a && b);
      assert.deepEqual((await json<Configuration>(b)).values, (await json<Configuration>(a)).values);
    }
    const later = text.replace(/"?monitoring"?:/, (found) =>
      type === 'application/json' ? `"later":{"knob":1},${found}` : `later:\n    knob: 1\n  ${found}`,
    );
    const kept = await json<ConfigChange>(await to.send('POST', '/api/v1/config/import', later, headers));
    assert.deepEqual(kept.unknown, ['later.knob']);
    assert.deepEqual((await json<Configuration>(await to.get('/api/v1/config'))).unknown, ['later.knob']);
  }
});

test('a change by sign-in comes from the same site; reading needs read, changing admin', async () => {
  await using world = await controlWorld({ service: 'orders' });
  const signed = (scope: 'read' | 'admin'): string =>
    signPrincipal({ id: 'ann', scopes: [scope] }, LINK_KEY, world.clock.now());
  const mayChange = async (scope: 'read' | 'admin'): Promise<boolean> => {
    const headers = { 'x-autopilot-principal': signed(scope) };
    const answer = await world.plane.handler(new Request('http://127.0.0.1/api/v1/config', { headers }));
    return (await json<Configuration>(answer)).canChange;
  };
  const as = async (scope: 'read' | 'admin', headers: Readonly<Record<string, string>>): Promise<number> => {
    const request = new Request('http://127.0.0.1/api/v1/config/presets/staging/apply', {
      method: 'POST',
      headers: { 'x-autopilot-principal': signed(scope), ...headers },
    });
    return (await world.plane.handler(request)).status;
  };
  assert.equal(await as('read', { 'sec-fetch-site': 'same-origin' }), 403);
  assert.deepEqual([await mayChange('read'), await mayChange('admin')], [false, true]);
  assert.equal(await as('admin', {}), 403);
  assert.equal(await as('admin', { 'sec-fetch-site': 'cross-site', 'x-autopilot-request': '1' }), 403);
  assert.equal(await as('admin', { 'sec-fetch-site': 'same-origin' }), 200);
  assert.equal(await as('admin', { 'x-autopilot-request': '1' }), 200);
});

test("the control plane's own settings change what it does at once", async () => {
  await using world = await controlWorld({ service: 'orders', clock: systemClock });
  linked(world, 'one');
  const stream = { authorization: 'Bearer a-token-for-tests-0123456789abcdefghij', accept: 'text/event-stream' };
  const open = await world.get('/api/v1/performance/dashboard', stream);
  await json(await patch(world, 0, { api: { maxStreams: 1 } }));
  const second = await world.get('/api/v1/performance/dashboard', stream);
  assert.equal(second.status, 429);
  await json(await patch(world, 1, { api: { maxStreams: 2 } }));
  const third = await world.get('/api/v1/performance/dashboard', stream);
  assert.equal(third.status, 200);
  for (const { body } of [open, second, third]) await body?.cancel();
});
