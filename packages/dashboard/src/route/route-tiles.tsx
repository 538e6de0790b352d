import type { Frame, RouteRow } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import type { SeriesColor } from '../chart/series.ts';
import { Sparkline } from '../chart/sparkline.tsx';
import type { Better } from '../format/delta.ts';
import { formatQuantity, NOTHING, type QuantityKind, quantity } from '../format/quantity.ts';
import { DeltaMark } from '../range/delta-mark.tsx';
import '../overview/tiles.css';

interface RouteTile {
  readonly label: string;
  readonly kind: QuantityKind;
  readonly color: SeriesColor;
  readonly column: string;
  readonly value: (row: RouteRow) => number | null;
  readonly note: (row: RouteRow) => string;
  readonly floor?: number;
  readonly better: Better;
}

const tiles: readonly RouteTile[] = [
  {
    label: 'Requests',
    better: 'neither',
    kind: 'rate',
    color: 'blue',
    column: 'requestRate',
    value: (row) => row.requestRate,
    note: (row) => `${formatQuantity('count', row.requests)} in all`,
  },
  {
    label: 'Errors',
    better: 'less',
    kind: 'ratio',
    color: 'red',
    column: 'errorRatio',
    floor: 0.01,
    value: (row) => row.errorRatio,
    note: (row) => `4xx ${formatQuantity('ratio', row.clientErrorRatio)}`,
  },
  {
    label: 'p50 latency',
    better: 'less',
    kind: 'duration',
    color: 'teal',
    column: 'p50Ms',
    value: (row) => row.p50Ms,
    note: (row) => `mean ${formatQuantity('duration', row.meanMs)}`,
  },
  {
    label: 'p95 latency',
    better: 'less',
    kind: 'duration',
    color: 'blue',
    column: 'p95Ms',
    value: (row) => row.p95Ms,
    note: (row) => `${formatQuantity('ratio', row.timeShare)} of all routes' time`,
  },
  {
    label: 'p99 latency',
    better: 'less',
    kind: 'duration',
    color: 'orange',
    column: 'p99Ms',
    value: (row) => row.p99Ms,
    note: (row) => `longest ${formatQuantity('duration', row.maxMs)}`,
  },
  {
    label: 'Database calls',
    better: 'less',
    kind: 'average',
    color: 'violet',
    column: 'databaseCallsPerRequest',
    value: (row) => row.databaseCallsPerRequest,
    note: (row) => `${formatQuantity('ratio', row.databaseShare)} of all database time`,
  },
];

/** The route's time window in six numbers, each with its course. */
export function RouteTiles({
  row,
  earlier,
  frame,
  comparedWith,
}: {
  readonly row: RouteRow | undefined;
  /** The same in the range that is compared with. */
  readonly earlier: RouteRow | undefined;
  readonly comparedWith: string | null;
  readonly frame: Frame | undefined;
}): ReactElement {
  return (
    <section className="card tiles" aria-label="The time window in numbers">
      {tiles.map((tile) => {
        const number = quantity(tile.kind, row === undefined ? null : tile.value(row));
        const { value, unit } = number;
        return (
          <div key={tile.label} className="tile">
            <div className="tile-label">{tile.label}</div>
            <div className={number === NOTHING ? 'tile-value is-nothing' : 'tile-value numbers'}>
              {value}
              {unit !== '' && <span className="unit"> {unit}</span>}
              {comparedWith !== null && row !== undefined && (
                <DeltaMark
                  kind={tile.kind}
                  better={tile.better}
                  now={tile.value(row)}
                  before={earlier === undefined ? null : tile.value(earlier)}
                  than={comparedWith}
                />
              )}
            </div>
            <div className="tile-note numbers">{row === undefined ? '\u00a0' : tile.note(row)}</div>
            <Sparkline
              values={frame?.columns[tile.column] ?? []}
              color={tile.color}
              {...(tile.floor === undefined ? {} : { floor: tile.floor })}
            />
          </div>
        );
      })}
    </section>
  );
}
