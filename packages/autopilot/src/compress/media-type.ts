import { compressibleTypes } from './compressible-types.ts';

/**
 * What a media type says of a body: `smaller`, it becomes so; `not`, it is compressed already; `unknown`, the body has
 * to be looked at; `events`, it becomes smaller and every event must leave at once.
 */
export type MediaTypeKind = 'smaller' | 'not' | 'unknown' | 'events';

/** Becomes smaller, but mime-db does not say so. */
const MORE = [
  'application/x-ndjson',
  'application/jsonl',
  'application/graphql',
  'application/sql',
  'application/yaml',
];
const listed: ReadonlySet<string> = new Set([...compressibleTypes, ...MORE]);

/** Says nothing about what is in it. */
const generic: ReadonlySet<string> = new Set(['', 'application/octet-stream', 'binary/octet-stream']);

/** RFC 6839, and what else ends so that it says what it is made of. */
const STRUCTURED = /\+(json|xml|text|yaml|json-seq)$/;

const MAX_REMEMBERED = 256;
const remembered = new Map<string, MediaTypeKind>();

/** Of a `Content-Type` with or without parameters; empty: the answer has none. */
export function mediaTypeKind(contentType: string): MediaTypeKind {
  const known = remembered.get(contentType);
  if (known !== undefined) return known;
  const kind = judge(essence(contentType));
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  if (contentType.length <= MAX_REMEMBERED) remembered.set(contentType, kind);
  return kind;
}

/** The type without its parameters, in lower case. */
export function essence(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

function judge(type: string): MediaTypeKind {
  if (type === 'text/event-stream') return 'events';
  if (generic.has(type)) return 'unknown';
  return type.startsWith('text/') || STRUCTURED.test(type) || listed.has(type) ? 'smaller' : 'not';
}
