import type { IncomingMessage } from 'node:http';

/** Change nothing (RFC 9110, section 9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a page of another site may have made this state-changing call: a browser sends cookies along whoever asks,
 * and says who asked (Fetch Metadata; Origin from older ones). What says nothing is no page of this site.
 * Compared with the Host header, which a page of another site can not choose.
 */
export function isCrossSite({ method = 'GET', headers }: IncomingMessage): boolean {
  const { 'sec-fetch-site': site, origin, host } = headers;
  if (SAFE.has(method) || site === 'same-origin') return false;
  return site !== undefined || origin === undefined || URL.parse(origin)?.host !== host;
}
