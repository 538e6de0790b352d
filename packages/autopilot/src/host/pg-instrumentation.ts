import type { Pool, PoolClient } from 'pg';
import type { Recorder, Sink } from '../track/observation.ts';
import type { RequestScope } from '../track/request-scope.ts';
import { everySecond } from '../track/second-timer.ts';
import { type CallMeter, functionOf, instrumentClient } from './pg-client.ts';

/** What a {@link PgRecorder} is made of. */
export interface PgRecorderOptions extends Omit<CallMeter, 'sink'> {
  readonly pool: Pool;
  /** Names the pool among those of the process. */
  readonly poolName: string;
  /** How long after the end of its request a connection that nobody uses is called lost; default 30. */
  readonly leakedAfterSeconds?: number;
}

/** What pg-pool calls back with: an error alone, or nothing, a client and its release. */
type ConnectCallback = (this: unknown, ...args: unknown[]) => unknown;

/** pool.connect in both of its forms, as it is called and not as its overloads say. */
type Connect = (this: Pool, callback?: ConnectCallback) => unknown;

/** A connection that is with a caller. */
interface Taken {
  readonly atMs: number;
  readonly scope: RequestScope | undefined;
  /** Where in the application, if that was looked at. */
  readonly frames: readonly string[] | null;
  /** Statements of the request when it was looked at last, and for how many seconds there was none after its end. */
  calls: number;
  idleSeconds: number;
}

/** A request that has ended has no use for a connection; what it left running may have, as long as it sends statements. */
const LEAKED_AFTER_SECONDS = 30;
/** In the middle of a window's second. */
const SAMPLE_AT_MS = 500;
/** pg-pool's own default. */
const DEFAULT_MAX = 10;

/**
 * Measures the calls that go through one `pg` pool: how long a caller waits for a connection and how long it keeps it, and,
 * on each connection handed out, every statement in every form that `pg` knows. Callers see what they would see without it: the same
 * results and errors, in the same order; a promise settles one turn of the microtask queue later.
 *
 * pool.query() is connect() and then query() on the client, both through the objects, so it is measured once.
 *
 * The pool itself works outside of any request: a connection opened for one request serves many, and would otherwise
 * keep the first one's context for life. A caller's callback runs in the caller's context.
 */
export class PgRecorder implements Recorder {
  readonly name = 'query';
  readonly #options: PgRecorderOptions;
  /** When each caller began to wait for a connection, the longest waiting first. */
  readonly #waiting = new Set<{ readonly sinceMs: number }>();

  constructor(options: PgRecorderOptions) {
    this.#options = options;
  }

  /** How long the caller that waits longest has waited for a connection; 0: nobody waits. */
  longestWaitMs(): number {
    for (const { sinceMs } of this.#waiting) return this.#options.clock.monotonicMs() - sinceMs;
    return 0;
  }

  /** Connections that are with a caller. */
  busyConnections(): number {
    const { totalCount, idleCount } = this.#options.pool;
    return totalCount - idleCount;
  }

  attach(sink: Sink): Disposable {
    const { pool } = this.#options;
    const clients = new Map<PoolClient, Disposable>();
    const taken = new Map<PoolClient, Taken>();
    const connect = this.#instrumentConnect(clients, taken, sink);
    const uses = this.#watchUses(taken, sink);
    const onRemove = (client: PoolClient): void => {
      clients.delete(client);
      taken.delete(client);
    };
    pool.on('remove', onRemove);
    const levels = this.#watchLevels(taken, sink);
    return {
      [Symbol.dispose]: () => {
        levels[Symbol.dispose]();
        uses[Symbol.dispose]();
        pool.off('remove', onRemove);
        for (const client of clients.values()) client[Symbol.dispose]();
        this.#waiting.clear();
        clients.clear();
        taken.clear();
        connect[Symbol.dispose]();
      },
    };
  }

  #instrumentConnect(clients: Map<PoolClient, Disposable>, taken: Map<PoolClient, Taken>, sink: Sink): Disposable {
    const options = this.#options;
    const { pool, context, clock, places, poolName, database } = options;
    const waiting = this.#waiting;
    const meter: CallMeter = { ...options, sink };
    const original = functionOf<Connect>(pool, 'connect');
    const before = Object.getOwnPropertyDescriptor(pool, 'connect');
    let active = true;

    function connect(this: Pool, callback?: ConnectCallback): unknown {
      if (!active) return Reflect.apply(original, this, callback === undefined ? [] : [callback]);
      const scope = context.current();
      const startedAtMs = clock.monotonicMs();
      scope?.enterDatabase(startedAtMs);
      const frames = places.atConnection(startedAtMs, scope?.route ?? null);
      const wait = { sinceMs: startedAtMs };
      waiting.add(wait);
      const settle = (client: unknown): void => {
        const atMs = clock.monotonicMs();
        waiting.delete(wait);
        scope?.leaveDatabase(atMs);
        const failed = client == null;
        sink.record({ kind: 'pool-wait', atMs, pool: poolName, database, waitMs: atMs - startedAtMs, failed });
        if (failed || !active) return;
        // pg-pool hands out clients and nothing else.
        adopt(client as PoolClient);
        const calls = scope?.databaseCalls ?? 0;
        taken.set(client as PoolClient, { atMs, scope, frames, calls, idleSeconds: 0 }); // `as`: for the same reason
      };
      if (typeof callback === 'function') {
        const wrapped: ConnectCallback = function (...args) {
          settle(args[1]);
          return context.run(scope, () => places.handing(frames, () => Reflect.apply(callback, this, args)));
        };
        return context.run(undefined, () => Reflect.apply(original, this, [wrapped]));
      }
      // Without a callback pg-pool answers a promise of its own kind.
      const connected = context.run(undefined, () => Reflect.apply(original, this, [])) as Promise<PoolClient>;
      return connected.then(
        (client) => {
          settle(client);
          return client;
        },
        (error: unknown) => {
          settle(null);
          throw error;
        },
      );
    }

    function adopt(client: PoolClient): void {
      if (!clients.has(client)) clients.set(client, instrumentClient(client, meter));
    }

    Object.defineProperty(pool, 'connect', { value: connect, configurable: true, writable: true, enumerable: false });
    return {
      [Symbol.dispose]: () => {
        active = false;
        // A wrapper that came after ours stays; ours only passes on from now on.
        if (Object.getOwnPropertyDescriptor(pool, 'connect')?.value !== connect) return;
        if (before === undefined) Reflect.deleteProperty(pool, 'connect');
        else Object.defineProperty(pool, 'connect', before);
      },
    };
  }

