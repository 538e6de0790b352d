import type { EpochMs } from '../kernel/clock.ts';

/** Who measured: one process of one release of one service. */
export interface Origin {
  readonly service: string;
  readonly instance: string;
  readonly release: string;
}

/** Tells the processes of one service apart, each release by itself: for maps and for a lasting order, not for people. */
export function processKey({ instance, release }: Omit<Origin, 'service'>): string {
  return `${instance}\u0000${release}`;
}

/**
 * What a series is about. Cardinality is bounded family by family; there is no product of families but the
 * bounded top-K pairs of `route-statement`.
 */
export type Family =
  | 'route'
  | 'tenant'
  | 'statement'
  | 'route-statement'
  | 'pool'
  | 'runtime'
  | 'job'
  | 'compression'
  | 'test';

/** Names one series of an instance. */
export interface SeriesKey {
  readonly family: Family;
  /**
   * `route`: method and pattern, "GET /tasks/:id"; `tenant`: its id; `statement` and `route-statement`: the
   * statement's id; `pool`: its name; `runtime`: "process"; `job`: its kind;
   * `test`: as `route`, of requests of load tests that are kept apart; `compression`: what became of answers and their route, "zstd:1 GET /tasks" or "too-small GET /tasks/:id".
   */
  readonly key: string;
  /** The database a statement or a pool belongs to; null in every other family. */
  readonly database: string | null;
  /** The route of a `route-statement` pair; null in every other family. */
  readonly route: string | null;
}

/** Takes what came after a family was full; counted, shown, never silent. */
export const OVERFLOW_KEY = '(other)';
/** Requests that matched no route: they collapse into one, however many addresses were tried. */
export const UNMATCHED_ROUTE = '(unmatched)';
/** The only key of the family `runtime`. */
export const PROCESS_KEY = 'process';

/** Samples of a level within a window; merges across windows and instances. */
export interface GaugeCell {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** A counter's increase within the window, a gauge's samples, or an encoded ExponentialHistogram. */
export type Cell = number | GaugeCell | Uint8Array;

/** One series within one window. Cells by the names of the metric table; an absent cell is zero or empty. */
export interface SeriesWindow extends SeriesKey {
  readonly cells: Readonly<Record<string, Cell>>;
}

/** What one instance measured between `start` and `start + durationMs`. */
export interface Window {
  readonly start: EpochMs;
  readonly durationMs: number;
  readonly series: readonly SeriesWindow[];
  /** Observations that went into OVERFLOW_KEY (or, for pairs, were left out) because their family was full. */
  readonly overflow: Readonly<Partial<Record<Family, number>>>;
}

/** A statement's text, sent once; literals are replaced before it leaves the application. */
export interface StatementText {
  readonly id: string;
  readonly database: string;
  readonly text: string;
}
