/** What is known of an answer before its body is sent; names of headers in lower case. */
export interface AnswerHead {
  readonly status: number;
  readonly header: (name: string) => unknown;
}

/** Text of any kind, and the few binary formats that do not compress themselves. */
const COMPRESSIBLE =
  /^(text\/(?!event-stream)|application\/(json|javascript|ecmascript|xml|x-javascript|manifest\+json|graphql|x-ndjson|x-www-form-urlencoded|wasm|rtf|toml|yaml|sql|x-sh)|[\w.-]+\/[\w.-]+\+(json|xml|text|yaml)|image\/(bmp|svg|x-icon|vnd\.microsoft\.icon)|font\/(ttf|otf|sfnt)|application\/vnd\.ms-fontobject)/i;

const MAX_REMEMBERED = 256;
const remembered = new Map<string, boolean>();

/** Whether bodies of this media type become smaller. Event streams would be held back, and are left alone. */
export function isCompressible(mediaType: string): boolean {
  const known = remembered.get(mediaType);
  if (known !== undefined) return known;
  const compressible = COMPRESSIBLE.test(mediaType);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(mediaType, compressible);
  return compressible;
}

/**
 * Whether an answer could be sent in another coding, body and client aside: it has one, of a kind that becomes smaller,
 * whole (a part of a representation is a part of that very coding: RFC 9110, section 14.2), not coded yet, and nobody
 * has forbidden it (`no-transform`: RFC 9111, section 5.2.2.6).
 */
export function isTransformable({ status, header }: AnswerHead): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
  const mediaType = header('content-type');
  if (typeof mediaType !== 'string' || !isCompressible(mediaType)) return false;
  if (header('content-encoding') !== undefined || header('content-range') !== undefined) return false;
  const caching = header('cache-control');
  return typeof caching !== 'string' || !caching.toLowerCase().includes('no-transform');
}

/** `vary` with Accept-Encoding in it: a cache must not give one client what another can read. */
export function varyByEncoding(vary: unknown): string {
  const text = Array.isArray(vary) ? vary.join(', ') : typeof vary === 'string' ? vary : '';
  if (text === '') return 'accept-encoding';
  return text === '*' || /(^|,)\s*accept-encoding\s*(,|$)/i.test(text) ? text : `${text}, accept-encoding`;
}

/** The same entity in another coding is equal in meaning and not in its bytes: its tag becomes a weak one (section 8.8.1). */
export function weakTag(tag: string): string {
  return tag.startsWith('W/') ? tag : `W/${tag}`;
}
