import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** A real Chromium, with a directory of its own that goes with it. */
export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser;
}

/**
 * Launches the Chromium of the npm package @sparticuz/chromium, or the one AUTOPILOT_CHROMIUM names.
 * The package unpacks itself into the temporary directory and takes any browser it finds there for its own:
 * hence a private directory each time. Its default arguments hold --single-process, which dies with the
 * second context, so they are not used.
 */
export async function launchChromium(): Promise<TestBrowser> {
  const directory = await mkdtemp(join(tmpdir(), 'teamflow-chromium-'));
  const executablePath = process.env['AUTOPILOT_CHROMIUM'] ?? (await unpack(directory));
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

async function unpack(directory: string): Promise<string> {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = directory;
  try {
    const { default: package_ } = await import('@sparticuz/chromium');
    return await package_.executablePath();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}
