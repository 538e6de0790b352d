import type { Clock } from '../kernel/clock.ts';
import type { CompressionObservation, Recorder, Sink } from './observation.ts';

/** The one observation that is handed to the sink again and again: none is made an answer. */
class SentAnswer implements CompressionObservation {
  readonly kind = 'compression';
  atMs = 0;
  series = '';
  bytesIn = 0;
  bytesOut = 0;
  cpuMs = 0;
  addedMs: number | null = null;
}

/** Counts what became of answers on their way out, by route. */
export class CompressionRecorder implements Recorder {
  readonly name = 'compression';
  readonly #clock: Clock;
  readonly #sent = new SentAnswer();
  #sink: Sink | null = null;

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

  /** `addedMs` null: the answer did not wait for it. */
  sent(series: string, bytesIn: number, bytesOut: number, cpuMs: number, addedMs: number | null): void {
    const sink = this.#sink;
    if (sink === null) return;
    const sent = this.#sent;
    sent.atMs = this.#clock.monotonicMs();
    sent.series = series;
    sent.bytesIn = bytesIn;
    sent.bytesOut = bytesOut;
    sent.cpuMs = cpuMs;
    sent.addedMs = addedMs;
    sink.record(sent);
  }
}
