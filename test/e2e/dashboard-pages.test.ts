import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it, test } from 'node:test';
import pg from 'pg';
import type { Page } from 'playwright-core';
import { createClient } from '../../packages/autopilot/src/client.ts';
import { assertAccessible } from '../support/accessibility.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { type DashboardWorld, dashboardWorld } from '../support/dashboard-world.ts';
import { leakCheck } from '../support/leak-check.ts';
import { loadTarget } from '../support/load-target.ts';
import { policyViolations } from '../support/policy-violations.ts';
import { databaseFor } from '../support/postgres.ts';

leakCheck(after);

let world: DashboardWorld;
let chromium: TestBrowser;

before(async () => {
  const database = await databaseFor({ after, afterEach });
  world = await dashboardWorld({ main: await soldOrders(database.url) });
  chromium = await launchChromium();
});

after(async () => {
  await chromium[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** The dashboard, signed in; errors of the page fail the test. */
async function open(
  scheme: 'light' | 'dark',
): Promise<{ page: Page; errors: string[]; violations: readonly string[] }> {
  const context = await chromium.browser.newContext({ viewport: { width: 1440, height: 1000 }, colorScheme: scheme });
  const violations = await policyViolations(context);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/\b40[01]|412|422/.test(message.text())) errors.push(message.text());
  });
  await page.goto(world.plane.dashboardUrl);
  await page.getByLabel('Token', { exact: true }).fill(world.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Live', { exact: true }).first().waitFor();
  return { page, errors, violations };
}

/** A database with an index too many, and statements that were counted. */
async function soldOrders(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE EXTENSION pg_stat_statements; CREATE TABLE orders (id int PRIMARY KEY, customer_id int);
    CREATE INDEX orders_a ON orders (customer_id); CREATE INDEX orders_b ON orders (customer_id)`);
  await client.query(`CREATE TABLE parcels (id int PRIMARY KEY, code text NOT NULL);
    INSERT INTO parcels SELECT i, md5(i::text) FROM generate_series(1, 20000) i; ANALYZE parcels; SELECT pg_stat_statements_reset()`);
  for (let id = 0; id < 3; id++) await client.query('SELECT id FROM orders WHERE customer_id = $1', [id]);
  // Often enough to matter beside what the agents report.
  for (let id = 0; id < 100; id++) await client.query('SELECT id FROM parcels WHERE code = $1', [String(id)]);
  await client.end();
  return url;
}

/** The names in a table, from above. */
async function names(page: Page, table: string): Promise<string[]> {
  const rows = await page.locator(`#${table} tbody th`).allInnerTexts();
  return rows.map((text) => text.trim());
}

test('tenants have a page: by keyboard there, sorted by any column, filtered, of any range', async () => {
  const { page, errors } = await open('light');
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await page.waitForURL(/\/autopilot\/tenants/);
  await page.getByRole('row', { name: /globex/ }).waitFor();
  assert.deepEqual(await names(page, 'tenants'), ['acme', 'globex']);
  await page.getByText('Time of the event loop is not shown.').waitFor();
  await page.getByRole('columnheader', { name: 'p95' }).getByRole('button').press('Enter');
  await page.waitForFunction(() => document.querySelector('#tenants tbody th')?.textContent?.trim() === 'globex');
  await page.getByLabel('Filter tenants').fill('acm');
  await page.getByRole('row', { name: /globex/ }).waitFor({ state: 'detached' });
  assert.deepEqual(await names(page, 'tenants'), ['acme']);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV of the tenants' }).press('Enter'),
  ]);
  const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n');
  assert.deepEqual([lines.length, lines[0]?.split(',')[0], lines[1]?.split(',')[0]], [2, 'tenant', 'acme']);
  const range = `from=${new Date(Date.now() - 600_000).toISOString()}&to=${new Date().toISOString()}`;
  await page.goto(`${world.plane.dashboardUrl}tenants?${range}`);
  await page.getByRole('row', { name: /globex/ }).waitFor();
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('the database has pages: findings with their remedy, statements with plans, tables, indexes, connections', async () => {
  for (const scheme of ['light', 'dark'] as const) {
    const { page, errors } = await open(scheme);
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Database' }).click();
    await page.getByText(/DROP INDEX CONCURRENTLY "public"."orders_[ab]";/).waitFor();
    await assertAccessible(page);
    const parts = page.getByRole('navigation', { name: 'Parts of the database' });
    await parts.getByRole('link', { name: 'Queries' }).click();
    const statement = page.getByRole('row', { name: /SELECT id FROM orders WHERE customer_id/ });
    await statement.getByRole('button', { name: 'Show the plan' }).click();
    await statement.getByRole('button', { name: 'Run it once and compare' }).click();
    await statement
      .getByText(/estimated .* came/)
      .first()
      .waitFor();
    await assertAccessible(page);
    await parts.getByRole('link', { name: 'Tables' }).click();
    await page.getByRole('row', { name: /^orders/ }).waitFor();
    await parts.getByRole('link', { name: 'Indexes' }).click();
    await page
      .getByRole('row', { name: /orders_pkey/ })
      .getByText('A constraint needs it.')
      .waitFor();
    await assertAccessible(page);
    await parts.getByRole('link', { name: 'Index advice' }).click();
    // Worked out once, and kept.
    if (scheme === 'light') await page.getByRole('button', { name: 'Work it out', exact: true }).click();
    await page.getByText('CREATE INDEX CONCURRENTLY "parcels_code_idx"').waitFor({ timeout: 90_000 });
    await page
      .getByRole('figure', { name: /^Before/ })
      .getByText('Seq Scan on parcels')
      .waitFor();
    await page
      .getByRole('figure', { name: /^After/ })
      .getByText('using parcels_code_idx')
      .waitFor();
    await page.getByText('Statements left out (1)').click();
    await assertAccessible(page);
    await parts.getByRole('link', { name: 'Connections' }).click();
    // Idle or at work: there may be a row for each.
    await page
      .getByRole('row', { name: /^autopilot/ })
      .first()
      .waitFor();
    await assertAccessible(page);
    assert.deepEqual(errors, []);
    await page.context().close();
  }
});

test('resources have a page: charts, worst moments, pools, and what each route takes', async () => {
  const { page, errors } = await open('dark');
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Resources' }).click();
  await page.waitForURL(/\/autopilot\/resources/);
  await page.locator('#resource-routes').getByRole('link', { name: 'GET /orders', exact: true }).waitFor();
  assert.deepEqual(await page.locator('.chart .card-title').allInnerTexts(), [
    'Processor',
    'Event loop',
    'Memory',
    'Network',
    'Disk',
    'Database',
    'Connections',
  ]);
  await page.waitForFunction(() => /\d/.test(document.querySelector('#disk .chart-plot')?.ariaLabel ?? ''));
  await page.getByText('Heap allowed').waitFor();
  await page
    .locator('#resource-jobs')
    .getByRole('row', { name: /digest/ })
    .waitFor();
  await page.getByLabel('Instance to profile').selectOption('web-2');
  await page.getByRole('button', { name: 'Start' }).click();
  const graph = page.getByRole('group', { name: 'Calls by route' });
  await graph.getByRole('button', { name: /^GET \/orders, 740 ms, 75\.9/ }).waitFor();
  await page.getByRole('row', { name: /340 ms .* priceOf src\/prices\.ts:7/ }).waitFor();
  await graph.getByRole('button', { name: /^GET \/orders/ }).press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  assert.equal(await graph.getByRole('button').count(), 3, 'priceOf and what it was called by');
  await page.keyboard.press('Escape');
  await graph.getByRole('button', { name: /^POST \/orders/ }).waitFor();
  await page.locator('#resource-routes').getByRole('link', { name: 'GET /orders', exact: true }).click();
  await page.waitForURL(/\/autopilot\/routes\//);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('a token is made, shown once, and revoked; the audit log says who did it', async () => {
  const { page, errors } = await open('light');
  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await page.waitForURL(/\/autopilot\/access/);
  await page.getByText('No token was made yet.').waitFor();
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('Say what it is for.').waitFor();
  await page.getByLabel('New token for').fill('ci deploys');
  await page.getByLabel('May').selectOption('operate');
  await page.getByLabel('Lives for').selectOption({ label: '30 days' });
  await page.keyboard.press('Enter');
  const panel = page.getByRole('region', { name: 'The token ci deploys' });
  const secret = await panel.locator('code').innerText();
  const ask = (): Promise<Response> =>
    fetch(`${world.plane.address}/api/v1/config`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await ask()).status, 200);
  await panel.getByRole('button', { name: 'Done' }).click();
  await page.reload();
  const row = page.getByRole('row', { name: /ci deploys/ });
  await row.getByText(/ ago$/).waitFor();
  assert.ok(!(await page.content()).includes(secret));
  await row.getByRole('button', { name: 'Revoke ci deploys' }).click();
  await page.keyboard.press('Enter');
  await row.getByText('by administrator').first().waitFor();
  await page
    .locator('#audit')
    .getByRole('row', { name: /revokeAccessToken/ })
    .getByText('done')
    .waitFor();
  assert.equal((await ask()).status, 401);
  assert.deepEqual(errors, []);
  await page.context().close();
});

/** What the agents run. */
function maxRoutes(): readonly number[] {
  return world.agents.map(({ config }) => config.settings.current.monitoring.maxRoutes);
}

/** Changes something as another administrator would. */
async function changeBySomebodyElse(version: number, body: object): Promise<void> {
  const response = await fetch(`${world.plane.address}/api/v1/config?note=by+somebody+else`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${world.token}`,
      'content-type': 'application/json',
      'if-match': `"${version}"`,
    },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.text());
}

describe('the configuration', () => {
  let page: Page;
  let errors: string[];
  before(async () => {
    ({ page, errors } = await open('light'));
  });
  after(async () => {
    assert.deepEqual(errors, []);
    await page.context().close();
  });

  const openPart = async (name: string): Promise<void> => {
    await page
      .getByRole('navigation', { name: 'Parts of the configuration' })
      .getByRole('link', { name, exact: true })
      .click();
  };

  it('settings are found, changed together, looked at first, followed to every instance, and taken back in one press', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.waitForURL(/\/autopilot\/configuration/);
    await page.getByText('Nothing has been changed yet').waitFor();
    const filter = page.getByLabel('Filter settings');
    await filter.waitFor();
    await page.keyboard.press('/');
    // Else what is typed would be shortcuts.
    await page.waitForFunction(() => document.activeElement instanceof HTMLInputElement);
    await page.keyboard.type('routes told apart');
    await page.getByRole('button', { name: 'monitoring.maxRoutes', exact: true }).press('Enter');
    const field = page.getByRole('textbox', { name: 'monitoring.maxRoutes' });
    await field.fill('5');
    await page.getByText('It must be from 10 to 20,000.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Review' }).isDisabled(), true);
    await field.fill('500');
    await filter.fill('monitoring.requests');
    await page.getByRole('button', { name: 'monitoring.requests', exact: true }).press('Enter');
    await page.getByRole('switch', { name: 'monitoring.requests' }).press('Space');
    await page.getByText('2 changes not made yet').waitFor();
    await page.getByRole('button', { name: 'Review' }).press('Enter');

    const dialog = page.getByRole('dialog', { name: '2 changes of the fleet' });
    await dialog
      .getByRole('row', { name: /monitoring\.maxRoutes not set now 1,000 routes 500 routes fleet/ })
      .waitFor();
    await dialog.getByText(/monitoring\.requests: without requests/).waitFor();
    await dialog.getByText('All 3 instances would take it.').waitFor();
    assert.deepEqual(maxRoutes(), [1_000, 1_000], 'looking changes nothing');
    await assertAccessible(page);
    await dialog.getByLabel('Why').fill('fewer routes');
    await dialog.getByLabel('Why').press('Enter');

    await page.getByText('All 3 live instances run it.').waitFor();
    await page.getByRole('heading', { name: 'Version 1: fewer routes' }).waitFor();
    assert.deepEqual(maxRoutes(), [500, 500]);
    await page.getByRole('button', { name: 'Undo' }).press('Enter');
    await page.getByRole('heading', { name: 'Version 2: Takes back version 1' }).waitFor();
    await page.getByText('All 3 live instances run it.').waitFor();
    assert.deepEqual(maxRoutes(), [1_000, 1_000]);
  });

  it('who was slower looks at what the other changed, and goes on from there', async () => {
    await page.getByLabel('Filter settings').fill('maxRoutes');
    const field = page.getByRole('textbox', { name: 'monitoring.maxRoutes' });
    await field.fill('300');
    const navigation = page.getByRole('navigation', { name: 'Pages' });
    await navigation.getByRole('link', { name: 'Instances' }).click();
    await page.getByRole('heading', { name: 'Instances' }).waitFor();
    await page.reload();
    await navigation.getByRole('link', { name: 'Configuration 1 not made yet' }).click();
    await page.getByText('Kept in this tab since').waitFor();
    await changeBySomebodyElse(2, { monitoring: { maxTenants: 70 } });
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('heading', { name: /Version 3 was made meanwhile by administrator/ }).waitFor();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('row', { name: /monitoring\.maxTenants not set 70 tenants/ }).waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Apply' }).isDisabled(), true);
    await dialog.getByRole('button', { name: 'Go on from version 3' }).click();
    // Once more, after the look: the answer is 412, and the newest is shown again.
    await changeBySomebodyElse(3, { monitoring: { maxTenants: 80 } });
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('heading', { name: /Version 4 was made meanwhile/ }).waitFor();
    await dialog.getByRole('button', { name: 'Go on from version 4' }).click();
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('heading', { name: 'Version 5', exact: true }).waitFor();
    await page.getByText('All 3 live instances run it.').waitFor();
    assert.deepEqual(maxRoutes(), [300, 300]);
    await page.getByText('not set → 300 routes').waitFor();
  });

  it('versions are compared and restored; presets and documents show what they change first', async () => {
    await openPart('Versions');
    await page.getByLabel('From version').selectOption('1');
    await page.getByLabel('To version').selectOption('3');
    await page.getByRole('row', { name: /monitoring\.maxTenants not set 70/ }).waitFor();
    await page.getByRole('button', { name: 'Restore version 1' }).click();
    await page.getByRole('row', { name: /monitoring\.maxRoutes 300 routes 500 routes/ }).waitFor();
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByRole('heading', { name: 'Version 6: Restores version 1' }).waitFor();
    await page.getByText('All 3 live instances run it.').waitFor();
    assert.deepEqual(maxRoutes(), [500, 500]);

    await openPart('Presets');
    await page.getByRole('button', { name: 'See what it changes: staging' }).click();
    await page.getByRole('row', { name: /health\.p95Ms not set now 500 ms 1,000 ms preset/ }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('heading', { name: 'Version 7: Applies the preset staging' }).waitFor();
    await page.getByText('applied last').waitFor();
    await page.getByLabel('Name').fill('ours');
    await page.getByLabel('What it is for').fill('What we have found');
    await page.getByLabel('Why these values').fill('Measured in autumn');
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByRole('heading', { name: 'ours' }).waitFor();
    await page.getByRole('button', { name: 'Remove ours' }).click();
    await page.getByRole('button', { name: 'Remove for good? ours' }).click();
    await page.getByRole('heading', { name: 'ours' }).waitFor({ state: 'detached' });

    await openPart('Export and import');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as YAML' }).click(),
    ]);
    const chunks: Uint8Array[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Uint8Array); // a stream of bytes
    const text = Buffer.concat(chunks).toString();
    assert.match(text, /maxRoutes: 500/);
    await page.getByLabel('or its text').fill('settings: [');
    await page.getByRole('button', { name: 'See what it changes' }).click();
    await page.getByRole('dialog').getByRole('alert').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('or its text').fill(text.replace('maxRoutes: 500', 'maxRoutes: 600'));
    await page.getByRole('button', { name: 'See what it changes' }).click();
    await page.getByRole('row', { name: /monitoring\.maxRoutes 500 routes 600 routes/ }).waitFor();
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('heading', { name: 'Version 8: Imported' }).waitFor();
    await page.getByText('All 3 live instances run it.').waitFor();
    assert.deepEqual(maxRoutes(), [600, 600]);
  });

  it('an override is of one instance; who may only look finds nothing to press', async () => {
    await page.getByLabel('Instance', { exact: true }).selectOption('web-2');
    await openPart('Settings');
    await page.getByRole('heading', { name: 'Configuration of web-2' }).waitFor();
    await page.getByLabel('Filter settings').fill('maxRoutes');
    await page.getByRole('button', { name: 'monitoring.maxRoutes', exact: true }).click();
    await page.getByRole('textbox', { name: 'monitoring.maxRoutes' }).fill('55');
    await page.getByLabel('Instance', { exact: true }).selectOption({ label: 'All instances' });
    const elsewhere = page.getByRole('list', { name: 'Changes that are not made yet elsewhere' });
    await elsewhere.getByText('1 change of web-2 alone not made yet').waitFor();
    await elsewhere.getByRole('link', { name: 'go to it' }).click();
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('row', { name: /monitoring\.maxRoutes not set 55 routes web-2/ }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await page.getByText('All 3 live instances run it.').waitFor();
    assert.deepEqual(maxRoutes(), [600, 55]);

    await page.route(/\/api\/v1\/config(\?|$)/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), canChange: false } });
    });
    await page.goto(`${world.plane.dashboardUrl}configuration`);
    await page.getByText('You can look at it; changing it needs the scope admin.').waitFor();
    await page.getByRole('button', { name: 'monitoring.maxRoutes', exact: true }).click();
    await page.getByText('AUTOPILOT__MONITORING__MAX_ROUTES').waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'monitoring.maxRoutes' }).count(), 0);
    await openPart('Presets');
    await page.getByRole('heading', { name: 'staging' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /See what/ }).count(), 0);
    await page.unroute(/\/api\/v1\/config(\?|$)/);
  });
});

test('a page whose code does not come says so, and what is around it goes on', async () => {
  const { page, errors } = await open('light');
  const code = /\/assets\/compression-page-/;
  await page.route(code, (route) => route.abort());
  const navigation = page.getByRole('navigation', { name: 'Pages' });
  await navigation.getByRole('link', { name: 'Compression' }).click();
  const heading = page.getByRole('heading', { name: 'This page can not be drawn' });
  await heading.waitFor();
  await assertAccessible(page);
  await navigation.getByRole('link', { name: 'Instances' }).click();
  await page.getByRole('heading', { name: 'Instances' }).waitFor();
  await navigation.getByRole('link', { name: 'Compression' }).click();
  await heading.waitFor();
  await page.unroute(code);
  await page.getByRole('button', { name: 'Load it again' }).click();
  await page.getByRole('heading', { name: 'Compression' }).waitFor();
  // The browser and React tell of what was aborted here; nothing else went wrong.
  assert.deepEqual(
    errors.filter((error) => !/ERR_FAILED|dynamically imported/.test(error)),
    [],
  );
  await page.context().close();
});

/** Each as it is opened, and what is there once it is drawn. */
const drawn = {
  'tenants?range=1h': 'tbody tr',
  'resources?range=1h': 'tbody tr',
  configuration: '.setting',
  'configuration/versions': '.difference-table',
  'configuration/presets': '.preset',
  'configuration/transfer': '.transfer-body',
  access: '#audit tbody tr',
  load: '.load-form',
  benchmark: '.benchmark-suite',
};

test('the pages are free of what axe finds and of what the policy forbids, in light and dark and on a phone', async () => {
  for (const isPhone of [false, true]) {
    const { page, errors, violations } = await open('light');
    for (const [path, selector] of Object.entries(drawn)) {
      await page.goto(world.plane.dashboardUrl + path);
      await page.locator(selector).first().waitFor();
      if (path === 'configuration')
        await page.getByRole('button', { name: 'monitoring.maxRoutes', exact: true }).click();
      if (isPhone) await page.setViewportSize({ width: 390, height: 844 });
      await assertAccessible(page);
      if (isPhone) {
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, `${path} fits the phone`);
      }
    }
    assert.deepEqual([...errors, ...violations], []);
    await page.context().close();
  }
});

test('load tests have pages: one is started, watched, stopped, read and compared', async () => {
  await using target = await loadTarget('http', () => ({ body: 'hello' }));
  const client = createClient({ baseUrl: world.plane.address, token: () => world.token });
  const { version } = await client.getConfig();
  await client.patchConfig({ load: { targets: [target.origin] } }, { ifVersion: version });
  const { page, errors } = await open('light');
  await page.keyboard.press('g');
  await page.keyboard.press('l');
  await page.waitForURL(/\/autopilot\/load/);
  await page.getByText('at most 1000', { exact: false }).or(page.getByText('at most 1,000')).first().waitFor();
  await page.getByLabel('Seconds').fill('2');
  await page.getByRole('button', { name: 'Start the test' }).click();
  await page.waitForURL(/\/autopilot\/load\/[0-9a-f-]{36}/);
  await page
    .getByRole('status')
    .filter({ hasText: /Passed|Not valid|Missed/ })
    .waitFor({ timeout: 60_000 });
  await page.getByRole('table', { name: 'Steps' }).getByRole('row', { name: /^\/ / }).waitFor();
  await assertAccessible(page);
  await page.getByRole('link', { name: 'Load tests' }).first().click();
  await page.getByLabel('Seconds').fill('60');
  await page.getByLabel('Path').fill('/second');
  await page.getByRole('button', { name: 'Start the test' }).click();
  await page.getByRole('img', { name: /^Requests a second: done [1-9]/ }).waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('status').filter({ hasText: 'Stopped' }).waitFor({ timeout: 60_000 });
  const [before] = (await client.getLoadTests()).tests.filter(({ state }) => state !== 'stopped');
  await page.getByLabel('Compare with').selectOption(before?.id ?? '');
  await page.getByRole('status').filter({ hasText: 'Not enough data' }).waitFor();
  await page.getByRole('link', { name: 'Load tests' }).first().click();
  await page.locator('#load-tests').getByRole('link', { name: 'GET /second' }).waitFor();
  await assertAccessible(page);
  assert.deepEqual(errors, []);
  await page.context().close();
});
