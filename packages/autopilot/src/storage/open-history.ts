import { type Clock, systemClock } from '../kernel/clock.ts';
import { toldOf } from '../kernel/errors.ts';
import { LayeredMetricStore } from './layered-metric-store.ts';
import type { MemoryMetricStore } from './memory/memory-metric-store.ts';
import { OpeningMetricStore } from './opening-metric-store.ts';
import { PostgresMetricStore } from './postgres/postgres-metric-store.ts';
import { StoredOrigins } from './stored-origins.ts';

/** What {@link openHistory} is told. */
export interface OpenHistoryOptions {
  /** `postgres://...` */
  readonly connectionString: string;
  /** The live hour that it is behind. */
  readonly recent: MemoryMetricStore;
  /** Of the caller's own, for tests; absent: the server's decides, which all instances share. */
  readonly clock?: Clock | undefined;
  readonly mayCompact: () => boolean;
  readonly onTrouble: (message: string, cause?: unknown) => void;
}

/** History behind the live hour; it opens in the background. */
export function openHistory({ connectionString, recent, clock, mayCompact, onTrouble }: OpenHistoryOptions): {
  readonly stored: OpeningMetricStore;
  readonly layered: LayeredMetricStore;
  readonly origins: StoredOrigins;
} {
  const tell = (error: unknown): void => onTrouble(`History: ${toldOf(error)}`);
  const stored = new OpeningMetricStore(
    new PostgresMetricStore({ connectionString, ...(clock === undefined ? {} : { clock }) }),
    tell,
  );
  stored.open();
  return {
    stored,
    origins: new StoredOrigins(stored),
    layered: new LayeredMetricStore({
      recent,
      history: stored,
      clock: clock ?? systemClock,
      mayCompact,
      // What keeps it from opening was told, or it is about to open.
      onTrouble: (error) => (stored.trouble === null ? tell(error) : undefined),
    }),
  };
}
