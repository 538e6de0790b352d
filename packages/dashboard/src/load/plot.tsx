import type { ReactElement } from 'react';

/** A line of a plot; a null leaves a gap. */
export interface PlotLine {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

interface PlotProps {
  readonly title: string;
  readonly lines: readonly PlotLine[];
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
  /** Points, not lines: where the order of x is none of time. */
  readonly isScatter?: boolean;
}

const WIDTH = 560;
const HEIGHT = 190;
const LEFT = 62;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 22;
const SHARES = [0, 0.5, 1] as const;

/** A plot over seconds after a start, shares of requests, or requests at once: what the charts of clock time are not for. */
export function Plot({ title, lines, x, y, isScatter = false }: PlotProps): ReactElement {
  const points = lines.flatMap((line) => line.points.filter((point) => point.y !== null));
  const last = lines
    .map(({ name, points: all }) => `${name} ${y(all.findLast((point) => point.y !== null)?.y ?? 0)}`)
    .join(', ');
  // Gaps take their place too: plots of one time are drawn over one range.
  const xs = lines.flatMap((line) => line.points.map((point) => point.x));
  const from = Math.min(...xs);
  const to = Math.max(...xs);
  const top = niceTop(Math.max(0, ...points.map((point) => point.y ?? 0)));
  const atX = (value: number): number => LEFT + ((value - from) / (to - from || 1)) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  return (
    <figure className="card load-plot">
      <figcaption>
        <span className="card-title">{title}</span>
        {lines.length > 1 &&
          lines.map(({ name }, at) => (
            <span key={name} className="load-key" data-series={at}>
              {name}
            </span>
          ))}
      </figcaption>
      {points.length === 0 ? (
        <p className="card-empty">Nothing has been measured yet.</p>
      ) : (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: ${last}`}>
          {SHARES.map((share) => (
            <g key={share}>
              <line className="load-grid" x1={LEFT} x2={WIDTH - RIGHT} y1={atY(share * top)} y2={atY(share * top)} />
              <text x={LEFT - 6} y={atY(share * top) + 4} textAnchor="end">
                {y(share * top)}
              </text>
            </g>
          ))}
          {(from === to ? [0] : SHARES).map((share, at) => (
            <text
              key={share}
              x={atX(from + share * (to - from))}
              y={HEIGHT - 5}
              textAnchor={(['start', 'middle', 'end'] as const)[at]}
            >
              {x(from + share * (to - from))}
            </text>
          ))}
          {lines.map((line, at) =>
            isScatter ? (
              line.points.map((point) =>
                point.y === null ? null : (
                  <circle
                    key={`${point.x} ${point.y}`}
                    className="load-dot"
                    data-series={at}
                    cx={atX(point.x)}
                    cy={atY(point.y)}
                    r={4}
                  />
                ),
              )
            ) : (
              <path key={line.name} className="load-line" data-series={at} d={pathOf(line, atX, atY)} />
            ),
          )}
        </svg>
      )}
    </figure>
  );
}

function pathOf({ points }: PlotLine, atX: (x: number) => number, atY: (y: number) => number): string {
  let path = '';
  let isOpen = false;
  for (const { x, y } of points) {
    if (y !== null) path += `${isOpen ? 'L' : 'M'}${atX(x).toFixed(1)} ${atY(y).toFixed(1)}`;
    isOpen = y !== null;
  }
  return path;
}

/** 1, 2 or 5 times a power of ten, not under `value`. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((step) => step * power >= value) ?? 10) * power;
}
