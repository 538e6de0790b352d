import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import axeCore, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { type DashboardWorld, dashboardWorld } from '../support/dashboard-world.ts';
import { leakCheck } from '../support/leak-check.ts';

leakCheck(after);

let world: DashboardWorld;
let chromium: TestBrowser;

before(async () => {
  world = await dashboardWorld();
  chromium = await launchChromium();
});

after(async () => {
  await chromium[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** The dashboard, signed in; errors of the page fail the test. */
async function open(scheme: 'light' | 'dark'): Promise<{ page: Page; errors: string[] }> {
  const context = await chromium.browser.newContext({ viewport: { width: 1440, height: 1000 }, colorScheme: scheme });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text());
  });
  await page.goto(world.plane.dashboardUrl);
  await page.getByLabel('Token', { exact: true }).fill(world.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Live', { exact: true }).first().waitFor();
  return { page, errors };
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
  const range = `from=${new Date(Date.now() - 600_000).toISOString()}&to=${new Date().toISOString()}`;
  await page.goto(`${world.plane.dashboardUrl}tenants?${range}`);
  await page.getByRole('row', { name: /globex/ }).waitFor();
  assert.deepEqual(errors, []);
  await page.context().close();
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
  await page.locator('#resource-routes').getByRole('link', { name: 'GET /orders', exact: true }).click();
  await page.waitForURL(/\/autopilot\/routes\//);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('both pages are free of what axe finds, in light and dark and on a phone', async () => {
  for (const scheme of ['light', 'dark'] as const) {
    const { page, errors } = await open(scheme);
    for (const path of ['tenants?range=1h', 'resources?range=1h']) {
      await page.setViewportSize({ width: 1440, height: 1000 });
      await page.goto(world.plane.dashboardUrl + path);
      await page.locator('tbody tr').first().waitFor();
      await assertAccessible(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await assertAccessible(page);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.equal(width, 390, 'nothing is wider than the phone');
    }
    assert.deepEqual(errors, []);
    await page.context().close();
  }
});

/** Runs axe-core in the page. It is evaluated by the browser's debugger, which the page's own policy does not concern. */
async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(axeCore.source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } }; // the line above defined it
    const { violations: found } = await axe.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  });
  assert.deepEqual(violations, []);
}
