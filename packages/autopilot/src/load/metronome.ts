/** The thread behind MetronomeWaker: sleeps until the time it was given, wakes, sleeps until it is given another. */
import { workerData } from 'node:worker_threads';
import { machineClock } from './shared-state.ts';
import { METRONOME_ORDERS, METRONOME_QUIT, METRONOME_TIME, METRONOME_WAKES } from './waker.ts';

// `as`: MetronomeWaker, the only one that starts this thread, hands its memory over.
const memory = workerData as SharedArrayBuffer;
const words = new Int32Array(memory, 0, 3);
const time = new Float64Array(memory, METRONOME_TIME, 1);
const now = machineClock();

/** A futex comes back about this much late. */
const LATENESS_MS = 0.05;

/** The order that was carried out last: nothing is left to do until there is another. */
let done = 0;
while (words[METRONOME_QUIT] === 0) {
  // The order before its time: a time that is newer than the order is woken for twice, and never missed.
  const order = Atomics.load(words, METRONOME_ORDERS);
  const left = order === done ? Number.POSITIVE_INFINITY : (time[0] ?? 0) - now() - LATENESS_MS;
  if (left > 0) {
    Atomics.wait(words, METRONOME_ORDERS, order, left);
  } else {
    done = order;
    Atomics.add(words, METRONOME_WAKES, 1);
    Atomics.notify(words, METRONOME_WAKES);
  }
}
