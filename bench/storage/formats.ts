import { zstdCompressSync } from 'node:zlib';
import type { SeriesWindow } from '../../packages/autopilot/src/contract/series.ts';
import { ByteWriter } from '../../packages/autopilot/src/storage/bytes.ts';
import { layouts } from '../../packages/autopilot/src/storage/cell-accumulator.ts';
import { writeCells } from '../../packages/autopilot/src/storage/postgres/cell-codec.ts';
import { type BenchOptions, median } from '../result.ts';
import type { Findings } from './findings.ts';
import { HOUR, MINUTE, Simulation } from './simulation.ts';
import { Workload } from './workload.ts';

/**
 * The ways to store minutes that were compared before one was chosen (docs/decisions/metric-storage.md): the same minutes of 50
 * routes and 4 instances over half a day, in tables of their own.
 */

const INSTANCES = 4;
const HOURS = 12;

interface Minute {
  readonly instance: number;
  readonly series: number;
  readonly minute: number;
  readonly cells: Uint8Array;
}

interface Format {
  readonly name: string;
  readonly table: string;
  readonly fill: (simulation: Simulation, minutes: readonly Minute[]) => Promise<void>;
  /** Reads one series of all instances, all minutes. */
  readonly readOne: string;
  /** Reads all series of all instances, all minutes. */
  readonly readAll: string;
}

function packed(cells: readonly Uint8Array[]): Buffer {
  const writer = new ByteWriter();
  for (const bytes of cells) writer.block(bytes);
  return Buffer.from(writer.take());
}

async function insert(
  simulation: Simulation,
  table: string,
  rows: readonly { readonly instance: number; readonly series: number; readonly at: number; readonly cells: Buffer }[],
): Promise<void> {
  for (let from = 0; from < rows.length; from += 1000) {
    const some = rows.slice(from, from + 1000);
    await simulation.query(
      `INSERT INTO ${table} SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])`,
      [
        some.map(({ instance }) => instance),
        some.map(({ series }) => series),
        some.map(({ at }) => at),
        some.map(({ cells }) => cells),
      ],
    );
  }
}

/** Minutes of one key together. */
function grouped(minutes: readonly Minute[], keyOf: (minute: Minute) => string): readonly (readonly Minute[])[] {
  const groups = new Map<string, Minute[]>();
  for (const minute of minutes) {
    const group = groups.get(keyOf(minute));
    if (group === undefined) groups.set(keyOf(minute), [minute]);
    else group.push(minute);
  }
  return [...groups.values()];
}

function chunks(table: string, compress: (bytes: Buffer) => Buffer, options: string): Omit<Format, 'name'> {
  return {
    table: `CREATE TABLE ${table} (instance bigint, series bigint, at bigint, cells bytea) ${options};
      ALTER TABLE ${table} ALTER COLUMN cells SET STORAGE EXTERNAL;
      CREATE INDEX ON ${table} (instance, series, at)`,
    fill: async (simulation, minutes) => {
      const rows = grouped(
        minutes,
        ({ instance, series, minute }) => `${instance} ${series} ${Math.floor(minute / 60)}`,
      );
      await insert(
        simulation,
        table,
        rows.map((group) => ({
          instance: group[0]?.instance ?? 0,
          series: group[0]?.series ?? 0,
          at: Math.floor((group[0]?.minute ?? 0) / 60),
          cells: compress(packed(group.map(({ cells }) => cells))),
        })),
      );
    },
    readOne: `SELECT instance, at, cells FROM ${table} WHERE instance = ANY ('{0,1,2,3}') AND series = 3`,
    readAll: `SELECT instance, series, at, cells FROM ${table} WHERE instance = ANY ('{0,1,2,3}')`,
  };
}

const zstd = (bytes: Buffer): Buffer => zstdCompressSync(bytes);
const asIs = (bytes: Buffer): Buffer => bytes;

