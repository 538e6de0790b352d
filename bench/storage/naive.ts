import type { Family, Origin, Window } from '../../packages/autopilot/src/contract/series.ts';
import { ExponentialHistogram } from '../../packages/autopilot/src/kernel/histogram.ts';
import type { Simulation } from './simulation.ts';

/**
 * History as it is kept where nobody thought about it: a row for each series and window, with an index for its reads. In two ways: all
 * that was measured as one jsonb (`{"requests": 12, "durationMs": {"17": 3, ...}}`), which the server adds up by bucket; and with the
 * histogram as sparse bytes in a column, which the reader merges. Measured beside the store, in the same rounds.
 */

/** The forms, and where they are kept. */
export const naiveForms = { 'jsonb rows': 'naive_jsonb', 'histogram rows': 'naive_rows' } as const;
export type NaiveForm = keyof typeof naiveForms;

const ROWS_PER_INSERT = 5000;

interface NaiveRow {
  readonly origin: Origin;
  readonly family: Family;
  readonly key: string;
  readonly start: number;
  readonly cells: Window['series'][number]['cells'];
}

export class NaiveStore {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  async create(): Promise<void> {
    for (const [form, table] of Object.entries(naiveForms)) {
      const columns =
        form === 'jsonb rows'
          ? 'cells jsonb NOT NULL'
          : 'requests bigint NOT NULL, errors bigint NOT NULL, cells bytea';
      await this.#simulation.query(
        `CREATE TABLE ${table} (service text, instance text, family text, key text, at timestamptz, ${columns},
           PRIMARY KEY (service, instance, family, key, at));
         CREATE INDEX ON ${table} (service, family, at)`,
      );
    }
  }

  async append(form: NaiveForm, origin: Origin, { start, series }: Window): Promise<void> {
    await this.#insert(
      form,
      series.map(({ family, key, cells }) => ({ origin, family, key, start, cells })),
    );
  }

  /** What the store itself tells of a service at this resolution, as rows of both forms. */
  async copy(
    service: string,
    families: readonly Family[],
    from: number,
    to: number,
    resolutionMs: number,
  ): Promise<void> {
    for (const family of families) {
      const rows: NaiveRow[] = [];
      const query = { service, family, select: { kind: 'each' }, from, to, resolutionMs } as const;
      const flush = async (): Promise<void> => {
        // Several slices of one bucket, as of a late window, are not made here: keys are unique.
        for (const form of ['jsonb rows', 'histogram rows'] as const) await this.#insert(form, rows);
        rows.length = 0;
      };
      for await (const { origin, start, series } of this.#simulation.store.read(query)) {
        for (const { key, cells } of series) rows.push({ origin, family, key, start, cells });
        if (rows.length >= ROWS_PER_INSERT) await flush();
      }
      await flush();
    }
  }

  async settle(): Promise<void> {
    for (const table of Object.values(naiveForms)) await this.#simulation.query(`VACUUM ANALYZE ${table}`);
  }

  async bytes(form: NaiveForm): Promise<number> {
    return await this.#simulation.number(`SELECT pg_total_relation_size('${naiveForms[form]}')::float8`);
  }

  async rowCount(form: NaiveForm): Promise<number> {
    return await this.#simulation.number(`SELECT count(*)::float8 FROM ${naiveForms[form]}`);
  }

  /** The p99 of each route over [from, to). */
  async p99(form: NaiveForm, service: string, from: number, to: number): Promise<ReadonlyMap<string, number>> {
    const range = [service, new Date(from), new Date(to)];
    if (form === 'jsonb rows') {
      const rows = await this.#simulation.query(
        `SELECT n.key AS route, b.key::integer AS bucket, sum(b.value::bigint)::float8 AS count
         FROM naive_jsonb n, jsonb_each_text(n.cells -> 'durationMs') b
         WHERE n.service = $1 AND n.family = 'route' AND n.at >= $2 AND n.at < $3
         GROUP BY 1, 2 ORDER BY 1, 2`,
        range,
      );
      return quantiles(rows);
    }
    const rows = await this.#simulation.query(
      `SELECT key, cells FROM naive_rows WHERE service = $1 AND family = 'route' AND at >= $2 AND at < $3`,
      range,
    );
    const merged = new Map<string, ExponentialHistogram>();
    for (const { key, cells } of rows) {
      const name = String(key);
      let histogram = merged.get(name);
      if (histogram === undefined) merged.set(name, (histogram = new ExponentialHistogram()));
      if (cells instanceof Uint8Array) histogram.mergeEncoded(cells);
    }
    return new Map([...merged].map(([key, histogram]) => [key, histogram.quantile(0.99)]));
  }

  async #insert(form: NaiveForm, rows: readonly NaiveRow[]): Promise<void> {
    if (rows.length === 0) return;
    const keys = [
      rows.map(({ origin }) => origin.service),
      rows.map(({ origin }) => origin.instance),
      rows.map(({ family }) => family),
      rows.map(({ key }) => key),
      rows.map(({ start }) => new Date(start)),
    ];
    if (form === 'jsonb rows') {
      await this.#simulation.query(
        `INSERT INTO naive_jsonb
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[])
         ON CONFLICT DO NOTHING`,
        [...keys, rows.map(({ cells }) => JSON.stringify(jsonOf(cells)))],
      );
      return;
    }
    await this.#simulation.query(
      `INSERT INTO naive_rows
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[], $8::bytea[])
       ON CONFLICT DO NOTHING`,
      [
        ...keys,
        rows.map(({ cells }) => countOf(cells, 'requests') + countOf(cells, 'calls')),
        rows.map(({ cells }) => countOf(cells, 'errors')),
        rows.map(({ cells }) => (cells['durationMs'] instanceof Uint8Array ? Buffer.from(cells['durationMs']) : null)),
      ],
    );
  }
}

function countOf(cells: NaiveRow['cells'], name: string): number {
  const cell = cells[name];
  return typeof cell === 'number' ? cell : 0;
}

/** A histogram as its buckets by index. */
function jsonOf(cells: NaiveRow['cells']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(cells).map(([name, cell]) => {
      if (!(cell instanceof Uint8Array)) return [name, cell];
      const buckets = [...ExponentialHistogram.decode(cell).buckets()];
      return [name, Object.fromEntries(buckets.map(({ index, count }) => [index, count]))];
    }),
  );
}

/** Rows of (route, bucket, count), ascending. */
function quantiles(rows: readonly Record<string, unknown>[]): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const { route, count } of rows) totals.set(String(route), (totals.get(String(route)) ?? 0) + Number(count));
  const seen = new Map<string, number>();
  const found = new Map<string, number>();
  for (const { route, bucket, count } of rows) {
    const name = String(route);
    const upTo = (seen.get(name) ?? 0) + Number(count);
    seen.set(name, upTo);
    if (!found.has(name) && upTo >= 0.99 * (totals.get(name) ?? 0)) found.set(name, 2 ** ((Number(bucket) + 0.5) / 16));
  }
  return found;
}
