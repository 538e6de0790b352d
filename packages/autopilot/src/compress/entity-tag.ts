import type { SentCoding } from '../contract/compression.ts';

/** How the tag of a coded answer is told from that of the same answer as it is: RFC 9110, section 8.8.3.3. */
export type EntityTagStyle = 'weak' | 'suffix';

/** A suffix of ours, before the closing quote. */
const SUFFIX = /;(?:zstd|br|gzip|deflate|dcz)"$/;

/**
 * The tag for the coded form of an answer. The same entity in another coding has the same meaning and other bytes: a
 * strong tag becomes a weak one, or one of its own. A weak one holds for both (section 8.8.1).
 */
export function codedTag(tag: string, coding: SentCoding, style: EntityTagStyle): string {
  if (tag.startsWith('W/')) return tag;
  return style === 'weak' || !tag.endsWith('"') ? `W/${tag}` : `${tag.slice(0, -1)};${coding}"`;
}

/**
 * A condition as the route wrote its tags: without our suffixes, and in `If-Match` without our W/, which would never
 * match (section 13.1.1). A tag that the route itself has made weak does not match then either: it compares strongly.
 */
export function routesCondition(header: string, isMatch: boolean): string {
  if (!header.includes(';') && !(isMatch && header.includes('W/'))) return header;
  return tagsOf(header)
    .map((tag) => (isMatch && tag.startsWith('W/') ? tag.slice(2) : tag))
    .map((tag) => tag.replace(SUFFIX, '"'))
    .join(', ');
}

/**
 * Whether a part may be asked for under this `If-Range`: a date, or a strong tag that is the route's own. Of a coded answer there are no
 * parts, and one of the answer as it is would be put into the coded one that the client has (RFC 9110, section 13.1.5).
 */
export function allowsPart(ifRange: string): boolean {
  const tag = ifRange.trim();
  return !tag.startsWith('W/') && !SUFFIX.test(tag);
}

/** Whether `If-None-Match` names this tag, by weak comparison (section 13.1.2). */
export function noneMatchNames(header: string, tag: string): boolean {
  if (header.trim() === '*') return true;
  const opaque = tag.replace(/^W\//, '');
  return tagsOf(header).some((one) => one.replace(/^W\//, '') === opaque);
}

/** Tags may hold commas: what is between quotes stays together. */
export function tagsOf(header: string): readonly string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [header.trim()];
}
