/** The process that runs a benchmark for a control plane. Started by BenchmarkRunner alone; ends with the one who started it. */
import process from 'node:process';
import { messageOf } from '../kernel/errors.ts';
import type { BenchmarkOrder, BenchmarkWord } from './benchmark-protocol.ts';
import { runBenchmark } from './run-benchmark.ts';

// Nobody is left who wants to know.
process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches every process of a terminal; the owner ends this one.
process.on('SIGINT', () => undefined);

const last = (word: BenchmarkWord): void => void process.send?.(word, () => process.disconnect());

process.once('message', (order: BenchmarkOrder) => {
  runBenchmark(
    order,
    (progress) => void process.send?.({ kind: 'progress', ...progress } satisfies BenchmarkWord),
  ).then(
    (report) => last({ kind: 'ended', report }),
    (error: unknown) => last({ kind: 'failed', message: messageOf(error) }),
  );
});
