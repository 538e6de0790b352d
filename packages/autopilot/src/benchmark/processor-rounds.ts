import { createHash } from 'node:crypto';
import { BodyCache } from '../compress/body-cache.ts';
import { type CodingLevel, codingLevels } from '../compress/coding-level.ts';
import { availableCodings, Encoders } from '../compress/encoders.ts';
import { taskList } from './task-list.ts';

/** One round of a measure that the processor alone decides: so many units a second. */
export type ProcessorRound = (roundMs: number) => number | Promise<number>;

const BYTES_PER_MB = 1_000_000;

/** The measures of runtime, compression and cache, by "part/measure"; null: this runtime can't. */
export function processorRounds(): ReadonlyMap<string, ProcessorRound | null> {
  const small = Buffer.from(taskList(2_000));
  const medium = Buffer.from(taskList(20_000));
  const largeText = taskList(200_000);
  const large = Buffer.from(largeText);
  const block = Buffer.alloc(BYTES_PER_MB, 'autopilot');
  const hits = cacheHits(medium);
  const turnover = cacheTurnover(small);
  const encoders = new Encoders();
  const codings = availableCodings();
  const coded = (name: string, body: Buffer, units: number): ProcessorRound | null => {
    const level = codingLevels.find((one) => one.name === name);
    if (level === undefined || !codings.has(level.coding)) return null;
    return (roundMs) => perSecond(roundMs, units, () => encode(encoders, level, body));
  };
  return new Map<string, ProcessorRound | null>([
    [
      'runtime/json',
      (roundMs) => perSecond(roundMs, large.length / BYTES_PER_MB, () => JSON.stringify(JSON.parse(largeText)).length),
    ],
    ['runtime/sha256', (roundMs) => perSecond(roundMs, 1, () => createHash('sha256').update(block).digest()[0] ?? 0)],
    ['runtime/sort', (roundMs) => perSecond(roundMs, RECORDS, sortRecords)],
    ['runtime/objects', (roundMs) => perSecond(roundMs, OBJECTS, makeObjects)],
    ['runtime/turns', loopTurns],
    ['compression/zstd-small', coded('zstd:1', small, 1)],
    ['compression/zstd', coded('zstd:3', medium, medium.length / BYTES_PER_MB)],
    ['compression/gzip', coded('gzip:6', large, large.length / BYTES_PER_MB)],
    ['cache/hits', (roundMs) => perSecond(roundMs, 1, hits)],
    ['cache/turnover', (roundMs) => perSecond(roundMs, 1, turnover)],
    ['compression/brotli', coded('br:4', large, large.length / BYTES_PER_MB)],
  ]);
}

function encode(encoders: Encoders, level: CodingLevel, body: Buffer): number {
  return encoders.encodeSync(level, body).length;
}

/** Results are kept here, or the compiler could find that nobody wants them. */
let kept = 0;

function perSecond(roundMs: number, units: number, work: () => number): number {
  const from = performance.now();
  let times = 0;
  let now = from;
  do {
    kept += work();
    times++;
    now = performance.now();
  } while (now - from < roundMs);
  return (1000 * times * units) / (now - from) + (kept === -1 ? 1 : 0);
}

/** Answers that a cache knows at once. */
const KNOWN_BODIES = 32;
/** Those that come where only a third has room. */
const MANY_BODIES = 600;
/** A coded body is about so much shorter. */
const CODED_SHARE = 5;

/** Finds answers that are all kept. */
function cacheHits(body: Buffer): () => number {
  const { cache, bodies, find } = filledCache(body, KNOWN_BODIES, Number.MAX_SAFE_INTEGER);
  // One is kept when it comes for the second time.
  for (let at = 0; at < 2 * bodies; at++) find(at % bodies);
  let next = 0;
  return () => {
    find(next++ % bodies);
    return cache.byteLength;
  };
}

/** Looks up answers of which some come often and most seldom, and keeps those that have room. */
function cacheTurnover(body: Buffer): () => number {
  const maxBytes = (MANY_BODIES / 3) * body.length * (1 + 1 / CODED_SHARE);
  const { cache, bodies, find } = filledCache(body, MANY_BODIES, maxBytes);
  let state = 42;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return () => {
    find(Math.floor(bodies * draw() * draw()));
    return cache.byteLength;
  };
}

function filledCache(
  body: Buffer,
  bodies: number,
  maxBytes: number,
): { readonly cache: BodyCache; readonly bodies: number; readonly find: (at: number) => void } {
  const [level] = codingLevels;
  if (level === undefined) throw new Error('There is no coding level.');
  const cache = new BodyCache();
  // The same text beginning elsewhere: as long, and different throughout.
  const all = Array.from({ length: bodies }, (_, at) => Buffer.concat([body.subarray(at), body.subarray(0, at)]));
  const coded = body.subarray(0, body.length / CODED_SHARE);
  return {
    cache,
    bodies,
    find: (at) => {
      const one = all[at];
      if (one !== undefined && cache.find(level, one) === null) cache.offer(level, one, coded, maxBytes);
    },
  };
}

const RECORDS = 5_000;

function sortRecords(): number {
  // The same disorder each time: a linear congruential generator (Numerical Recipes).
  let state = 42;
  const records = Array.from({ length: RECORDS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return { name: `task ${state % 997}`, due: state % 365 };
  });
  records.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.due - b.due));
  return records[0]?.due ?? 0;
}

const OBJECTS = 10_000;

function makeObjects(): number {
  const byId = new Map<number, { readonly id: number; readonly tags: readonly number[]; readonly done: boolean }>();
  // Most die young, a tenth lives until the next ones come: what a service does with its requests.
  for (let id = 0; id < OBJECTS; id++) byId.set(id % (OBJECTS / 10), { id, tags: [id, id + 1], done: id % 2 === 0 });
  return byId.size;
}

async function loopTurns(roundMs: number): Promise<number> {
  const from = performance.now();
  let turns = 0;
  await new Promise<void>((resolve) => {
    const turn = (): void => {
      turns++;
      if (performance.now() - from < roundMs) setImmediate(turn);
      else resolve();
    };
    setImmediate(turn);
  });
  return (1000 * turns) / (performance.now() - from);
}
