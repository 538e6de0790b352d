import { createHash } from 'node:crypto';
import { type CodingLevel, codingLevels } from '../compress/coding-level.ts';
import { availableCodings, Encoders } from '../compress/encoders.ts';
import { taskList } from './task-list.ts';

/** One round of a measure that the processor alone decides: so many units a second. */
export type ProcessorRound = (roundMs: number) => number | Promise<number>;

const BYTES_PER_MB = 1_000_000;

/** The measures of runtime and compression, by "part/measure"; null: this runtime can't. */
export function processorRounds(): ReadonlyMap<string, ProcessorRound | null> {
  const small = Buffer.from(taskList(2_000));
  const medium = Buffer.from(taskList(20_000));
  const largeText = taskList(200_000);
  const large = Buffer.from(largeText);
  const block = Buffer.alloc(BYTES_PER_MB, 'autopilot');
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
