import { AsyncLocalStorage } from 'node:async_hooks';
import { UNMATCHED_ROUTE } from '../contract/series.ts';
import type { RequestObservation } from './observation.ts';

/**
 * A request under way. It is the context that database calls find, and, once ended, its own observation:
 * one object a request, filled in as the request goes on.
 */
export class RequestScope implements RequestObservation {
  readonly kind = 'request';
  readonly startedAtMs: number;
  atMs = 0;
  route: string = UNMATCHED_ROUTE;
  tenant: string | null = null;
  status = 0;
  durationMs = 0;
  bytesSent = 0;
  aborted = false;
  databaseMs = 0;
  databaseCalls = 0;
  #databaseBusy = 0;
  #databaseBusySinceMs = 0;

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs;
  }

  /** Waiting for the database begins: for a connection, or for a statement. Calls may overlap; their time counts once. */
  enterDatabase(atMs: number): void {
    if (this.#databaseBusy++ === 0) this.#databaseBusySinceMs = atMs;
  }

  /** Ends what enterDatabase began. */
  leaveDatabase(atMs: number): void {
    if (--this.#databaseBusy === 0) this.databaseMs += atMs - this.#databaseBusySinceMs;
  }

  /** Closes the books: what is still under way counts up to now. */
  end(atMs: number, status: number, bytesSent: number, aborted: boolean): void {
    this.atMs = atMs;
    this.durationMs = atMs - this.startedAtMs;
    this.status = status;
    this.bytesSent = bytesSent;
    this.aborted = aborted;
    if (this.#databaseBusy > 0) this.databaseMs += atMs - this.#databaseBusySinceMs;
  }
}

/**
 * Finds the request that the running code belongs to, across awaits and callbacks.
 * It costs nothing until someone needs it: `enable()` is called with the first instrumented pool.
 */
export class RequestContext {
  #storage: AsyncLocalStorage<RequestScope | undefined> | null = null;

  get enabled(): boolean {
    return this.#storage !== null;
  }

  enable(): void {
    this.#storage ??= new AsyncLocalStorage();
  }

  current(): RequestScope | undefined {
    return this.#storage?.getStore();
  }

  /**
   * Makes `scope` current until the running callback of the event loop returns. Only for callbacks that Node calls
   * itself (an HTTP server's 'request'): anywhere else it would leak into the caller.
   */
  enter(scope: RequestScope): void {
    this.#storage?.enterWith(scope);
  }

  /** Runs `callback` with `scope` current; undefined: outside of any request. */
  run<Result>(scope: RequestScope | undefined, callback: () => Result): Result {
    return this.#storage === null ? callback() : this.#storage.run(scope, callback);
  }
}
