import type { ReactElement } from 'react';

const width = 96;
const height = 24;

/** Requests over time, as a small line; its highest point touches the top. */
export function TrendLine({
  values,
  label,
}: {
  readonly values: readonly number[];
  readonly label: string;
}): ReactElement {
  const most = Math.max(...values, 1);
  const stepX = width / Math.max(1, values.length - 1);
  const points = values.map(
    (value, index) => `${(index * stepX).toFixed(1)},${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`,
  );
  return (
    <svg className="trend-line" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {points.length > 1 && <polyline points={points.join(' ')} />}
    </svg>
  );
}
