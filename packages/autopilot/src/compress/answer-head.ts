import type { Settings } from '../config/registry.ts';
import type { SentCoding } from '../contract/compression.ts';
import { problemOf } from '../contract/error-table.ts';
import type { AnswerHead } from './answer-rules.ts';
import { codedTag, noneMatchNames, routesCondition, tagsOf } from './entity-tag.ts';

/** An answer whose head is not sent yet, whatever the framework. Names of headers in lower case. */
export interface Answer extends AnswerHead {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** What is behind the "?"; empty: nothing. */
  readonly query: string;
  requestHeader(name: string): string | undefined;
  setStatus(status: number): void;
  setHeader(name: string, value: string): void;
  removeHeader(name: string): void;
}

type EntityTags = Settings['compression']['entityTags'];

const codings = ['zstd', 'br', 'gzip', 'deflate', 'dcz'] as const;

/** Says in the head what the body has become. False: the client has it already, and the answer is a 304 now. */
export function describeCoded(
  answer: Answer,
  coding: SentCoding,
  byteLength: number | null,
  entityTags: EntityTags,
): boolean {
  answer.setHeader('content-encoding', coding);
  // What trailers follow goes in chunks, and says no length (RFC 9112, section 6.2).
  if (byteLength === null || answer.header('trailer') !== undefined) answer.removeHeader('content-length');
  else answer.setHeader('content-length', String(byteLength));
  // Ranges are of the coded bytes, which are made anew each time.
  answer.removeHeader('accept-ranges');
  const tag = answer.header('etag');
  if (typeof tag !== 'string') return true;
  const coded = codedTag(tag, coding, entityTags);
  answer.setHeader('etag', coded);
  // A route that compares tags as texts has not seen that the client has this one: the W/ is ours.
  const condition = answer.requestHeader('if-none-match');
  const isRead = answer.method === 'GET' || answer.method === 'HEAD';
  if (byteLength === null || coded === tag || condition === undefined || !isRead || answer.status !== 200) return true;
  if (!noneMatchNames(routesCondition(condition, false), tag)) return true;
  answer.setStatus(304);
  for (const name of ['content-encoding', 'content-length', 'content-type']) answer.removeHeader(name);
  return false;
}

/**
 * A 304 has the tag that the client has asked about (RFC 9110, section 15.4.5): the coded answer's, if it was that. A cache
 * renews what it keeps under a strong tag by no other (RFC 9111, section 4.3.4), so a weak one is told from it.
 */
export function describeUnchanged(answer: Answer, entityTags: EntityTags): void {
  const tag = answer.header('etag');
  const condition = answer.requestHeader('if-none-match');
  if (typeof tag !== 'string' || tag.startsWith('W/') || condition === undefined) return;
  const asked = tagsOf(condition);
  if (asked.includes(tag)) return;
  const coded = codings.map((coding) => codedTag(tag, coding, entityTags)).find((one) => asked.includes(one));
  if (coded !== undefined) answer.setHeader('etag', coded);
}

/** Makes the answer one that says nothing can be sent which the client takes; the text is its body. */
export function refuseUnacceptable(answer: Answer): string {
  const problem = problemOf('AP_NOT_ACCEPTABLE', 'The client excludes the answer as it is, and every coding of it.', {
    remedy: 'Accept one of zstd, br, gzip and deflate, or identity.',
  });
  answer.setStatus(problem.status);
  answer.setHeader('content-type', 'application/problem+json');
  for (const name of ['content-length', 'etag', 'last-modified']) answer.removeHeader(name);
  return JSON.stringify(problem);
}
