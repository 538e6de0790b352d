import { UNMATCHED_ROUTE } from '../contract/series.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Recorder, Sink } from './observation.ts';
import { RequestScope } from './request-scope.ts';

/**
 * Measures HTTP requests, whatever the framework: its adapter says when one begins and ends. Every begin() is paired
 * with one end() or forget(), so that `active` never drifts.
 */
export class HttpRecorder implements Recorder {
  readonly name = 'http';
  readonly #clock: Clock;
  #sink: Sink | null = null;
  #active = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(sink: Sink): Disposable {
    this.#sink = sink;
    return {
      [Symbol.dispose]: () => {
        if (this.#sink === sink) this.#sink = null;
      },
    };
  }

  /** False: nothing is measured, adapters leave requests alone. */
  get attached(): boolean {
    return this.#sink !== null;
  }

  /** Requests begun and not ended. */
  get active(): number {
    return this.#active;
  }

  begin<Scope extends RequestScope = RequestScope>(make: new (startedAtMs: number) => Scope): Scope {
    this.#active++;
    return new make(this.#clock.monotonicMs());
  }

  /** `status` 0: there was none, the client went away before. */
  end(scope: RequestScope, status: number, bytesSent: number, aborted: boolean): void {
    this.#active--;
    scope.end(this.#clock.monotonicMs(), status, bytesSent, aborted);
    this.#sink?.record(scope);
  }

  /** Ends a request that is not to be measured. */
  forget(): void {
    this.#active--;
  }

  /** A request that was refused before the framework saw one: it could not be read. */
  refuse(status: number): void {
    const scope = new RequestScope(this.#clock.monotonicMs());
    scope.route = UNMATCHED_ROUTE;
    scope.end(scope.startedAtMs, status, 0, false);
    this.#sink?.record(scope);
  }
}
