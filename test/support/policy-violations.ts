import type { BrowserContext } from 'playwright-core';

/**
 * What the Content-Security-Policy of the context's pages forbids them from now on, as the browser itself reports it: for
 * every document, from its first byte. Call it before the first page is opened.
 */
export async function policyViolations(context: BrowserContext): Promise<readonly string[]> {
  const found: string[] = [];
  await context.exposeBinding('tellViolation', (_source, violation: string) => {
    found.push(violation);
  });
  // The debugger puts it in: the policy has no say. As a text, because it is of the browser's world and not of this one.
  await context.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) =>
      tellViolation(location.pathname + ': ' + effectiveDirective + ' forbids ' + blockedURI + ' ' + sourceFile));`,
  });
  return found;
}
