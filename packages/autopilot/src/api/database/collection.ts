import type { DatabaseCollection } from '../../contract/database.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { DatabaseWatch } from './database-watch.ts';

const LATELY_MS = 10 * 60_000;

/** How the regular reading of a database goes; what it costs as it was kept last, by whichever control plane did it. */
export async function collectionOf(
  { name, collector, history }: DatabaseWatch,
  now: EpochMs,
): Promise<DatabaseCollection> {
  const { trouble, readAt, unseenRatio } = collector.status;
  // What is away is told by whoever is asked for it; here it is a figure less.
  const samples = await history.samples(name, now - LATELY_MS, now + 1).catch(() => []);
  const values = samples.at(-1)?.values;
  return {
    readAt: readAt === null ? null : new Date(readAt).toISOString(),
    trouble,
    unseenRatio,
    cost:
      values === undefined
        ? null
        : {
            readings: values['readings'] ?? 0,
            serverMs: values['readingMs'] ?? 0,
            processingMs: values['processingMs'] ?? 0,
          },
  };
}
