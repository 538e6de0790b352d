import type { UncodedReason } from '../contract/compression.ts';
import type { MediaTypeKind } from './media-type.ts';

/** undefined: there is no such header. */
export type HeaderValue = string | number | readonly string[] | undefined;

/** What is known of an answer before its body is sent; names of headers in lower case. */
export interface AnswerHead {
  readonly status: number;
  header(name: string): HeaderValue;
}

/** Whether an answer of this status has content at all (RFC 9110, sections 6.4.1 and 15). */
export function hasContent(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 205 && status !== 304;
}

/**
 * Why an answer may not be sent in another coding, its body and the client aside; null: it may. What is a part is a part
 * of that very coding (RFC 9110, section 14.2); a route that coded it itself knows best; `no-transform` forbids it
 * (RFC 9111, section 5.2.2.6); of a kind that does not become smaller, nothing is saved.
 */
export function whyNotCoded(answer: AnswerHead, mediaType: MediaTypeKind): UncodedReason | null {
  if (answer.status === 206 || answer.header('content-range') !== undefined) return 'partial';
  const coded = answer.header('content-encoding');
  if (coded !== undefined && coded !== 'identity') return 'coded-already';
  if (mediaType === 'not') return 'media-type';
  const caching = answer.header('cache-control');
  if (caching === undefined) return null;
  return /(^|,)\s*no-transform\s*(,|$)/i.test(String(caching)) ? 'no-transform' : null;
}

/** `vary` with `name` in it: a cache must not give one client what another can read. */
export function varyBy(vary: unknown, name: string): string {
  const text = Array.isArray(vary) ? vary.join(', ') : typeof vary === 'string' ? vary : '';
  if (text === '') return name;
  const members = text.split(',').map((member) => member.trim().toLowerCase());
  return members.includes('*') || members.includes(name) ? text : `${text}, ${name}`;
}
