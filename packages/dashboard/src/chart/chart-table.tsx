import type { ReactElement } from 'react';
import { formatQuantity } from '../format/quantity.ts';
import { momentText } from '../format/time.ts';
import type { AlignedValues } from './chart-data.ts';
import type { ChartDefinition } from './series.ts';

/** An hour of ten-second steps; more rows than that nobody reads, and the newest come first. */
const MOST_ROWS = 360;

/** The chart's points as a table, newest first, in the room the drawing had. */
export function ChartTable({
  definition,
  values,
  comparedWith,
}: {
  readonly definition: ChartDefinition;
  /** With the earlier values behind the present ones, where something is compared. */
  readonly values: AlignedValues;
  readonly comparedWith: string | null;
}): ReactElement {
  const [seconds, ...columns] = values;
  const rangeMs = ((seconds.at(-1) ?? 0) - (seconds[0] ?? 0)) * 1000;
  const heads = [
    ...definition.series.map(({ label, kind }) => ({ label, kind })),
    ...(comparedWith === null
      ? []
      : definition.series.map(({ label, kind }) => ({ label: `${label} ${comparedWith}`, kind }))),
  ];
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
            {heads.map(({ label }) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.map((index) => (
            <tr key={seconds[index]}>
              <th scope="row">{momentText((seconds[index] ?? 0) * 1000, rangeMs)}</th>
              {heads.map(({ label, kind }, position) => (
                <td key={label}>{formatQuantity(kind, columns[position]?.[index])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
