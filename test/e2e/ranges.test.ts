import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible } from '../support/accessibility.ts';
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

/** The dashboard, signed in, in a zone that is not UTC; errors of the page fail the test. */
async function open(scheme: 'light' | 'dark'): Promise<{ page: Page; errors: string[] }> {
  const context = await chromium.browser.newContext({
    viewport: { width: 1440, height: 1000 },
    colorScheme: scheme,
    timezoneId: 'Asia/Kolkata',
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text());
  });
  await page.goto(`${world.plane.dashboardUrl}?range=1h`);
  await page.getByLabel('Token', { exact: true }).fill(world.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Live', { exact: true }).first().waitFor();
  await page.getByRole('link', { name: 'GET /orders', exact: true }).first().waitFor();
  return { page, errors };
}

/** The range in the address, in ms; null: it follows the present. */
function lengthIn(page: Page): number | null {
  const search = new URL(page.url()).searchParams;
  const [from, to] = [search.get('from'), search.get('to')];
  return from === null || to === null ? null : Date.parse(to) - Date.parse(from);
}

/** Drags over the middle half of a chart. */
async function drag(page: Page, chart: string): Promise<void> {
  const box = await page.locator(`#${chart} .u-over`).boundingBox();
  assert.ok(box !== null);
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width / 4, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, y, { steps: 4 });
  await page.mouse.move(box.x + (3 * box.width) / 4, y, { steps: 4 });
  await page.mouse.up();
}

/** The first and last time on every chart of the page, as their text alternatives say them. */
async function rangesOf(page: Page): Promise<string[]> {
  const texts = await page.locator('.chart-plot').evaluateAll((plots) => plots.map((plot) => plot.ariaLabel ?? ''));
  return [...new Set(texts.map((text) => /from (.*?\d to .*?\d)\. /.exec(text)?.[1] ?? text))];
}

test('drag zooms every chart in, the way back leads out again, and a link shows the same', async () => {
  const { page, errors } = await open('light');
  const whole = page.url();
  await drag(page, 'latency');
  await page.waitForURL(/from=/);
  const zoomed = lengthIn(page) ?? 0;
  assert.ok(Math.abs(zoomed - 30 * 60_000) < 60_000, `${zoomed} ms of an hour`);
  await page.getByRole('heading', { name: 'Health now' }).waitFor();
  await page.waitForFunction(() => document.querySelector('.overview[aria-busy=false]') !== null);
  assert.equal((await rangesOf(page)).length, 1, 'all charts show one range');

  const link = page.url();
  await page.locator('#latency .u-over').dblclick();
  await page.waitForURL((url) => url.href !== link);
  assert.ok(Math.abs((lengthIn(page) ?? 0) - 2 * zoomed) <= 2000, 'twice as long, in whole seconds');
  await page.goBack();
  assert.equal(page.url(), link);
  await page.goBack();
  assert.equal(page.url(), whole);
  await page.getByRole('button', { name: 'Time range: Live, 1h' }).waitFor();
  await page.goForward();
  assert.equal(page.url(), link);

  // The keyboard does the same.
  await page.keyboard.press('+');
  await page.waitForURL((url) => url.href !== link);
  assert.ok((lengthIn(page) ?? 0) < zoomed);
  await page.keyboard.press('[');
  await page.keyboard.press('-');
  await page.keyboard.press('l');
  await page.waitForURL((url) => url.search === '');

  await page.goto(link);
  await page.getByRole('link', { name: 'GET /orders', exact: true }).first().waitFor();
  assert.equal(lengthIn(page), zoomed);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('what is missing, a release and an earlier range are drawn, and said to who does not see', async () => {
  const { page, errors } = await open('light');
  const traffic = page.locator('#traffic .chart-plot');
  await page.waitForFunction(() =>
    /Release 1\.5\.0 at .*Nothing is known of 4 min/.test(
      document.querySelector('#traffic .chart-plot')?.ariaLabel ?? '',
    ),
  );
  await page.getByText('Times are in Asia/').waitFor();
  const to = Date.now();
  const range = `from=${new Date(to - 900_000).toISOString()}&to=${new Date(to).toISOString()}`;
  await page.goto(`${world.plane.dashboardUrl}?${range}`);
  await page.getByLabel('Compare with').selectOption('Period before');
  await page.waitForURL(/compare=previous/);
  await page.locator('.tile .delta').first().waitFor();
  await page.locator('#routes td .delta').first().waitFor();
  await page.getByRole('button', { name: 'Requests as a table' }).click();
  await page.getByRole('columnheader', { name: 'Rate the period before' }).waitFor();
  assert.equal(await traffic.count(), 0);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('instances have a page, a filter and a link of their own', async () => {
  const { page, errors } = await open('dark');
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Instances' }).click();
  await page.waitForURL(/\/autopilot\/instances/);
  const row = page.getByRole('row', { name: /web-2/ });
  await row.getByText('release 1.5.0').waitFor();
  await row.getByText('Live').waitFor();
  await page.getByLabel('Release', { exact: true }).selectOption('1.5.0');
  await page.waitForURL(/release=1\.5\.0/);
  await page.getByRole('row', { name: /web-1/ }).waitFor({ state: 'detached' });
  await row.getByRole('link', { name: 'web-2' }).click();
  await page.waitForURL(/\/autopilot\/\?instance=web-2/);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('ranges, comparison and instances are free of what axe finds, in light and dark and on a phone', async () => {
  const { page, errors } = await open('light');
  const now = Date.now();
  const range = `from=${new Date(now - 900_000).toISOString()}&to=${new Date(now).toISOString()}`;
  for (const path of [
    `?${range}&compare=previous`,
    'instances?range=1h',
    '?range=24h',
    'routes/GET%20%2Forders?range=1h',
  ]) {
    await page.goto(world.plane.dashboardUrl + path);
    await page.locator('h1').first().waitFor({ state: 'attached' });
    await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
    await assertAccessible(page);
  }
  await page.getByRole('button', { name: /Time range/ }).click();
  await page.getByRole('button', { name: 'Show this range' }).waitFor();
  await assertAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await assertAccessible(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 390, 'nothing is wider than the phone');
  assert.deepEqual(errors, []);
  await page.context().close();
});
