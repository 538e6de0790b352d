/** The process that runs a load test for a control plane. Started by LoadRunner alone; ends with the one who started it. */
import process from 'node:process';
import { AutopilotError, messageOf } from '../kernel/errors.ts';
import { runLoadTest } from './load-test.ts';
import type { LoadOrder, LoadWord } from './runner-protocol.ts';
import type { TargetVitals } from './shared-state.ts';

// Nobody is left who could stop the test, or wants to know.
process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches every process of a terminal; the owner stops the test in order.
process.on('SIGINT', () => undefined);

const say = (word: LoadWord): void => void process.send?.(word);
const stop = new AbortController();
let vitals: { readonly values: TargetVitals; readonly atMs: number } | null = null;
/** What was told longer ago is no news of the target. */
const VITALS_MS = 4000;

process.on('message', (order: LoadOrder) => {
  switch (order.kind) {
    case 'start':
      void run(order);
      break;
    case 'vitals':
      vitals = { values: order.vitals, atMs: performance.now() };
      break;
    case 'stop':
      stop.abort();
      break;
  }
});

async function run({ test, plan, options }: LoadOrder & { readonly kind: 'start' }): Promise<void> {
  try {
    const report = await runLoadTest(test, plan, {
      ...options,
      signal: stop.signal,
      probe: () =>
        vitals === null || performance.now() - vitals.atMs > VITALS_MS
          ? Promise.reject(new Error('Nothing was told of the target.'))
          : Promise.resolve(vitals.values),
      onProgress: (progress) => say({ kind: 'progress', progress }),
      onStep: (step) => say({ kind: 'step', step }),
    });
    process.send?.({ kind: 'ended', report } satisfies LoadWord, () => process.disconnect());
  } catch (thrown) {
    const known = thrown instanceof AutopilotError;
    const word: LoadWord = {
      kind: 'failed',
      message: messageOf(thrown),
      remedy: known ? (thrown.remedy ?? null) : null,
    };
    process.send?.(word, () => process.disconnect());
  }
}
