import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { startTeamFlow, type TeamFlowProcess } from '../../tools/teamflow-process.ts';
import { assertAccessible } from '../support/accessibility.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { leakCheck } from '../support/leak-check.ts';
import { policyViolations } from '../support/policy-violations.ts';

leakCheck(after);

let state: string;
let teamflow: TeamFlowProcess;
let chromium: TestBrowser;

before(async () => {
  state = await mkdtemp(join(tmpdir(), 'teamflow-pages-'));
  [teamflow, chromium] = await Promise.all([startTeamFlow(state), launchChromium()]);
});

after(async () => {
  await chromium[Symbol.asyncDispose]();
  await teamflow[Symbol.asyncDispose]();
  await rm(state, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  /** Errors of the page, and what its policy refused. */
  readonly errors: readonly string[];
  readonly violations: readonly string[];
}

const desktop = { width: 1360, height: 860 };

async function openPage(options: { readonly path?: string }): Promise<Opened> {
  const { path = '/' } = options;
  const context = await chromium.browser.newContext({ viewport: desktop, colorScheme: 'light' });
  const violations = await policyViolations(context);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // What is not there yet answers 404, nobody being signed in 401; the browser logs both.
    if (message.type() === 'error' && !/status of (401|404)/.test(message.text())) errors.push(message.text());
  });
  await page.goto(`${teamflow.url}${path}`);
  return { page, errors, violations };
}

let session: Awaited<ReturnType<BrowserContext['cookies']>> | undefined;

/** As the administrator, by the form the first time and by its session after that: signing in is throttled. */
async function signIn(page: Page): Promise<void> {
  if (session === undefined) {
    await page.getByLabel('E-mail address').fill(teamflow.administrator.email);
    await page.locator('input[name=password]').fill(teamflow.administrator.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  } else {
    await page.context().addCookies(session);
    await page.goto(teamflow.url);
  }
  await page.getByRole('heading', { name: 'Projects' }).waitFor();
  session = await page.context().cookies();
}

test('a move that the service refuses is taken back, and told', async () => {
  const { page } = await openPage({});
  await signIn(page);
  await page
    .getByRole('link', { name: /^Board of / })
    .first()
    .click();
  const card = page.getByRole('list', { name: 'Backlog', exact: true }).getByRole('link').first();
  const title = await card.textContent();
  await page.route('**/move', (route) =>
    route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'TF_UNAVAILABLE', detail: 'The database can not serve this now.' }),
    }),
  );
  await card.focus();
  for (const key of ['Space', 'ArrowRight', 'Space']) await page.keyboard.press(key);
  await page.getByText('The card was put back. The database can not serve this now.').waitFor();
  assert.equal(
    await page.getByRole('list', { name: 'Backlog', exact: true }).getByRole('link').first().textContent(),
    title,
  );
  await page.context().close();
});

