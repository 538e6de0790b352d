import { readAcceptEncoding } from '../../packages/autopilot/src/compress/accepted-codings.ts';

/** What came of headers that were made up. */
export interface AcceptEncodingFuzz {
  readonly headers: number;
  /** Of these, where a coding was allowed. */
  readonly coded: number;
  /** Headers that were read as they do not say, the first few of them. */
  readonly wrong: readonly string[];
  readonly slowestUs: number;
}

const names = ['gzip', 'GZip', 'x-gzip', 'br', 'zstd', 'deflate', 'dcz', 'identity', '*', 'compress', 'gzıp', ''];
const weights = [
  '',
  ';q=0',
  ';q=1',
  ';q=0.5',
  ';q=0.001',
  ';q=0.000',
  ';Q=1.000',
  '; q = 0.7',
  ';q',
  ';q=-1',
  ';q=2',
  ';level=9',
];
const codings = ['zstd', 'br', 'gzip', 'deflate'] as const;

/** Reads so many headers, of names and weights put together, changed at random, or nothing but noise; `random` makes 0 to 1. */
export function fuzzAcceptEncoding(headers: number, random: () => number): AcceptEncodingFuzz {
  const wrong: string[] = [];
  let coded = 0;
  let slowestMs = 0;
  for (let i = 0; i < headers; i++) {
    const header = makeHeader(random);
    const { best, identity, dictionary } = readAcceptEncoding(header);
    // What takes long again was not merely interrupted.
    if (timeMs(header) > slowestMs) slowestMs = Math.max(slowestMs, Math.min(timeMs(header), timeMs(header)));
    if (best.length > 0) coded++;
    const allowed = (coding: string): number => weightIn(header, coding);
    const highest = Math.max(...codings.map(allowed));
    const right =
      best.every((coding) => allowed(coding) > 0 && allowed(coding) === highest) &&
      (best.length === 0 || codings.every((coding) => best.includes(coding) || allowed(coding) < highest)) &&
      (!dictionary || namedWeight(header, 'dcz') === Math.max(highest, namedWeight(header, 'dcz') ?? 0)) &&
      identity === (namedWeight(header, 'identity') ?? namedWeight(header, '*') ?? 1) > 0;
    if (!right && wrong.length < 10) wrong.push(header);
  }
  return { headers, coded, wrong, slowestUs: Math.round(slowestMs * 1_000) };
}

function timeMs(header: string): number {
  const startedAtMs = performance.now();
  readAcceptEncoding(header);
  return performance.now() - startedAtMs;
}

function makeHeader(random: () => number): string {
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  const members = Array.from({ length: Math.floor(random() * 8) }, () => `${pick(names)}${pick(weights)}`);
  const header = members.join(pick([',', ', ', ' ,\t', ',,']));
  const kind = random();
  if (kind < 0.6) return header;
  const noise = (): string => String.fromCharCode(Math.floor(random() * (random() < 0.9 ? 127 : 65_535)));
  if (kind < 0.9) {
    const at = Math.floor(random() * (header.length + 1));
    return header.slice(0, at) + noise() + header.slice(at + Math.floor(random() * 3));
  }
  return Array.from({ length: Math.floor(random() * 300) }, noise).join('');
}

/** By another way than ours, a regular expression over the whole: what the header says of this coding, or of `*`. */
function weightIn(header: string, coding: string): number {
  return namedWeight(header, coding) ?? namedWeight(header, '*') ?? 0;
}

/** The greatest weight of a name; null: it is not named. */
function namedWeight(header: string, name: string): number | null {
  const quoted = name === '*' ? '\\*' : name === 'gzip' ? '(?:x-)?gzip' : name;
  let weight: number | null = null;
  for (const [, parameters = ''] of header
    .toLowerCase()
    .matchAll(new RegExp(`(?:^|,)\\s*${quoted}\\s*((?:;[^,]*)?)(?=,|$)`, 'g'))) {
    const q = /;\s*q\s*=\s*([^;]*?)\s*(?:;|$)/.exec(parameters)?.[1];
    const said = q === undefined ? 1 : /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(q) ? Number(q) : 0;
    weight = Math.max(weight ?? 0, said);
  }
  return weight;
}
