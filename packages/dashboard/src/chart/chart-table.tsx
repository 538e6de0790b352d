import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { clockTime } from '../format/time.ts';
import type { AlignedValues } from './chart-data.ts';
import type { ChartDefinition } from './series.ts';

/** An hour of ten-second steps; more rows than that nobody reads, and the newest come first. */
const MOST_ROWS = 360;

/** The chart's points as a table, newest first, in the room the drawing had. */
export function ChartTable({
  definition,
  values,
}: {
  readonly definition: ChartDefinition;
  readonly values: AlignedValues;
}): ReactElement {
  const [seconds, ...columns] = values;
  const newest = seconds
    .map((_, index) => index)
    .slice(-MOST_ROWS)
    .toReversed();
  return (
    // A region that scrolls must be reachable by keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="chart-table" tabIndex={0} aria-label={`${definition.title}: values`}>
      <table className="numbers">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {definition.series.map((series) => (
              <th key={series.column} scope="col">
                {series.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.map((index) => (
            <tr key={seconds[index]}>
              <th scope="row">{clockTime((seconds[index] ?? 0) * 1000)}</th>
              {definition.series.map((series, position) => (
                <td key={series.column}>{formatQuantity(series.kind, columns[position]?.[index])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
