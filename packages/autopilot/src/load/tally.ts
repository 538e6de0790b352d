import { ExponentialHistogram } from '../kernel/histogram.ts';

/** How a request ended. `unfinished`: cut off because the run was stopped. */
export type Outcome = 'done' | 'failed' | 'timedOut' | 'unfinished';

/** Which part of a run a request belongs to: a whole second of the load, or one of these. */
export const PREPARE_WINDOW = -1e9;
/** Requests that were due after the load's end: what iterations still had to do, and `finish`. */
export const AFTER_WINDOW = 1e9;

/** One step in one second. */
export interface CellDelta {
  /** Index into the plan's step names. */
  readonly row: number;
  readonly done: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly unfinished: number;
  readonly bytesReceived: number;
  /** Encoded histograms in ms. Responses that failed are in neither. */
  readonly response: Uint8Array;
  readonly service: Uint8Array;
  readonly errors: readonly (readonly [kind: string, count: number])[];
}

/** What was counted since the last time, for one second of the run. */
export interface WindowDelta {
  /** Seconds after the end of the warm-up (negative: in it), PREPARE_WINDOW or AFTER_WINDOW. */
  readonly window: number;
  /** Iterations that were due (open model) or begun (closed model). */
  readonly iterations: number;
  /** Iterations that were due and never begun. */
  readonly dropped: number;
  /** How long the dropped had waited when they were given up, in ms: encoded. */
  readonly droppedWait: Uint8Array;
  readonly cells: readonly CellDelta[];
}

interface Cell {
  done: number;
  failed: number;
  timedOut: number;
  unfinished: number;
  bytesReceived: number;
  readonly response: ExponentialHistogram;
  readonly service: ExponentialHistogram;
  readonly errors: Map<string, number>;
}

interface WindowCells {
  iterations: number;
  dropped: number;
  readonly droppedWait: ExponentialHistogram;
  readonly cells: Cell[];
}

/** Kinds of failure told apart within a second of a step; more are counted as OTHER_ERRORS. */
const MAX_ERROR_KINDS = 50;
/** The kind that takes what came after MAX_ERROR_KINDS others. */
export const OTHER_ERRORS = '(other)';

/**
 * Counts what one worker did, by the second each request was due in and by step. By due time, so that a second of a stall
 * shows the requests that belong to it, and so that warm-up and measurement part exactly. Drained once a second, it holds a
 * few KB whatever the run's length.
 */
export class Tally {
  #windows: Map<number, WindowCells> = new Map();
  #lastWindow: number = Number.NaN;
  #last: WindowCells | undefined;

  iteration(window: number): void {
    this.#at(window).iterations++;
  }

  dropped(window: number, waitedMs: number): void {
    const cells = this.#at(window);
    cells.dropped++;
    cells.droppedWait.record(waitedMs);
  }

  request(
    window: number,
    row: number,
    outcome: Outcome,
    responseMs: number,
    serviceMs: number,
    bytesReceived: number,
    kind: string,
  ): void {
    const { cells } = this.#at(window);
    const cell = (cells[row] ??= newCell());
    cell[outcome]++;
    cell.bytesReceived += bytesReceived;
    if (outcome !== 'failed') {
      // Of one that timed out or was cut off this is a lower bound: leaving it out would hide the slowest.
      cell.response.record(responseMs);
      cell.service.record(serviceMs);
    } else {
      const { errors } = cell;
      const counted = errors.has(kind) || errors.size < MAX_ERROR_KINDS ? kind : OTHER_ERRORS;
      errors.set(counted, (errors.get(counted) ?? 0) + 1);
    }
  }

  /** Everything counted since the last call. */
  drain(): WindowDelta[] {
    const drained = [...this.#windows].map(([window, { iterations, dropped, droppedWait, cells }]) => ({
      window,
      iterations,
      dropped,
      droppedWait: droppedWait.encode(),
      // flatMap passes over the holes of steps that had nothing to count.
      cells: cells.flatMap((cell, row) => [
        { ...cell, row, response: cell.response.encode(), service: cell.service.encode(), errors: [...cell.errors] },
      ]),
    }));
    this.#windows = new Map();
    this.#lastWindow = Number.NaN;
    return drained;
  }

  #at(window: number): WindowCells {
    if (window === this.#lastWindow && this.#last !== undefined) return this.#last;
    let cells = this.#windows.get(window);
    if (cells === undefined) {
      cells = { iterations: 0, dropped: 0, droppedWait: new ExponentialHistogram(), cells: [] };
      this.#windows.set(window, cells);
    }
    this.#lastWindow = window;
    this.#last = cells;
    return cells;
  }
}

function newCell(): Cell {
  return {
    done: 0,
    failed: 0,
    timedOut: 0,
    unfinished: 0,
    bytesReceived: 0,
    response: new ExponentialHistogram(),
    service: new ExponentialHistogram(),
    errors: new Map(),
  };
}
