import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, EpochMs } from '../kernel/clock.ts';

/**
 * How the two ends of the link over HTTP know each other without ever sending the key.
 *
 *   header    = time "." nonce "." SHA-256(body) "." signature
 *   signature = HMAC-SHA256(key, "autopilot-link" method path time nonce SHA-256(body), joined by newlines)
 *   proof     = HMAC-SHA256(key, "autopilot-link-answer" nonce, joined by a newline), in the answer
 *
 * The header can be judged before the body is read. A request that was captured works neither later (30 s), nor again (the nonce),
 * nor with another body or path. The key also signs forwarded principals (access/signed-principal.ts); those texts hold no
 * newline, so neither can pass for the other. Whoever can read what passes is kept out by https alone.
 */
export const SIGNATURE_HEADER = 'x-autopilot-link';
export const PROOF_HEADER = 'x-autopilot-link-proof';

/** How long a request is good for, and how far two clocks may be apart. */
const LIFE_MS = 30_000;
const MAX_HEADER_LENGTH = 300;
/** A thousand agents send a thousand messages a second, and a nonce is remembered for a minute. */
const MAX_NONCES = 150_000;

/** A request that was signed. */
export interface SignedRequest {
  /** The value of SIGNATURE_HEADER. */
  readonly header: string;
  /** The value that PROOF_HEADER has in the answer of somebody who holds the key. */
  readonly proof: string;
}

export type RequestVerification =
  | { readonly state: 'accepted'; readonly bodyDigest: string; readonly proof: string }
  | { readonly state: 'refused'; readonly reason: string };

/** Signs one request; each needs its own. `path` as it stands in the request line. */
export function signRequest(method: string, path: string, body: string, key: string, now: EpochMs): SignedRequest {
  const nonce = randomBytes(12).toString('base64url');
  const digest = digestOf(body);
  const signature = hmac(key, textOf(method, path, String(now), nonce, digest)).toString('base64url');
  return { header: `${now}.${nonce}.${digest}.${signature}`, proof: proofOf(key, nonce) };
}

/** SHA-256 of a body, as it is signed. */
export function digestOf(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url');
}

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function sameText(a: string, b: string): boolean {
  return sameBytes(Buffer.from(a), Buffer.from(b));
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Checks signed requests; remembers nonces, so one verifier serves one control plane. */
export class RequestVerifier {
  readonly #keys: () => readonly string[];
  readonly #clock: Clock;
  /** Nonce to the monotonic time at which it may be forgotten, in order of arrival. */
  readonly #seen: Map<string, number> = new Map();

  /** Any of the keys is taken: two while rotating. */
  constructor(keys: () => readonly string[], clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** Judges the header alone; the caller compares `bodyDigest` with the body. */
  verify(method: string, path: string, header: string | null): RequestVerification {
    if (header === null) return refused(`it has no ${SIGNATURE_HEADER} header`);
    const [time = '', nonce = '', digest = '', signature = '', ...rest] = header.split('.');
    if (header.length > MAX_HEADER_LENGTH || signature === '' || rest.length > 0) {
      return refused('its signature has another form');
    }
    const keys = this.#keys();
    if (keys.length === 0) return refused('this control plane has no link key; set AUTOPILOT_LINK_KEY for both');
    const given = Buffer.from(signature, 'base64url');
    const text = textOf(method, path, time, nonce, digest);
    // All are tried, so that the time does not tell which one fits.
    const [key] = keys.filter((candidate) => sameBytes(given, hmac(candidate, text)));
    if (key === undefined) {
      return refused('it is signed with another link key; compare AUTOPILOT_LINK_KEY of both');
    }
    const aheadMs = Number(time) - this.#clock.now();
    if (!(Math.abs(aheadMs) <= LIFE_MS)) {
      const apart = `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
      return refused(`it was signed ${apart} this machine's clock, 30 s are the most; set the clocks of both`);
    }
    const atMs = this.#clock.monotonicMs();
    for (const [old, untilMs] of this.#seen) {
      if (untilMs > atMs) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(nonce)) return refused('it came before');
    if (this.#seen.size >= MAX_NONCES) return refused('too many messages come at once');
    this.#seen.set(nonce, atMs + 2 * LIFE_MS);
    return { state: 'accepted', bodyDigest: digest, proof: proofOf(key, nonce) };
  }
}

function refused(reason: string): RequestVerification {
  return { state: 'refused', reason };
}

function textOf(...parts: readonly string[]): string {
  return ['autopilot-link', ...parts].join('\n');
}

function proofOf(key: string, nonce: string): string {
  return hmac(key, `autopilot-link-answer\n${nonce}`).toString('base64url');
}

function hmac(key: string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
