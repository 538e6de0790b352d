/** A process that runs a load test; `block`: and whose event loop then stands still. Says how the run ended. */
import { runLoad } from '../../packages/autopilot/src/load/run-load.ts';

const [target = '', what] = process.argv.slice(2);
const run = runLoad({
  name: 'owned',
  target,
  load: { kind: 'arrivals', users: 20, stages: [{ durationMs: 10_000, ratePerSecond: 200 }] },
  flows: [{ name: 'get', steps: [{ name: 'get', path: '/' }] }],
});
if (what === 'block') {
  // Long enough for the workers to have begun: from then on they are told nothing.
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000), 1500);
}
const { stop } = await run;
process.send?.({ reason: stop?.reason });
process.disconnect();
