/** A content coding of RFC 9110, section 8.4.1, that this library can make. */
export type ContentCoding = 'zstd' | 'br' | 'gzip';

/** The codings that can be made, best first: where a client likes two alike, the first is taken. */
const contentCodings: readonly ContentCoding[] = ['zstd', 'br', 'gzip'];

const MAX_HEADER_LENGTH = 512;
const MAX_REMEMBERED = 64;

/** Clients send one of a few texts; reading one takes longer than sending the answer's head. */
const remembered = new Map<string, ContentCoding | null>();

/**
 * The coding to answer with by the request's `Accept-Encoding` (RFC 9110, section 12.5.3); null: none, the answer goes
 * as it is. That is also the answer to a client that takes nothing at all ("identity;q=0"): it may be refused with
 * 415, but a readable answer serves everybody better.
 */
export function acceptedCoding(header: string | undefined): ContentCoding | null {
  // Absent means anything goes, but who says nothing mostly can read nothing.
  if (header === undefined || header === '' || header.length > MAX_HEADER_LENGTH) return null;
  const known = remembered.get(header);
  if (known !== undefined) return known;
  const coding = choose(header);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(header, coding);
  return coding;
}

function choose(header: string): ContentCoding | null {
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';');
    const coding = name.trim().toLowerCase();
    if (coding === '') continue;
    const weight = weightOf(parameters);
    // "x-gzip" is an old name for gzip (section 8.4.1.3). A coding that is named twice has the greater weight.
    const key = coding === 'x-gzip' ? 'gzip' : coding;
    weights.set(key, Math.max(weights.get(key) ?? 0, weight));
  }
  const others = weights.get('*') ?? 0;
  // Not named it is acceptable, but never preferred to a coding that is.
  const identity = weights.get('identity') ?? 0;
  let best: ContentCoding | null = null;
  let bestWeight = 0;
  for (const coding of contentCodings) {
    const weight = weights.get(coding) ?? others;
    if (weight > bestWeight && weight >= identity) {
      best = coding;
      bestWeight = weight;
    }
  }
  return best;
}

/** 0 to 1; what can't be read counts as 0, so that nobody is sent what they may not read. */
function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name.trim().toLowerCase() !== 'q') continue;
    const text = value.trim();
    return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 0;
  }
  return 1;
}
