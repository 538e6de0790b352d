import type { Values } from './chart-data.ts';

/** Points a small line can show: more would be finer than a pixel. */
const MOST_POINTS = 72;

export interface SparklinePath {
  readonly line: string;
  /** The same line closed down to the base, for shading. */
  readonly area: string;
}

/**
 * An SVG path of `values` in a box of `width` by `height`; gaps stay gaps. Where several values share a point the
 * largest is drawn: a peak must not vanish in a small picture.
 */
export function sparklinePath(values: Values, width: number, height: number, floor: number): SparklinePath {
  const thin = thinned(values, MOST_POINTS);
  const most = Math.max(floor, ...thin.map((value) => value ?? 0));
  const x = (index: number): number => round((index / Math.max(1, thin.length - 1)) * width);
  const y = (value: number): number => round(height - (most > 0 ? (value / most) * height : 0));
  const lines: string[] = [];
  const areas: string[] = [];
  let run: string[] = [];
  let start = 0;
  for (let index = 0; index <= thin.length; index += 1) {
    const value = thin[index] ?? null;
    if (value !== null) {
      if (run.length === 0) start = index;
      run.push(`${x(index)} ${y(value)}`);
    } else if (run.length > 0) {
      // A single point becomes a short stroke, or it would not be seen.
      const points = run.length === 1 ? [...run, `${round(x(start) + 1)} ${y(thin[start] ?? 0)}`] : run;
      lines.push(`M${points.join('L')}`);
      if (run.length > 1) areas.push(`M${x(start)} ${height}L${run.join('L')}L${x(index - 1)} ${height}Z`);
      run = [];
    }
  }
  return { line: lines.join(''), area: areas.join('') };
}

function thinned(values: Values, most: number): (number | null)[] {
  if (values.length <= most) return [...values];
  const size = values.length / most;
  return Array.from({ length: most }, (_, index) => {
    const bucket = values.slice(Math.floor(index * size), Math.floor((index + 1) * size));
    return bucket.reduce<number | null>(
      (peak, value) => (value === null ? peak : Math.max(peak ?? value, value)),
      null,
    );
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