  /** pg-pool says when a client comes back; from a release that does not, no time of use is known. */
  #watchUses(taken: Map<PoolClient, Taken>, sink: Sink): Disposable {
    const { pool, clock, poolName, database } = this.#options;
    const onRelease = (_error: unknown, client: PoolClient): void => {
      const use = taken.get(client);
      if (use === undefined) return;
      taken.delete(client);
      const atMs = clock.monotonicMs();
      sink.record({ kind: 'pool-use', atMs, pool: poolName, database, useMs: atMs - use.atMs });
    };
    pool.on('release', onRelease);
    return { [Symbol.dispose]: () => pool.off('release', onRelease) };
  }

  #watchLevels(taken: ReadonlyMap<PoolClient, Taken>, sink: Sink): Disposable {
    const { pool, clock, poolName, database } = this.#options;
    const openedAtMs = new Map<PoolClient, number>();
    let opened = 0;
    let closed = 0;
    const onConnect = (client: PoolClient): void => {
      opened++;
      openedAtMs.set(client, clock.monotonicMs());
    };
    const onRemove = (client: PoolClient): void => {
      closed++;
      openedAtMs.delete(client);
    };
    pool.on('connect', onConnect);
    pool.on('remove', onRemove);
    const timer = everySecond(clock, SAMPLE_AT_MS, () => {
      const atMs = clock.monotonicMs();
      sink.record({
        kind: 'pool-level',
        atMs,
        pool: poolName,
        database,
        size: pool.totalCount,
        idle: pool.idleCount,
        waiting: pool.waitingCount,
        max: pool.options.max ?? DEFAULT_MAX,
        opened,
        closed,
        agesMs: Array.from(openedAtMs.values(), (sinceMs) => atMs - sinceMs),
        leaked: this.#countLeaks(taken.values()),
      });
      opened = 0;
      closed = 0;
    });
    return {
      [Symbol.dispose]: () => {
        timer[Symbol.dispose]();
        pool.off('connect', onConnect);
        pool.off('remove', onRemove);
      },
    };
  }

  /** Looks once a second at the connections that are out, of which a pool has some tens. */
  #countLeaks(taken: Iterable<Taken>): number {
    const { places, poolName, database, leakedAfterSeconds = LEAKED_AFTER_SECONDS } = this.#options;
    let leaks = 0;
    for (const use of taken) {
      const { scope } = use;
      if (scope === undefined || !scope.ended) continue;
      if (scope.databaseCalls !== use.calls) use.idleSeconds = 0;
      use.calls = scope.databaseCalls;
      if (++use.idleSeconds === leakedAfterSeconds) {
        places.leaked(poolName, database, scope.route, use.frames ?? []);
      }
      if (use.idleSeconds >= leakedAfterSeconds) leaks++;
    }
    return leaks;
  }
}
