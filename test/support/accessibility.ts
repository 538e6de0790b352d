import assert from 'node:assert/strict';
import axeCore, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** Runs axe-core in the page. It is evaluated by the browser's debugger, which the page's own policy does not concern. */
export async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(axeCore.source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } }; // the line above defined it
    const { violations: found } = await axe.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  });
  assert.deepEqual(violations, [], page.url());
}
