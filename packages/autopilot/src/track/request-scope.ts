import { AsyncLocalStorage } from 'node:async_hooks';
import { UNMATCHED_ROUTE } from '../contract/series.ts';
import type { LoopSlices } from './loop-slices.ts';
import type { Statement } from './statement-registry.ts';

/** From here on a statement that one request repeats is worth a word: lists of tens of rows are what repeats it. */
export const REPEATED_CALLS = 10;
/** Statements of one request that are told apart: what comes in a loop comes early. */
const MOST_COUNTED = 16;

/** How often a request sent one statement. */
export interface StatementRepeat {
  readonly statement: Statement;
  calls: number;
}

/** How long a request waited for its database. Calls may overlap; their time counts once. */
class DatabaseTime {
  calls = 0;
  ms = 0;
  busy = 0;
  busySinceMs = 0;
  /** Counted by statement from the second on. */
  first: Statement | null = null;
  firstCalls = 0;
  others: StatementRepeat[] | null = null;
  isRepeating = false;
}

const NO_REPEATS: readonly StatementRepeat[] = [];

/** A request under way: what the code that handles it can find out about it, and adds to. Small, because there is one a request. */
export class RequestScope {
  readonly startedAtMs: number;
  /** Method and pattern; UNMATCHED_ROUTE until the framework has found it. */
  route: string = UNMATCHED_ROUTE;
  /** For the framework's adapter: its own request object. */
  subject: unknown = null;
  /** Known when the request has ended. */
  tenant: string | null = null;
  ended = false;
  /** Turned away because the service had too much to do. */
  shed = false;
  /** Of a load test that is kept apart. */
  isTest = false;
  /** Estimated time of the event loop so far. */
  loopMs = 0;
  /** null until the first call: most requests of a fast service make none. */
  #database: DatabaseTime | null = null;

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs;
  }

  /** Statements executed so far. */
  get databaseCalls(): number {
    return this.#database === null ? 0 : this.#database.calls;
  }

  /** Time at least one call was under way up to `atMs`, its wait for a connection included. */
  databaseMs(atMs: number): number {
    const database = this.#database;
    if (database === null) return 0;
    return database.busy > 0 ? database.ms + atMs - database.busySinceMs : database.ms;
  }

  /** Waiting for the database begins: for a connection, or for a statement. */
  enterDatabase(atMs: number): void {
    const database = (this.#database ??= new DatabaseTime());
    if (database.busy++ === 0) database.busySinceMs = atMs;
  }

  /** Ends what enterDatabase() began. */
  leaveDatabase(atMs: number): void {
    const database = this.#database;
    if (database !== null && --database.busy === 0) database.ms += atMs - database.busySinceMs;
  }

  /** A statement is sent; how often by this request so far, 0: it is not counted. */
  countSent(statement: Statement): number {
    const database = (this.#database ??= new DatabaseTime());
    let calls = 1;
    if (database.first === null) database.first = statement;
    if (database.first === statement) calls = ++database.firstCalls;
    else {
      const others = (database.others ??= []);
      const known = others.find((one) => one.statement === statement);
      if (known !== undefined) calls = ++known.calls;
      else if (others.length < MOST_COUNTED) others.push({ statement, calls });
      else calls = 0;
    }
    if (calls === REPEATED_CALLS) database.isRepeating = true;
    return calls;
  }

  /** Statements that it has sent again and again. */
  repeats(): readonly StatementRepeat[] {
    const database = this.#database;
    if (database === null || !database.isRepeating || database.first === null) return NO_REPEATS;
    const all = [{ statement: database.first, calls: database.firstCalls }, ...(database.others ?? [])];
    return all.filter(({ calls }) => calls >= REPEATED_CALLS);
  }

  /** A statement was executed. */
  countCall(): void {
    (this.#database ??= new DatabaseTime()).calls++;
  }
}

/** Told whose the running code becomes, for as long as it wants to know. */
export interface SliceWatcher {
  /** The rest of the running callback is this request's. */
  switchTo(scope: RequestScope): void;
  /** Runs a part of somebody else's callback for this request. */
  run<Result>(scope: RequestScope, callback: () => Result): Result;
}

/**
 * Finds the request that the running code belongs to, across awaits and callbacks.
 * It costs nothing until someone needs it: `enable()` is called with the first instrumented pool.
 */
export class RequestContext {
  #storage: AsyncLocalStorage<RequestScope | undefined> | null = null;
  /** Told whose the running callback becomes; null: nobody measures that. */
  slices: LoopSlices | null = null;
  /** The same, while a profile is made; null: none is. */
  watcher: SliceWatcher | null = null;

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
    this.slices?.switchTo(scope);
    this.watcher?.switchTo(scope);
  }

  /** Runs `callback` with `scope` current; undefined: outside of any request. */
  run<Result>(scope: RequestScope | undefined, callback: () => Result): Result {
    const storage = this.#storage;
    if (storage === null) return callback();
    const { slices, watcher } = this;
    if (scope === undefined || (slices === null && watcher === null)) return storage.run(scope, callback);
    const within = (): Result => storage.run(scope, callback);
    const sliced = slices === null ? within : (): Result => slices.run(scope, within);
    return watcher === null ? sliced() : watcher.run(scope, sliced);
  }
}
