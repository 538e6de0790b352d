import { setImmediate as turn } from 'node:timers/promises';

/** Of the event loop at a time, before others have their turn. */
const SLICE_MS = 2;

/** Runs a generator to its end, letting the event loop turn whenever it took 2 ms. */
export async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  let began = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - began < SLICE_MS) continue;
    await turn();
    began = performance.now();
  }
}
