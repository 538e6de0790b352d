import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

/** A real Chromium, with a directory of its own that goes with it. */
export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser;
}

/**
 * Launches the Chromium of the npm package @sparticuz/chromium, or the one AUTOPILOT_CHROMIUM names.
 * Its default arguments hold --single-process, which dies with the second context, so they are not used.
 */
export async function launchChromium(): Promise<TestBrowser> {
  const directory = await mkdtemp(join(tmpdir(), 'teamflow-chromium-'));
  const executablePath = process.env['AUTOPILOT_CHROMIUM'] ?? (await unpacked());
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
    env: { ...process.env, TMPDIR: directory, HOME: directory },
  });
  return {
    browser,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Where the package's browser lies, 200 MB that take seconds to unpack: once for each of its versions. */
async function unpacked(): Promise<string> {
  const root = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  const manifest = await readFile(join(root, '@sparticuz/chromium/package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string }; // npm requires a package to have one
  const home = join(root, '.cache', `chromium-${version}`);
  if (!existsSync(home)) {
    await mkdir(join(root, '.cache'), { recursive: true });
    const made = await mkdtemp(`${home}-`);
    await unpack(made);
    // Whole or not at all; another process may have been sooner.
    await rename(made, home).catch(() => rm(made, { recursive: true, force: true }));
  }
  return join(home, 'chromium');
}

/** The package unpacks itself into the temporary directory, and takes any browser it finds there for its own. */
async function unpack(directory: string): Promise<void> {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = directory;
  try {
    const { default: package_ } = await import('@sparticuz/chromium');
    await package_.executablePath();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}
