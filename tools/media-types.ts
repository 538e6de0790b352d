/**
 * Writes packages/autopilot/src/compress/compressible-types.ts from mime-db: the agent has no dependencies, and needs of
 * that table only which types become smaller. `node -C source tools/media-types.ts`; a test holds the file to it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Where the table is, from the root of the repository. */
export const mediaTypesPath = 'packages/autopilot/src/compress/compressible-types.ts';

interface MediaType {
  readonly compressible?: boolean;
}

/** The module's text. Types whose name says it (text/..., ...+json and the like) are judged by their name and left out. */
export function mediaTypesModule(): string {
  const path = createRequire(import.meta.url).resolve('mime-db/db.json');
  const types = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, MediaType>>; // as its README says
  const names = Object.keys(types);
  const byName = (name: string): boolean => /^text\/|\+(json|xml|text|yaml)$/.test(name);
  const kept = names.filter((name) => types[name]?.compressible === true && !byName(name));
  return `${[
    '// Made by `node -C source tools/media-types.ts` from mime-db.',
    '',
    '/** Media types that become smaller though their name does not say so. */',
    'export const compressibleTypes: readonly string[] = [',
    ...kept.map((name) => `  '${name}',`),
    '];',
  ].join('\n')}\n`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', mediaTypesPath), mediaTypesModule());
