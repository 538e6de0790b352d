import { UNMATCHED_ROUTE } from '../contract/series.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Recorder, RequestObservation, Sink } from './observation.ts';
import { RequestScope } from './request-scope.ts';
import { TestMarks } from './test-marks.ts';

/** The one observation that a recorder hands to its sink again and again: none is made a request. */
class EndedRequest implements RequestObservation {
  readonly kind = 'request';
  atMs = 0;
  route: string = UNMATCHED_ROUTE;
  tenant: string | null = null;
  status = 0;
  durationMs = 0;
  bytesSent = 0;
  aborted = false;
  databaseMs = 0;
  databaseCalls = 0;
  bytesReceived = 0;
  loopMs = 0;
  shed = false;
  isTest = false;
}

/**
 * Measures HTTP requests, whatever the framework: its adapter says when one begins and ends. Every begin() is paired
 * with one end() or forget(), so that `active` never drifts.
 */
export class HttpRecorder implements Recorder {
  readonly name = 'http';
  /** Whose requests are kept apart. */
  readonly marks: TestMarks = new TestMarks();
  readonly #clock: Clock;
  readonly #ended = new EndedRequest();
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

  begin(): RequestScope {
    this.#active++;
    return new RequestScope(this.#clock.monotonicMs());
  }

  /** `tenant` null: nobody's. `status` 0: there was none, the client went away before. */
  end(
    scope: RequestScope,
    tenant: string | null,
    status: number,
    bytesSent: number,
    aborted: boolean,
    bytesReceived = 0,
  ): void {
    this.#active--;
    scope.ended = true;
    scope.tenant = tenant;
    const sink = this.#sink;
    if (sink === null) return;
    const ended = this.#ended;
    const atMs = this.#clock.monotonicMs();
    ended.atMs = atMs;
    ended.route = scope.route;
    ended.tenant = tenant;
    ended.status = status;
    ended.durationMs = atMs - scope.startedAtMs;
    ended.bytesSent = bytesSent;
    ended.aborted = aborted;
    ended.databaseMs = scope.databaseMs(atMs);
    ended.databaseCalls = scope.databaseCalls;
    ended.bytesReceived = bytesReceived;
    ended.loopMs = scope.loopMs;
    ended.shed = scope.shed;
    ended.isTest = scope.isTest;
    sink.record(ended);
    for (const { statement, calls } of scope.repeats()) {
      sink.record({ kind: 'repeat', atMs, statement, route: scope.route, calls });
    }
  }

  /** Ends a request that is not to be measured. */
  forget(): void {
    this.#active--;
  }

  /** A request that was refused before the framework saw one: it could not be read. */
  refuse(status: number): void {
    this.end(this.begin(), null, status, 0, false);
  }
}
