import type { BenchmarkMeasure, BenchmarkPartId, BenchmarkSuitePart } from '../contract/benchmarks.ts';

/** A figure of the suite before it is measured. */
export type MeasureDefinition = Pick<BenchmarkMeasure, 'id' | 'description' | 'unit' | 'better' | 'reference'>;

/** A part of the suite. */
export interface SuitePart {
  readonly id: BenchmarkPartId;
  /** Its share in the score when every part is there. */
  readonly weight: number;
  readonly measures: readonly MeasureDefinition[];
}

/**
 * Counts up with every change of what is measured, of weights or of references: results of different versions are not
 * compared.
 */
export const SUITE_VERSION = 2;
/** Rounds of every measure; those of one part take turns, so that a disturbance meets all of them alike. */
export const ROUNDS = 7;
/** How long a round of a measure lasts. */
export const ROUND_MS = 100;
/** Users that ask the API at once, without a pause. */
export const API_USERS = 8;
/** Connections that ask the database at once. */
export const DATABASE_CONNECTIONS = 4;

const higher = (id: string, description: string, unit: string, reference: number): MeasureDefinition => ({
  id,
  description,
  unit,
  better: 'higher',
  reference,
});
const lower = (id: string, description: string, reference: number): MeasureDefinition => ({
  id,
  description,
  unit: 'ms',
  better: 'lower',
  reference,
});

/** References are round figures of a virtual machine with two cores of 2026: 100 is that machine. */
export const suite: readonly SuitePart[] = [
  {
    id: 'runtime',
    weight: 0.2,
    measures: [
      higher('json', 'JSON of a task list of 200 KB parsed and written', 'MB/s', 120),
      higher('sha256', 'SHA-256 of 1 MB', 'MB/s', 1_000),
      higher('sort', 'Records sorted by text and number, 5,000 at a time', 'records/s', 1_500_000),
      higher('objects', 'Objects made, kept in a map for a while and collected', 'objects/s', 40_000_000),
      higher('turns', 'Turns of an idle event loop', 'turns/s', 500_000),
    ],
  },
  {
    id: 'compression',
    weight: 0.15,
    measures: [
      higher('zstd-small', 'Answers of 2 KB by zstd at level 1', 'answers/s', 100_000),
      higher('zstd', 'Answers of 20 KB by zstd at level 3', 'MB/s', 300),
      higher('gzip', 'Answers of 200 KB by gzip at level 6', 'MB/s', 30),
      higher('brotli', 'Answers of 200 KB by brotli at level 4', 'MB/s', 60),
    ],
  },
  {
    id: 'database',
    weight: 0.3,
    measures: [
      lower('round-trip', 'The shortest statement over one connection, median', 0.05),
      higher('calls', `The shortest statement over ${DATABASE_CONNECTIONS} connections`, 'calls/s', 15_000),
      lower('aggregate', 'A sum over 100,000 generated rows', 20),
      lower('sort', '20,000 generated texts sorted', 25),
      lower('commit', "A small write made durable, in the autopilot's own database", 3),
    ],
  },
  {
    id: 'api',
    weight: 0.3,
    measures: [
      higher(
        'requests',
        `Requests of ${API_USERS} users without a pause, at the path of benchmark.path`,
        'requests/s',
        10_000,
      ),
      lower('p95', `Response time that 95 % of them stay under`, 1.5),
    ],
  },
  {
    id: 'cache',
    weight: 0.05,
    measures: [
      higher('hits', 'Coded answers of 20 KB found again in the cache of the compression layer', 'answers/s', 800_000),
      higher(
        'turnover',
        'Answers of 2 KB looked up and kept in a cache that holds a third of them',
        'answers/s',
        400_000,
      ),
    ],
  },
];

/** The suite as the API shows it. */
export const suiteParts: readonly BenchmarkSuitePart[] = suite.map(({ id, weight, measures }) => ({
  id,
  weight,
  measures: measures.map(({ description }) => description),
}));
