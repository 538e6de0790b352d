import { type AsyncHook, createHook } from 'node:async_hooks';
import type { RequestContext, RequestScope, SliceWatcher } from './request-scope.ts';

/** Slices that are remembered: 18 MB at most. A profile of a minute has room for 16,000 a second. */
const MAX_SLICES = 1_000_000;
const FIRST_SLICES = 4_096;
/** Routes that are told apart. */
const MAX_ROUTES = 1_000;
const MAX_DEPTH = 256;

/** Whose a moment was: nobody's, or that of a request which can't be told any more. */
export const NO_REQUEST = '(no request)';
export const NOT_TOLD_APART = '(not told apart)';

/**
 * Remembers which route's code ran when, as long as a profile lasts: from each call of Node into a request's context to its
 * return. The route is looked up at the end of a slice, because at the beginning of a request it is not known yet.
 */
export class SliceLog implements SliceWatcher {
  readonly #context: RequestContext;
  readonly #nowMs: () => number;
  readonly #hook: AsyncHook;
  readonly #routes = new Map<string, number>();
  #starts = new Float64Array(FIRST_SLICES);
  #ends = new Float64Array(FIRST_SLICES);
  #owners = new Uint16Array(FIRST_SLICES);
  #count = 0;
  #owner: RequestScope | undefined;
  #sinceMs = 0;
  #outer: (RequestScope | undefined)[] = [];
  #fullAtMs = Number.POSITIVE_INFINITY;

  constructor(context: RequestContext, nowMs: () => number) {
    this.#context = context;
    this.#nowMs = nowMs;
    this.#hook = createHook({ before: () => this.#enter(this.#context.current()), after: () => this.#leave() });
  }

  start(): void {
    // It says whose a callback is.
    this.#context.enable();
    this.#context.watcher = this;
    this.#hook.enable();
  }

  stop(): void {
    this.#hook.disable();
    if (this.#context.watcher === this) this.#context.watcher = null;
  }

  switchTo(scope: RequestScope): void {
    this.#keep();
    this.#owner = scope;
  }

  run<Result>(scope: RequestScope, callback: () => Result): Result {
    this.#enter(scope);
    try {
      return callback();
    } finally {
      this.#leave();
    }
  }

  /** The route of each moment; moments come in order, in ms of the clock that it was made with. */
  routesAt(moments: Iterable<number>): readonly string[] {
    const names = [...this.#routes.keys()];
    let slice = 0;
    return Array.from(moments, (atMs) => {
      while (slice < this.#count && (this.#ends[slice] ?? 0) <= atMs) slice++;
      if (slice < this.#count && (this.#starts[slice] ?? 0) <= atMs) {
        return names[this.#owners[slice] ?? 0] ?? NOT_TOLD_APART;
      }
      return atMs > this.#fullAtMs ? NOT_TOLD_APART : NO_REQUEST;
    });
  }

  #enter(scope: RequestScope | undefined): void {
    if (this.#outer.length >= MAX_DEPTH) this.#outer = [];
    this.#outer.push(this.#owner);
    this.#keep();
    this.#owner = scope;
  }

  #leave(): void {
    this.#keep();
    this.#owner = this.#outer.pop();
  }

  /** Ends the slice under way: slices end in the order of time, and do not overlap. */
  #keep(): void {
    const atMs = this.#nowMs();
    if (this.#owner !== undefined) {
      const route = this.#routeOf(this.#owner.route);
      if (this.#count < MAX_SLICES) {
        if (this.#count === this.#starts.length) this.#grow();
        this.#starts[this.#count] = this.#sinceMs;
        this.#ends[this.#count] = atMs;
        this.#owners[this.#count] = route;
        this.#count++;
      } else this.#fullAtMs = Math.min(this.#fullAtMs, atMs);
    }
    this.#sinceMs = atMs;
  }

  #routeOf(name: string): number {
    const known = this.#routes.get(name);
    if (known !== undefined) return known;
    const isFull = this.#routes.size >= MAX_ROUTES;
    const number = isFull ? (this.#routes.get(NOT_TOLD_APART) ?? this.#routes.size) : this.#routes.size;
    this.#routes.set(isFull ? NOT_TOLD_APART : name, number);
    return number;
  }

  #grow(): void {
    const length = Math.min(MAX_SLICES, this.#starts.length * 2);
    const [starts, ends, owners] = [new Float64Array(length), new Float64Array(length), new Uint16Array(length)];
    starts.set(this.#starts);
    ends.set(this.#ends);
    owners.set(this.#owners);
    [this.#starts, this.#ends, this.#owners] = [starts, ends, owners];
  }
}
