import type { Dashboard, Deduction, TrafficSummary } from '@teamflow/autopilot/contract';
import type { ReactElement } from 'react';
import { extentOf, latestOf, type Values } from '../chart/chart-data.ts';
import type { SeriesColor } from '../chart/series.ts';
import { Sparkline } from '../chart/sparkline.tsx';
import type { Better } from '../format/delta.ts';
import { formatPoints, formatQuantity, NOTHING, type QuantityKind, quantity } from '../format/quantity.ts';
import { formatSpan } from '../format/time.ts';
import { DeltaMark } from '../range/delta-mark.tsx';
import { useRangeView } from '../range/range-view.tsx';
import './tiles.css';

interface Tile {
  readonly label: string;
  readonly kind: QuantityKind;
  readonly color: SeriesColor;
  readonly value: number | null | undefined;
  readonly better: Better;
  /** The same in the range that is compared with. */
  readonly before: number | null | undefined;
  /** The measure that health may take points for. */
  readonly measure: string;
  readonly trend: Values | undefined;
  readonly floor?: number;
  readonly note: string;
}

/** The traffic of the time window in six numbers, each with its course. */
export function TrafficTiles({ dashboard }: { readonly dashboard: Dashboard | undefined }): ReactElement {
  const { isLive, baseline, comparedWith } = useRangeView();
  // Without a request then there is nothing to compare with: often nothing was kept, or nobody reported.
  const then = baseline?.traffic.requests === 0 ? undefined : baseline?.traffic;
  // Health is of the present: what it takes points for is not what another range shows.
  const deductions = isLive ? (dashboard?.health.components.flatMap((component) => component.deductions) ?? []) : [];
  const rangeMs = dashboard === undefined ? null : Date.parse(dashboard.to) - Date.parse(dashboard.from);
  return (
    <section className="card tiles" aria-label={rangeMs === null ? 'Traffic' : `Traffic of ${formatSpan(rangeMs)}`}>
      {tilesOf(dashboard, then, isLive).map((tile) => (
        <TrafficTile
          key={tile.label}
          tile={tile}
          lost={deductions.find(({ measure }) => measure === tile.measure)}
          comparedWith={comparedWith}
        />
      ))}
    </section>
  );
}

interface TrafficTileProps {
  readonly tile: Tile;
  readonly lost: Deduction | undefined;
  readonly comparedWith: string | null;
}

function TrafficTile({ tile, lost, comparedWith }: TrafficTileProps): ReactElement {
  const number = quantity(tile.kind, tile.value);
  const { value, unit } = number;
  return (
    <div className="tile">
      <div className="tile-label">
        <span>{tile.label}</span>
        {lost !== undefined && (
          <span className="tile-lost numbers" title={lost.reason}>
            {formatPoints(lost.points)}
            <span className="visually-hidden"> points of health</span>
          </span>
        )}
      </div>
      <div className={number === NOTHING ? 'tile-value is-nothing' : 'tile-value numbers'}>
        {value}
        {unit !== '' && <span className="unit"> {unit}</span>}
        {comparedWith !== null && (
          <DeltaMark kind={tile.kind} better={tile.better} now={tile.value} before={tile.before} than={comparedWith} />
        )}
      </div>
      <div className="tile-note numbers">{tile.note}</div>
      <Sparkline
        values={tile.trend ?? []}
        color={tile.color}
        {...(tile.floor === undefined ? {} : { floor: tile.floor })}
      />
    </div>
  );
}

function tilesOf(
  dashboard: Dashboard | undefined,
  before: TrafficSummary | undefined,
  isLive: boolean,
): readonly Tile[] {
  const traffic = dashboard?.traffic;
  const trend = (name: string, column: string): Values | undefined => dashboard?.trends[name]?.columns[column];
  const note = (label: string, kind: QuantityKind, value: number | null | undefined): string =>
    value === null || value === undefined ? '\u00a0' : `${label} ${formatQuantity(kind, value)}`;
  return [
    {
      label: 'Requests',
      kind: 'rate',
      color: 'blue',
      measure: 'requestRate',
      value: traffic?.requestRate,
      better: 'neither',
      before: before?.requestRate,
      trend: trend('traffic', 'requestRate'),
      note: traffic === undefined ? '\u00a0' : volumeOf(traffic),
    },
    {
      label: 'Errors',
      kind: 'ratio',
      color: 'red',
      measure: 'errorRatio',
      value: traffic?.errorRatio,
      better: 'less',
      before: before?.errorRatio,
      trend: trend('traffic', 'errorRatio'),
      floor: 0.01,
      note: note('4xx', 'ratio', traffic?.clientErrorRatio),
    },
    {
      label: 'p50 latency',
      kind: 'duration',
      color: 'teal',
      measure: 'p50Ms',
      value: traffic?.p50Ms,
      better: 'less',
      before: before?.p50Ms,
      trend: trend('latency', 'p50Ms'),
      note: note('mean', 'duration', traffic?.meanMs),
    },
    {
      label: 'p95 latency',
      kind: 'duration',
      color: 'blue',
      measure: 'p95Ms',
      value: traffic?.p95Ms,
      better: 'less',
      before: before?.p95Ms,
      trend: trend('latency', 'p95Ms'),
      note: isLive
        ? note('now', 'duration', latestOf(trend('latency', 'p95Ms') ?? []))
        : note('highest', 'duration', extentOf(trend('latency', 'p95Ms') ?? []).most),
    },
    {
      label: 'p99 latency',
      kind: 'duration',
      color: 'orange',
      measure: 'p99Ms',
      value: traffic?.p99Ms,
      better: 'less',
      before: before?.p99Ms,
      trend: trend('latency', 'p99Ms'),
      note: note('longest', 'duration', traffic?.maxMs),
    },
    {
      label: 'Apdex',
      kind: 'apdex',
      color: 'violet',
      measure: 'apdex',
      value: traffic?.apdex,
      better: 'more',
      before: before?.apdex,
      trend: trend('traffic', 'apdex') ?? trend('latency', 'apdex'),
      floor: 1,
      note: 'satisfied to 500 ms',
    },
  ];
}

/** "49.8k in all, 1.4 MB/s". */
function volumeOf({ requests, bytesSentRate }: TrafficSummary): string {
  return `${formatQuantity('count', requests)} in all, ${formatQuantity('byteRate', bytesSentRate)}`;
}
