/**
 * A process that runs a load test, and says how it ended. `block`: its event loop stands still; `runner`: the test is in a process of
 * its own, as a control plane runs it.
 */
import { LoadRunner } from '../../packages/autopilot/src/load/load-runner.ts';
import type { LoadPlan } from '../../packages/autopilot/src/load/plan.ts';
import { runLoad } from '../../packages/autopilot/src/load/run-load.ts';

const [target = '', what] = process.argv.slice(2);
const plan: LoadPlan = {
  name: 'owned',
  target,
  load: { kind: 'arrivals', users: 20, stages: [{ durationMs: 10_000, ratePerSecond: 200 }] },
  flows: [{ name: 'get', steps: [{ name: 'get', path: '/' }] }],
};
const run = async (): Promise<{ readonly stop: { readonly reason: string } | null }> => {
  if (what !== 'runner') return await runLoad(plan);
  const listener = { onProgress: () => undefined, onStep: () => undefined };
  return (await new LoadRunner('load', plan, {}, listener).report).result;
};
if (what === 'block') {
  // Long enough for the workers to have begun: from then on they are told nothing.
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000), 1500);
}
const { stop } = await run();
process.send?.({ reason: stop?.reason });
process.disconnect();
