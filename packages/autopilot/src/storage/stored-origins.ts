import type { ReleaseMark } from '../contract/performance.ts';
import type { EpochMs } from '../kernel/clock.ts';

/** A release of a service, as history knows it. */
export interface StoredRelease {
  readonly service: string;
  readonly release: string;
  /** Where the first window of it begins, and where the last one ends. */
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** Who can be asked for them: a PostgresMetricStore. */
export interface ReleaseSource {
  storedReleases(): Promise<readonly StoredRelease[]>;
}

const VALID_MS = 30_000;

/** The services and releases in history, also those of which no process runs any more; looked up twice a minute. */
export class StoredOrigins {
  readonly #source: ReleaseSource;
  #known: readonly StoredRelease[] = [];
  #validUntilMs = Number.NEGATIVE_INFINITY;

  constructor(source: ReleaseSource) {
    this.#source = source;
  }

  /** Looks them up when it is time; to be called about once a second. What is known stays when that fails. */
  async refresh(nowMs: number): Promise<void> {
    if (nowMs < this.#validUntilMs) return;
    try {
      this.#known = await this.#source.storedReleases();
      this.#validUntilMs = nowMs + VALID_MS;
    } catch {
      // Told where facts are read from history; tried again with the next call.
    }
  }

  /** Those that reported last come first. */
  services(): readonly string[] {
    const newest = this.#known.toSorted((a, b) => b.to - a.to);
    return [...new Set(newest.map(({ service }) => service))];
  }

  releases(service: string): readonly StoredRelease[] {
    return this.#known.filter((one) => one.service === service);
  }
}

/** The releases of linked agents and those that are kept, by when each was first seen. */
export function mergedReleases(
  linked: readonly ReleaseMark[],
  stored: readonly StoredRelease[],
): readonly ReleaseMark[] {
  const marks = new Map<string, ReleaseMark>();
  const kept = stored.map(({ service, release, from }) => ({ service, release, at: new Date(from).toISOString() }));
  for (const mark of [...linked, ...kept].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))) {
    if (!marks.has(mark.release)) marks.set(mark.release, mark);
  }
  return [...marks.values()];
}
