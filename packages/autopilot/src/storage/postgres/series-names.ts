import type { Family, SeriesKey } from '../../contract/series.ts';
import type { StoreClient } from './store-connection.ts';
import { familyNumbers, familyOf } from './stored-names.ts';

/** A stored series with its names. */
export interface StoredSeries extends SeriesKey {
  readonly id: number;
  /** All keys of its family and database together. */
  readonly isTotal: boolean;
}

/** About 20 MB. */
const MOST_KEPT = 50_000;

interface SeriesRow {
  readonly series_id: number;
  readonly family: number;
  readonly key: string;
  readonly database: string | null;
  readonly route: string | null;
  readonly is_total: boolean;
}

/** The names behind the numbers of series. A number means the same for ever, so what was read once is kept, up to a bound. */
export class SeriesNames {
  #known: Map<number, StoredSeries> = new Map();

  /** The series among these; those whose name was removed, or is not written yet, are not in the answer. */
  async withIds(client: StoreClient, ids: Iterable<number>): Promise<ReadonlyMap<number, StoredSeries>> {
    const answer = new Map<number, StoredSeries>();
    const missing: number[] = [];
    for (const id of ids) {
      const known = this.#known.get(id);
      if (known === undefined) missing.push(id);
      else answer.set(id, known);
    }
    if (missing.length > 0) {
      const { rows } = await client.query<SeriesRow>(
        'SELECT series_id, family, key, database, route, is_total FROM autopilot.series WHERE series_id = ANY ($1)',
        [missing],
      );
      for (const row of rows) {
        const series = this.#keep(row);
        if (series !== null) answer.set(series.id, series);
      }
    }
    return answer;
  }

  /** The series of a family with these keys; null: its totals. */
  async withKeys(
    client: StoreClient,
    service: string,
    family: Family,
    keys: readonly string[] | null,
  ): Promise<readonly StoredSeries[]> {
    const { rows } = await client.query<SeriesRow>(
      `SELECT series_id, family, key, database, route, is_total FROM autopilot.series
       WHERE service = $1 AND family = $2 AND key = ANY ($3) AND is_total = $4`,
      // The key of a total is empty.
      [service, familyNumbers[family], keys === null ? [''] : [...keys], keys === null],
    );
    return rows.map((row) => this.#keep(row)).filter((series) => series !== null);
  }

  #keep(row: SeriesRow): StoredSeries | null {
    const family = familyOf(row.family);
    if (family === undefined) return null;
    if (this.#known.size >= MOST_KEPT) this.#known = new Map();
    const { series_id: id, key, database, route, is_total: isTotal } = row;
    const series: StoredSeries = { id, family, key, database, route, isTotal };
    this.#known.set(id, series);
    return series;
  }
}
