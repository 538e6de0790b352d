import type { ContentCoding } from '../contract/compression.ts';

/** What a client's `Accept-Encoding` says, as far as it matters here. */
export interface AcceptedCodings {
  /** The codings that it likes most, all alike, in our order; empty: none, or it prefers the answer as it is. */
  readonly best: readonly ContentCoding[];
  /** Whether it takes `dcz` and likes it no less than those. */
  readonly dictionary: boolean;
  /** It takes the answer as it is (RFC 9110, section 12.5.3). */
  readonly identity: boolean;
}

/** The codings that a client may ask for, best first: where it likes two alike, the first is taken unless it does not pay. */
const ours: readonly ContentCoding[] = ['zstd', 'br', 'gzip', 'deflate'];

/** Absent means anything goes, but who says nothing mostly can read nothing; empty means nothing but the answer as it is. */
const nothing: AcceptedCodings = { best: [], dictionary: false, identity: true };

/** Longer than any client's: what comes after is not read. Bounds the time that reading takes. */
const MAX_HEADER_LENGTH = 2_048;

/** Texts remembered in each of two generations. */
const MAX_REMEMBERED = 128;
/** Longer ones are no browser's, and are read each time: what is remembered has a bound in bytes too. */
const MAX_REMEMBERED_LENGTH = 256;

/**
 * Reads `Accept-Encoding`. Clients send one of a few texts, and reading one takes longer than sending the answer's head:
 * they are remembered in two generations. When the young one is full it becomes the old one, whose texts are forgotten
 * unless they came again; so one who sends a thousand odd texts drives out none that is in use.
 */
export class CodingReader {
  #young = new Map<string, AcceptedCodings>();
  #old = new Map<string, AcceptedCodings>();

  /** Texts remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  read(header: string | undefined): AcceptedCodings {
    if (header === undefined || header === '') return nothing;
    const known = this.#young.get(header);
    if (known !== undefined) return known;
    const accepted = this.#old.get(header) ?? readAcceptEncoding(header);
    if (header.length > MAX_REMEMBERED_LENGTH) return accepted;
    if (this.#young.size >= MAX_REMEMBERED) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(header, accepted);
    return accepted;
  }
}

/**
 * RFC 9110, sections 12.4.2, 12.4.3 and 12.5.3. A member that can't be read (`gzip;q=2`) counts as refused: nobody is
 * sent what they may not be able to read. Parameters other than q are passed over. A coding named twice has the greater
 * weight, for the header does not say which of the two was meant.
 */
export function readAcceptEncoding(header: string): AcceptedCodings {
  const weights = new Map<string, number>();
  for (const part of header.slice(0, MAX_HEADER_LENGTH).split(',')) {
    const [name = '', ...parameters] = part.split(';');
    const coding = name.trim().toLowerCase();
    if (coding === '') continue;
    // "x-gzip" is the same as "gzip" (section 8.4.1.3).
    const key = coding === 'x-gzip' ? 'gzip' : coding;
    weights.set(key, Math.max(weights.get(key) ?? 0, weightOf(parameters)));
  }
  const others = weights.get('*');
  // Unless named it is acceptable (rule 2), but never preferred to a coding that is.
  const identity = weights.get('identity');
  const accepted = ours.map((coding) => ({ coding, weight: weights.get(coding) ?? others ?? 0 }));
  const highest = Math.max(0, ...accepted.map(({ weight }) => weight));
  const preferred = highest > 0 && highest >= (identity ?? 0);
  const best = preferred ? accepted.filter(({ weight }) => weight === highest).map(({ coding }) => coding) : [];
  const dictionaryWeight = weights.get('dcz') ?? 0;
  return {
    best,
    dictionary: dictionaryWeight > 0 && dictionaryWeight >= Math.max(highest, identity ?? 0),
    identity: (identity ?? others ?? 1) > 0,
  };
}

/** From 0 to 1 in thousandths (section 12.4.2); what can't be read is 0. */
function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const at = parameter.indexOf('=');
    if (at < 0 || parameter.slice(0, at).trim().toLowerCase() !== 'q') continue;
    const text = parameter.slice(at + 1).trim();
    return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 0;
  }
  return 1;
}
