import { type ReactElement, useMemo } from 'react';
import type { Values } from './chart-data.ts';
import type { SeriesColor } from './series.ts';
import { sparklinePath } from './sparkline-path.ts';

const WIDTH = 200;
const HEIGHT = 30;

interface SparklineProps {
  readonly values: Values;
  readonly color: SeriesColor;
  /** The axis ends at least here. */
  readonly floor?: number;
}

/** The course of one number, without axes; its value stands beside it, so it is hidden from screen readers. */
export function Sparkline({ values, color, floor = 0 }: SparklineProps): ReactElement {
  const path = useMemo(() => sparklinePath(values, WIDTH, HEIGHT - 3, floor), [values, floor]);
  return (
    <svg
      className="sparkline"
      data-color={color}
      viewBox={`0 -2 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path className="sparkline-area" d={path.area} />
      <path className="sparkline-line" d={path.line} />
    </svg>
  );
}
