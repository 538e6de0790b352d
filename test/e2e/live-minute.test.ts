import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { startTeamFlow, type TeamFlowProcess } from '../../tools/teamflow-process.ts';
import { assertAccessible } from '../support/accessibility.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { leakCheck } from '../support/leak-check.ts';

leakCheck(after);

let state: string;
let teamflow: TeamFlowProcess;
let chromium: TestBrowser;

before(async () => {
  state = await mkdtemp(join(tmpdir(), 'teamflow-e2e-'));
  [teamflow, chromium] = await Promise.all([startTeamFlow(state), launchChromium()]);
});

after(async () => {
  await chromium[Symbol.asyncDispose]();
  await teamflow[Symbol.asyncDispose]();
  await rm(state, { recursive: true, force: true });
});

/** A new window with nothing remembered; errors of the page fail the test. */
async function openPage(path: string): Promise<{ page: Page; errors: string[] }> {
  const context = await chromium.browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/401|404/.test(message.text())) errors.push(message.text());
  });
  await page.goto(`${teamflow.url}${path}`);
  return { page, errors };
}

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('E-mail address').fill(teamflow.administrator.email);
  await page.locator('input[name=password]').fill(teamflow.administrator.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

type List = 'tasks' | 'teams';

/** Asks for a list of the organization as the signed-in user, `count` times. */
async function makeTraffic(page: Page, count: number, list: List = 'tasks'): Promise<void> {
  await page.evaluate(
    async ([times, name]) => {
      const organizations = (await (await fetch('/api/v1/organizations')).json()) as { items: { id: string }[] }; // our own API
      const id = organizations.items[0]?.id ?? '';
      for (let i = 0; i < times; i++) await fetch(`/api/v1/organizations/${id}/${name}`);
    },
    [count, list] as const,
  );
}

function linkOf(page: Page, list: List): Locator {
  return page.getByRole('link', { name: new RegExp(`/api/v1/organizations/:organizationId/${list}`) }).first();
}

/** How long one request to a route that was not asked for before takes to be seen on the page. */
async function seenAfterMs(page: Page, list: List): Promise<number> {
  await makeTraffic(page, 1, list);
  const began = performance.now();
  await linkOf(page, list).waitFor();
  return performance.now() - began;
}

test('sign in, make traffic, see it move within 2 s', async () => {
  const { page, errors } = await openPage('/');
  await signIn(page);
  await page.getByRole('link', { name: /dashboard/ }).click();
  await page.waitForURL(/\/autopilot\//);
  await page.getByText('Live', { exact: true }).first().waitFor();
  // The page has drawn its charts for the first time: what is measured is how long a request takes to be seen.
  await page.evaluate(() => new Promise((idle) => requestIdleCallback(idle, { timeout: 5_000 })));
  const seen = [await seenAfterMs(page, 'teams'), await seenAfterMs(page, 'tasks')];
  // The better of two: a machine that is busy with something else for a second is no fault of ours.
  assert.ok(Math.min(...seen) < 2_000, `seen after ${seen.map(Math.round).join(' and ')} ms`);
  await makeTraffic(page, 30);
  await linkOf(page, 'tasks').click();
  await page.waitForURL(/\/autopilot\/routes\//);
  await page.getByRole('heading', { level: 1 }).waitFor();
  assert.deepEqual(errors, []);
  await page.context().close();
});

function column(page: Page, name: string): Locator {
  return page.getByRole('list', { name, exact: true });
}

async function makeTask(page: Page, title: string): Promise<void> {
  await page.keyboard.press('c');
  await page.getByLabel('Title').fill(title);
  await page.getByRole('button', { name: 'Make the task' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** The dashboard of an administrator, and where a route stands in it. */
async function openDashboard(): Promise<{ page: Page; route: (name: RegExp) => Locator }> {
  const { page } = await openPage('/');
  await signIn(page);
  await page.getByRole('link', { name: /dashboard/ }).click();
  await page.getByText('Live', { exact: true }).first().waitFor();
  return { page, route: (name) => page.getByRole('link', { name }).first() };
}

test('a newcomer makes an account, a project and tasks, moves and finds them, seen in the dashboard', async () => {
  const dashboard = await openDashboard();
  const moves = dashboard.route(/organizationId\/tasks\/:taskId\/move/);
  const searches = dashboard.route(/organizationId\/search/);
  assert.deepEqual([await moves.count(), await searches.count()], [0, 0]);
  const { page, errors } = await openPage('/');
  await page.getByRole('link', { name: 'Make an account' }).click();
  await page.getByLabel('Your name').fill('Nora Newcomer');
  await page.getByLabel('E-mail address').fill('nora@newcomer.example');
  await page.locator('input[name=password]').fill('a good password');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('You are in no organization yet').waitFor();
  await page.getByLabel('Name').fill('Nora & Co');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.waitForURL(/\/o\/nora-co$/);
  await page.getByRole('button', { name: 'Start the first project' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Moving house');
  await page.getByRole('button', { name: 'Start the project' }).click();
  await page.waitForURL(/\/projects\/\d+\/board$/);
  await makeTask(page, 'Pack the kitchen');
  await makeTask(page, 'Call the movers');
  await column(page, 'To do').getByRole('link', { name: 'Call the movers' }).waitFor();

  // By mouse, from one column to another.
  const from = await column(page, 'To do').getByText('Pack the kitchen').boundingBox();
  const to = await page.getByRole('heading', { name: 'In progress' }).boundingBox();
  assert.ok(from !== null && to !== null);
  await page.mouse.move(from.x + 20, from.y + 8);
  await page.mouse.down();
  await page.mouse.move(to.x + 60, to.y + 60, { steps: 10 });
  const moved = page.waitForResponse((response) => response.url().endsWith('/move'));
  await page.mouse.up();
  assert.equal((await moved).status(), 200);
  await moves.waitFor({ timeout: 2_000 });
  await column(page, 'In progress').getByText('Pack the kitchen').waitFor();

  // By keyboard, and the focus stays with the card.
  await column(page, 'To do').getByRole('link', { name: 'Call the movers' }).focus();
  const movedAgain = page.waitForResponse((response) => response.url().endsWith('/move'));
  for (const key of ['Space', 'ArrowRight', 'ArrowUp', 'Space']) await page.keyboard.press(key);
  assert.equal((await movedAgain).status(), 200);
  await page.reload();
  await column(page, 'In progress').getByRole('link').first().waitFor();
  assert.deepEqual(await column(page, 'In progress').locator('a').allTextContents(), [
    'Call the movers',
    'Pack the kitchen',
  ]);

  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search and go anywhere' }).fill('kitchen');
  await page.getByRole('option', { name: /Pack the kitchen/ }).waitFor();
  // Nothing stays of what was offered before something was typed.
  assert.equal(await page.getByRole('option').count(), 1);
  // The routes that take most time come every second; this one takes little, and the table asks for those every 5 s.
  await searches.waitFor({ timeout: 7_000 });
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/tasks\/\d+$/);
  await page.getByLabel('Priority', { exact: true }).selectOption('high');
  await page.getByLabel('Add a comment').fill('Begin with the pots.');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('listitem').filter({ hasText: 'Begin with the pots.' }).waitFor();
  await page.getByText('the priority from No priority to High').waitFor();
  assert.deepEqual(errors, []);
  await page.context().close();
  await dashboard.page.context().close();
});

test('every page is free of what axe finds, in light and dark', async () => {
  const { page, errors } = await openPage('/');
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await assertAccessible(page);
  await signIn(page);
  await page.getByRole('link', { name: /dashboard/ }).waitFor();
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await assertAccessible(page);
  await page.goto(`${teamflow.url}/autopilot/`);
  await page.getByText('Live', { exact: true }).first().waitFor();
  await assertAccessible(page);
  await makeTraffic(page, 1);
  await linkOf(page, 'tasks').click();
  await page.waitForURL(/\/autopilot\/routes\//);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await assertAccessible(page);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test("the control plane's own port takes a token and shows the same", async () => {
  const context = await chromium.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${teamflow.controlPlaneUrl}/autopilot/`);
  await page.getByLabel('Token', { exact: true }).fill('not the token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This token is not known here.').waitFor();
  await page.getByLabel('Token', { exact: true }).fill(teamflow.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Live', { exact: true }).first().waitFor();
  await context.close();
});

test('everything is reached by keyboard: from the sign-in to a route of the table', async () => {
  const { page } = await openPage('/');
  await page.getByLabel('E-mail address').waitFor();
  await page.getByLabel('E-mail address').focus();
  await page.keyboard.type(teamflow.administrator.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(teamflow.administrator.password);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: /dashboard/ }).waitFor();
  await tabTo(page, /dashboard/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/autopilot\//);
  await makeTraffic(page, 3);
  await linkOf(page, 'tasks').waitFor();
  await tabTo(page, /organizationId\/tasks/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/autopilot\/routes\//);
  await page.context().close();
});

/** Presses Tab until a link or a button with this name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 120; presses++) {
    await page.keyboard.press('Tab');
    const text = await page.evaluate(() => {
      // When what has the focus goes away, the body has it, and every text of the page is in that.
      const focused = document.activeElement?.matches('a, button') === true ? document.activeElement : null;
      return focused?.getAttribute('aria-label') ?? focused?.textContent ?? '';
    });
    if (name.test(text)) return;
  }
  assert.fail(`Nothing with the name ${name} is reached by 120 presses of Tab`);
}