test('a list is filtered, sorted and paged by its address', async () => {
  const { page, errors } = await openPage({});
  await signIn(page);
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await page.waitForURL(/\/tasks$/);
  const rows = page.locator('.task-rows li');
  await rows.first().waitFor();
  await page.getByRole('button', { name: /^Status/ }).click();
  await page.getByRole('checkbox', { name: 'In review' }).check();
  await page.waitForURL(/status=in_review/);
  await page.keyboard.press('Escape');
  await page.getByLabel('Order').selectOption('dueOn');
  await page.waitForURL(/sort=dueOn/);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.waitForURL(/cursor=/);
  await page.locator('.is-stale').waitFor({ state: 'detached' });
  const shown = await rows.allTextContents();
  await page.reload();
  await rows.first().waitFor();
  assert.deepEqual(await rows.allTextContents(), shown);
  await page.getByLabel('Search in titles and descriptions').fill('zzzz');
  await page.getByText('No task matches').waitFor();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await rows.first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Comments' }).waitFor();
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('a project is taken home as CSV, and a notification tells of it', async () => {
  const { page, errors } = await openPage({});
  await signIn(page);
  const slug = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  await waitFor(page, `/o/${slug}/projects/1`, '.task-rows li');
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 60_000 }),
    page.getByRole('button', { name: 'CSV' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'project-1-tasks.csv');
  await download.cancel();
  await waitFor(page, `/o/${slug}/notifications`, '.notifications .unread');
  await page.getByText('Your CSV file is made').first().waitFor();
  await page.getByRole('link', { name: /Notifications .*unread/ }).waitFor();
  await page.getByRole('button', { name: 'Mark as read' }).click();
  await page.locator('.notifications .unread').first().waitFor({ state: 'detached' });
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('an administrator suspends somebody, who is signed out, and makes a key that is shown once', async () => {
  const { page, errors } = await openPage({});
  await signIn(page);
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByLabel('Search names and addresses').fill('1-4@');
  await page.waitForURL(/q=1-4/);
  await page.getByRole('cell', { name: /1-4@/ }).getByRole('link').first().click();
  await page.getByRole('button', { name: 'Suspend' }).click();
  await page.getByRole('dialog').getByLabel('Why').fill('On leave');
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
  await page.getByText('Suspended because: On leave').waitFor();
  await page.getByRole('button', { name: 'Let them in again' }).click();
  await page.getByRole('button', { name: 'Suspend' }).waitFor();

  await page.goto(`${teamflow.url}/account`);
  await page.getByLabel('Name').fill('nightly export');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const field = page.getByLabel('The key “nightly export”');
  const key = await field.inputValue();
  const answer = await fetch(`${teamflow.url}/api/v1/me`, { headers: { 'x-api-key': key } });
  assert.equal(answer.status, 200);
  await page.reload();
  await page.getByRole('cell', { name: 'nightly export', exact: true }).waitFor();
  assert.ok(!(await page.content()).includes(key));
  await page.getByRole('button', { name: 'Revoke nightly export' }).click();
  await page.getByText('You have no keys.').waitFor();
  assert.equal((await fetch(`${teamflow.url}/api/v1/me`, { headers: { 'x-api-key': key } })).status, 401);
  assert.deepEqual(errors, []);
  await page.context().close();
});

test('an organization’s usage shows what was asked of it', async () => {
  const { page } = await openPage({});
  await signIn(page);
  const name = (await page.getByRole('heading', { level: 1 }).textContent()) ?? '';
  await page.getByRole('link', { name: 'Usage' }).click();
  const row = page.getByRole('row').filter({ hasText: name });
  await row.locator('polyline').waitFor({ timeout: 20_000 });
  await page.getByRole('columnheader', { name: 'p95' }).getByRole('link').click();
  await page.locator('th[aria-sort=descending]').getByText('p95').waitFor();
  await row.getByText('member').waitFor();
  await row.getByRole('link').click();
  await page.getByText('% of the whole').first().waitFor();
  await page.context().close();
});

test('a session opens the autopilot, but a wrong token beside it is refused', async () => {
  const { page } = await openPage({});
  await signIn(page);
  for (const path of ['performance/health', 'performance/tenants', 'performance/resources']) {
    const url = `${teamflow.url}/api/v1/${path}`;
    assert.equal((await page.request.get(url)).status(), 200, path);
    const wrong = await page.request.get(url, { headers: { authorization: `Bearer ${'wrong'.repeat(8)}` } });
    assert.equal(wrong.status(), 401, path);
    assert.equal(((await wrong.json()) as { code: string }).code, 'AP_UNAUTHENTICATED');
  }
  await page.context().close();
});

test('an invitation leads somebody without an account into the organization', async () => {
  const { page, errors } = await openPage({});
  await signIn(page);
  const name = (await page.getByRole('heading', { level: 1 }).textContent()) ?? '';
  await page.getByRole('link', { name: 'Members' }).click();
  await page.getByLabel('E-mail address').fill('ida@newcomer.example');
  await page.getByRole('button', { name: 'Invite' }).click();
  const link = await page.getByLabel('Send this link to ida@newcomer.example').inputValue();
  const invited = await openPage({ path: new URL(link).pathname });
  await invited.page.getByRole('link', { name: 'Make an account' }).click();
  await invited.page.getByLabel('Your name').fill('Ida Invited');
  await invited.page.getByLabel('E-mail address').fill('ida@newcomer.example');
  await invited.page.locator('input[name=password]').fill('a good password');
  await invited.page.getByRole('button', { name: 'Make the account' }).click();
  await invited.page.getByRole('heading', { name: `Join ${name}` }).waitFor();
  await invited.page.getByRole('button', { name: 'Join' }).click();
  await invited.page.getByRole('heading', { name: 'Projects' }).waitFor();
  assert.deepEqual([...errors, ...invited.errors], []);
  await page.context().close();
  await invited.page.context().close();
});

/** Every page, and what shows that it is there. */
function pagesOf(slug: string): readonly (readonly [path: string, shows: string])[] {
  return [
    ['/organizations', '.new-organization'],
    [`/o/${slug}`, '.project-list li'],
    [`/o/${slug}/tasks`, '.task-rows li'],
    [`/o/${slug}/tasks?q=report&status=done`, '.task-rows li'],
    [`/o/${slug}/projects/1`, '.task-rows li'],
    [`/o/${slug}/projects/1/board`, '.board-card'],
    [`/o/${slug}/tasks/1`, '.task-side'],
    [`/o/${slug}/activity`, '.activity-list li'],
    [`/o/${slug}/notifications`, '.activity-list li, .card'],
    [`/o/${slug}/members`, 'tbody tr'],
    ['/account', '.account-part form'],
    ['/admin/users', 'tbody tr'],
    ['/admin/organizations', 'tbody tr'],
    ['/admin/organizations?sort=p95Ms', 'tbody tr, .message-panel'],
    ['/admin/audit', 'tbody tr, .message-panel'],
    [`/o/${slug}/projects/99999999`, '.message-panel'],
    ['/o/nowhere', '.message-panel'],
  ];
}

async function waitFor(page: Page, path: string, shows: string): Promise<void> {
  await page.goto(`${teamflow.url}${path}`);
  await page.locator(shows).first().waitFor();
}

test('every page is free of what axe finds, in light and dark, fits a phone, and lives with its policy', async () => {
  const { page, errors, violations } = await openPage({ path: '/sign-up' });
  await page.getByLabel('Your name').waitFor();
  await assertAccessible(page);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signIn(page);
  const slug = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  for (const [path, shows] of pagesOf(slug)) {
    await waitFor(page, path, shows);
    await assertAccessible(page);
    await page.setViewportSize({ width: 375, height: 860 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375, path);
    await page.setViewportSize(desktop);
  }
  await waitFor(page, `/o/${slug}/tasks`, '.task-rows li');
  for (const [key, shows] of [
    ['Control+k', '.quick-search'],
    ['?', '.shortcuts-dialog'],
    ['c', 'input[name=title]'],
  ] as const) {
    await page.keyboard.press(key);
    await page.locator(shows).waitFor();
    await assertAccessible(page);
    await page.keyboard.press('Escape');
    await page.locator(shows).waitFor({ state: 'detached' });
  }
  await page.setViewportSize({ width: 375, height: 860 });
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('dialog').getByRole('link', { name: 'My tasks' }).click();
  await page.waitForURL(/assigneeId=me/);
  assert.deepEqual(errors, []);
  assert.deepEqual(violations, []);
  await page.context().close();
});

test('the pages of the dashboard and of the API live with their policy, which forbids what is tried', async () => {
  const { page, violations } = await openPage({});
  await signIn(page);
  await page.goto(`${teamflow.url}/autopilot/`);
  const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
  await links.first().waitFor();
  const paths = await links.evaluateAll((found) => found.map((link) => link.getAttribute('href') ?? ''));
  assert.ok(paths.includes('/autopilot/access'), paths.join(' '));
  for (const path of [...paths, '/api/v1/docs']) {
    const answer = await page.goto(`${teamflow.url}${path}`, { waitUntil: 'load' });
    const policy = answer?.headers()['content-security-policy'] ?? '';
    assert.match(policy, /default-src '(self|none)'/, path);
    assert.doesNotMatch(/script-src[^;]*|$/.exec(policy)?.[0] ?? '', /unsafe/, path);
    await page.locator('h1, h2').first().waitFor();
  }
  // That there would be a report: what the policy forbids is tried.
  assert.deepEqual(violations, []);
  await page.evaluate(() => {
    document.body.append(Object.assign(document.createElement('script'), { textContent: 'globalThis.ran = true' }));
  });
  assert.equal(await page.evaluate(() => 'ran' in globalThis), false);
  await page.waitForFunction(() => true);
  assert.match(violations.join(' '), /script-src-elem forbids inline/);
  await page.context().close();
});
