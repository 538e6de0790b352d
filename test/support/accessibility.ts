import assert from 'node:assert/strict';
import axeCore, { type AxeResults, type RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';

/** What depends on colours alone; all else is the same in every colour scheme, as it is the same document. */
const COLOURS: RunOptions = { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } };

/** An expression for the browser. */
const SETTLED = `Promise.allSettled(
  document.getAnimations().filter((one) => one instanceof CSSTransition).map(({ finished }) => finished),
).then(() => {})`;

/**
 * Runs axe-core in the page, with all its rules in light, and with those about colours in dark again. The page follows the
 * system's colour scheme, and is in light afterwards.
 */
export async function assertAccessible(page: Page): Promise<void> {
  await changeScheme(page, 'light');
  assert.deepEqual(await violations(page, {}), [], `${page.url()} in light`);
  await changeScheme(page, 'dark');
  assert.deepEqual(await violations(page, COLOURS), [], `${page.url()} in dark`);
  await changeScheme(page, 'light');
}

async function changeScheme(page: Page, scheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor({ state: 'attached' });
  // Halfway from one colour to another, contrasts are nobody's.
  await page.evaluate(SETTLED);
}

/** It is evaluated by the browser's debugger, which the page's own policy does not concern. */
async function violations(page: Page, options: RunOptions): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeCore.source);
  return await page.evaluate(async (chosen) => {
    const { axe } = globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } }; // the line above defined it
    const { violations: found } = await axe.run({ ...chosen, resultTypes: ['violations'] });
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  }, options);
}
