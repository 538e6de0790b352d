import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { CodingReader } from '../compress/accepted-codings.ts';
import type { ContentCoding } from '../contract/compression.ts';
import { textResponse } from './responses.ts';

/** Where the dashboard lies. */
export const DASHBOARD_PATH = '/autopilot/';

/**
 * Everything comes from this origin and nothing runs that is not a file of the build. Inline style attributes are what
 * the component library positions things with; style elements are not allowed.
 */
const POLICY = [
  "default-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Endings of the files that precompress() puts beside those of the build, the smallest first. */
const endings: ReadonlyMap<ContentCoding, string> = new Map([
  ['br', '.br'],
  ['zstd', '.zst'],
  ['gzip', '.gz'],
]);
const codings = new CodingReader();

/** A file as it goes out. */
interface FoundFile {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly coding: ContentCoding | null;
  /** It is there in some coding: which one is sent depends on the client. */
  readonly isCoded: boolean;
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Autopilot: no dashboard yet</title></head>
<body>
<h1>The dashboard has not been built</h1>
<p>This control plane works, but the pages of its dashboard are not there. In a checkout of the repository make them
with <code>npm run build -w @teamflow/dashboard</code> and load this page again.</p>
<p>The same numbers are at <a href="/api/v1/performance/dashboard">/api/v1/performance/dashboard</a>; how to ask for them
is told at <a href="/api/v1/docs">/api/v1/docs</a>.</p>
</body>
</html>
`;

/**
 * Serves the built dashboard. A file is served only when a listing of the folder names it, so no path, however it is
 * written, reaches anything else.
 */
export class DashboardFiles {
  readonly #folder: string;
  /** Address under DASHBOARD_PATH to file; listed again for each page, so that a build beside it is seen. */
  #listing: ReadonlyMap<string, string> = new Map();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** null: there is no such file. Addresses without an extension are pages of the dashboard, which finds its own way. */
  async serve(pathname: string, acceptEncoding: string | null): Promise<Response | null> {
    const name = decoded(pathname.slice(DASHBOARD_PATH.length));
    // No page has a name with control characters, and no file either.
    if (name === null || /\p{Cc}/u.test(name)) return null;
    if (name === 'index.html' || extname(name) === '' || name.startsWith('routes/')) return this.#page(acceptEncoding);
    if (!this.#listing.has(name)) this.#listing = await listingOf(this.#folder);
    const found = await this.#read(name, acceptEncoding);
    if (found === null) return null;
    // Names under assets/ hold a hash of their content.
    const cacheControl = name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    return respond(mediaTypes[extname(name)] ?? 'application/octet-stream', found, cacheControl);
  }

  async #page(acceptEncoding: string | null): Promise<Response> {
    this.#listing = await listingOf(this.#folder);
    const found = await this.#read('index.html', acceptEncoding);
    if (found === null) return textResponse(503, 'text/html; charset=utf-8', NOT_BUILT);
    return respond('text/html; charset=utf-8', found, 'no-cache');
  }

  /** The file in the coding that the client likes best of those that the build has put beside it; null: there is none. */
  async #read(name: string, acceptEncoding: string | null): Promise<FoundFile | null> {
    const isCoded = [...endings.values()].some((ending) => this.#listing.has(`${name}${ending}`));
    const best: readonly ContentCoding[] = isCoded ? codings.read(acceptEncoding ?? undefined).best : [];
    for (const [coding, ending] of endings) {
      const file = best.includes(coding) ? this.#listing.get(`${name}${ending}`) : undefined;
      const bytes = file === undefined ? null : await read(file);
      if (bytes !== null) return { bytes, coding, isCoded };
    }
    const file = this.#listing.get(name);
    const bytes = file === undefined ? null : await read(file);
    return bytes === null ? null : { bytes, coding: null, isCoded };
  }
}

function respond(mediaType: string, { bytes, coding, isCoded }: FoundFile, cacheControl: string): Response {
  return new Response(bytes, {
    status: 200,
    headers: {
      ...HEADERS,
      ...(isCoded && { vary: 'accept-encoding' }),
      ...(coding !== null && { 'content-encoding': coding }),
      'content-type': mediaType,
      'content-length': String(bytes.length),
      'cache-control': cacheControl,
    },
  });
}

async function listingOf(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return new Map(
      entries
        // Not links: they may lead out of the folder.
        .filter((entry) => entry.isFile())
        .map((entry) => {
          const path = join(entry.parentPath, entry.name);
          return [relative(folder, path).split(sep).join('/'), path];
        }),
    );
  } catch {
    // Not built: the page says so.
    return new Map();
  }
}

/** null when the file went away since it was listed, as in the middle of a build. */
function read(file: string): Promise<Buffer<ArrayBuffer> | null> {
  return readFile(file).catch(() => null);
}

function decoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}
