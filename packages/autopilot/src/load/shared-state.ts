import { performance } from 'node:perf_hooks';

/**
 * What all threads of a run see of each other, in shared memory: each worker's counters, the target's vitals, and the word
 * that stops the run. Any worker can judge the whole run by it, so that an abort waits for no event loop but its own.
 */

/** Why a run ended before its time. */
export type StopReason =
  | 'requested'
  | 'error-ratio'
  | 'latency'
  | 'rate-unreachable'
  | 'event-loop-delay'
  | 'cpu'
  | 'memory'
  | 'database-connections'
  | 'vitals-missing'
  | 'preparation'
  | 'worker-failed';

const REASONS: readonly StopReason[] = [
  'requested',
  'error-ratio',
  'latency',
  'rate-unreachable',
  'event-loop-delay',
  'cpu',
  'memory',
  'database-connections',
  'vitals-missing',
  'preparation',
  'worker-failed',
];

/** What a worker publishes; the counters only grow. */
const FIELDS = [
  'started',
  'done',
  'failed',
  'timedOut',
  'unfinished',
  'iterations',
  'dropped',
  'slowP95',
  'slowP99',
  'underWay',
  'underWaySlowP95',
  'underWaySlowP99',
  'waiting',
  'longestWaitMs',
  'users',
  'lastSentMs',
] as const;

export type SharedField = (typeof FIELDS)[number];

/** Fields that are a level, not a count: of all workers the greatest one counts. */
const GREATEST: ReadonlySet<SharedField> = new Set(['longestWaitMs', 'lastSentMs']);

/** One reading of every field. */
export type Reading = Readonly<Record<SharedField, number>>;

/** What the target says of itself. */
export interface TargetVitals {
  /** Longest delay of the event loop lately, in ms. */
  readonly eventLoopDelayMs?: number;
  /** Cores kept busy. */
  readonly cpuCores?: number;
  readonly rssBytes?: number;
  readonly databaseConnections?: number;
}

const VITALS = ['eventLoopDelayMs', 'cpuCores', 'rssBytes', 'databaseConnections'] as const;

const STOP = 0;
const CONTROL_WORDS = 2;

export class SharedState {
  readonly buffer: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #numbers: Float64Array;
  readonly #workers: number;

  /** Without a buffer a new one is made. */
  constructor(workers: number, buffer?: SharedArrayBuffer) {
    const numbers = 1 + VITALS.length + workers * FIELDS.length;
    this.buffer = buffer ?? new SharedArrayBuffer(CONTROL_WORDS * 4 + numbers * 8);
    this.#control = new Int32Array(this.buffer, 0, CONTROL_WORDS);
    this.#numbers = new Float64Array(this.buffer, CONTROL_WORDS * 4, numbers);
    this.#workers = workers;
    if (buffer === undefined) this.#numbers.fill(Number.NaN, 0, 1 + VITALS.length);
  }

  /** Stops the run; true for the first that does. */
  stop(reason: StopReason): boolean {
    return Atomics.compareExchange(this.#control, STOP, 0, REASONS.indexOf(reason) + 1) === 0;
  }

  get stopped(): boolean {
    return this.#control[STOP] !== 0;
  }

  get stopReason(): StopReason | undefined {
    return REASONS[Atomics.load(this.#control, STOP) - 1];
  }

  publish(worker: number, reading: Reading): void {
    const base = 1 + VITALS.length + worker * FIELDS.length;
    FIELDS.forEach((field, at) => {
      this.#numbers[base + at] = reading[field];
    });
  }

  /** All workers together. */
  read(): Reading {
    const reading = Object.fromEntries(FIELDS.map((field) => [field, 0])) as Record<SharedField, number>; // has every field
    for (let worker = 0; worker < this.#workers; worker++) {
      const base = 1 + VITALS.length + worker * FIELDS.length;
      FIELDS.forEach((field, at) => {
        const value = this.#numbers[base + at] ?? 0;
        reading[field] = GREATEST.has(field) ? Math.max(reading[field], value) : reading[field] + value;
      });
    }
    return reading;
  }

  /** `atMs` by the machine's clock, see machineMs(). */
  setVitals(vitals: TargetVitals, atMs: number): void {
    VITALS.forEach((name, at) => {
      this.#numbers[1 + at] = vitals[name] ?? Number.NaN;
    });
    this.#numbers[0] = atMs;
  }

  /** The last vitals and when they came; NaN: never. */
  vitals(): { readonly atMs: number; readonly values: TargetVitals } {
    const values: Record<string, number> = {};
    VITALS.forEach((name, at) => {
      const value = this.#numbers[1 + at] ?? Number.NaN;
      if (!Number.isNaN(value)) values[name] = value;
    });
    return { atMs: this.#numbers[0] ?? Number.NaN, values };
  }
}

/**
 * The machine's monotonic clock in ms, the same in every thread and process. performance.now() counts from the start of its
 * own thread; the distance between the two does not change.
 */
export function machineClock(): () => number {
  const distance = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return () => performance.now() + distance;
}
