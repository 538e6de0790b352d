import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { AutopilotError } from '../kernel/errors.ts';
import type { KeysetValue, Toward } from './keyset.ts';

/**
 * A cursor: version (1 byte), direction (1), binding (8), sort values as a JSON array of texts and nulls, tag (16); base64url.
 * The binding is a hash of the order and the filter that the cursor was made for; the tag is HMAC-SHA-256 over all
 * before it, cut to 128 bits (RFC 2104, section 5, allows half the output). It is signed, not encrypted: the values are
 * those of a row that its holder was shown.
 */
const version = 1;
const bindingBytes = 8;
const tagBytes = 16;
const headBytes = 2 + bindingBytes;
/** Two long sort texts fit; what is longer was never made here. */
const maxCursorLength = 4096;

export interface CursorPosition {
  readonly toward: Toward;
  /** One text for each column of the order; timestamps with microseconds, which a Date would lose. */
  readonly values: readonly KeysetValue[];
}

/** Text that is equal for equal values whatever the order of their object keys; `undefined` members do not count. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** What a cursor is bound to; `subject` is any JSON value. */
export function bindingOf(subject: unknown): Uint8Array {
  return createHash('sha256').update(canonical(subject)).digest().subarray(0, bindingBytes);
}

function tagOf(key: Uint8Array, payload: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(payload).digest().subarray(0, tagBytes);
}

export function encodeCursor(key: Uint8Array, binding: Uint8Array, position: CursorPosition): string {
  const head = Uint8Array.of(version, position.toward === 'next' ? 0 : 1, ...binding);
  const payload = Buffer.concat([head, Buffer.from(JSON.stringify(position.values), 'utf8')]);
  return Buffer.concat([payload, tagOf(key, payload)]).toString('base64url');
}

function invalid(what: string): AutopilotError {
  return new AutopilotError('AP_PAGE_CURSOR_INVALID', `The page cursor ${what}.`, {
    remedy: 'Ask for the first page again, without a cursor, and follow the links of its answer.',
  });
}

/** @throws AutopilotError AP_PAGE_CURSOR_INVALID when it was not signed with this key or belongs to another list. */
export function decodeCursor(key: Uint8Array, binding: Uint8Array, cursor: string): CursorPosition {
  if (cursor.length > maxCursorLength) throw invalid(`has ${cursor.length} characters; none made here is that long`);
  const bytes = Buffer.from(cursor, 'base64url');
  // Decoding skips what is not base64url; one page has one cursor.
  if (bytes.toString('base64url') !== cursor) throw invalid('is not base64url, as all that are made here are');
  if (bytes.length <= headBytes + tagBytes) throw invalid('is too short to be one made here');
  const payload = bytes.subarray(0, -tagBytes);
  if (!timingSafeEqual(bytes.subarray(-tagBytes), tagOf(key, payload))) {
    throw invalid('does not carry the signature of this service: it was changed, or made with another key');
  }
  if (payload[0] !== version) throw invalid(`is of version ${payload[0]}; this release reads version ${version}`);
  if (!payload.subarray(2, headBytes).equals(binding)) {
    throw invalid('was made for another list, sort or filter');
  }
  // The signature vouches that encodeCursor() wrote this.
  const values = JSON.parse(payload.subarray(headBytes).toString('utf8')) as readonly KeysetValue[];
  return { toward: payload[1] === 0 ? 'next' : 'previous', values };
}