const formats: readonly Format[] = [
  {
    name: 'a row a series and minute',
    table: `CREATE TABLE format_rows (instance bigint, series bigint, at bigint, cells bytea, PRIMARY KEY (instance, series, at))`,
    fill: async (simulation, minutes) => {
      const rows = minutes.map(({ instance, series, minute, cells }) => ({
        instance,
        series,
        at: minute,
        cells: Buffer.from(cells),
      }));
      await insert(simulation, 'format_rows', rows);
    },
    readOne: `SELECT instance, at, cells FROM format_rows WHERE instance = ANY ('{0,1,2,3}') AND series = 3`,
    readAll: `SELECT instance, series, at, cells FROM format_rows WHERE instance = ANY ('{0,1,2,3}')`,
  },
  {
    name: 'a row a minute and 64 series, zstd',
    table: `CREATE TABLE format_blocks (instance bigint, series bigint, at bigint, cells bytea);
      ALTER TABLE format_blocks ALTER COLUMN cells SET STORAGE EXTERNAL;
      CREATE INDEX ON format_blocks (instance, at)`,
    fill: async (simulation, minutes) => {
      const rows = grouped(minutes, ({ instance, minute }) => `${instance} ${minute}`);
      await insert(
        simulation,
        'format_blocks',
        rows.map((group) => ({
          instance: group[0]?.instance ?? 0,
          series: 0,
          at: group[0]?.minute ?? 0,
          cells: zstd(packed(group.map(({ cells }) => cells))),
        })),
      );
    },
    readOne: `SELECT instance, at, cells FROM format_blocks WHERE instance = ANY ('{0,1,2,3}')`,
    readAll: `SELECT instance, at, cells FROM format_blocks WHERE instance = ANY ('{0,1,2,3}')`,
  },
  { name: 'a row a series and hour', ...chunks('format_chunks', asIs, '') },
  { name: 'a row a series and hour, zstd (chosen)', ...chunks('format_zstd', zstd, '') },
  {
    name: 'a row a series and hour, zstd, TOAST from 8 KB',
    ...chunks('format_8k', zstd, 'WITH (toast_tuple_target = 8160)'),
  },
];

/** Adds a row for each format: bytes a day, and how long the server and the driver take to hand the rows over. */
export async function measureFormats({ rows }: Findings, { quick, log }: BenchOptions): Promise<void> {
  await using simulation = await Simulation.open({ durable: false });
  const workload = new Workload({ route: 50, tenant: 0, statement: 0 }, 200, 9, true);
  const writer = new ByteWriter();
  const minutes: Minute[] = [];
  const hours = quick ? 4 : HOURS;
  const numbers = new Map<string, number>();
  for (let minute = 0; minute < hours * 60; minute++) {
    for (let instance = 0; instance < INSTANCES; instance++) {
      for (const one of workload.window(simulation.now + (minute * HOUR) / 60, MINUTE).series) {
        if (one.family !== 'route') continue;
        let series = numbers.get(one.key);
        if (series === undefined) numbers.set(one.key, (series = numbers.size));
        write(writer, one);
        minutes.push({ instance, series, minute, cells: writer.take() });
      }
    }
  }
  for (const format of formats) {
    log(format.name);
    await simulation.query(format.table);
    await format.fill(simulation, minutes);
    const table = /CREATE TABLE (\w+)/.exec(format.table)?.[1] ?? '';
    await simulation.query(`VACUUM ANALYZE ${table}`);
    const bytes = await simulation.number(`SELECT pg_total_relation_size('${table}')::float8`);
    const readMs = async (sql: string): Promise<number> => {
      const times: number[] = [];
      for (let round = 0; round < 7; round++) {
        const started = performance.now();
        await simulation.query(sql);
        times.push(performance.now() - started);
      }
      return median(times);
    };
    rows.push(
      { figure: `minutes as ${format.name}: a day of 200 series`, value: (bytes / 1e6 / hours) * 24, unit: 'MB' },
      {
        figure: `minutes as ${format.name}: fetching one route of 4 instances`,
        value: await readMs(format.readOne),
        unit: 'ms',
      },
      {
        figure: `minutes as ${format.name}: fetching all 50 routes of 4 instances`,
        value: await readMs(format.readAll),
        unit: 'ms',
      },
    );
    await simulation.query(`DROP TABLE ${table}`);
  }
}

function write(writer: ByteWriter, series: SeriesWindow): void {
  const { names } = layouts[series.family];
  writeCells(writer, series.family, { cell: (field) => series.cells[names[field] ?? ''] });
}
